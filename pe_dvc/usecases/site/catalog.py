"""What a site shows: the datasets of countries, in every version that a channel pointed to.

All of it was verified when it was read (``pe_dvc.project.site_source``), and nothing of it depends
on when or where: the same published state gives the same catalog.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.reference import CHANNELS, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pe_dvc.documents.dataset import Dataset
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256


@dataclass(frozen=True, kw_only=True)
class ChannelState:
    """A channel as readers see it: its version, until when that is valid, and who signed it."""

    name: str
    version: int
    expires: datetime
    datasets: int


@dataclass(frozen=True, kw_only=True)
class ChannelChange:
    """What one version of a channel changed, by dataset names; ``is_first`` of the channel's."""

    channel: str
    version: int
    signed_on: str
    """The day, such as ``2026-04-20``."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    replaced: tuple[str, ...]
    is_first: bool = False


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """Where an artifact was: the version of a channel that first pointed to it, and its day."""

    channel: str
    version: int
    signed_on: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersion:
    """One artifact that a dataset was or is.

    ``dataset`` has the figures that may be said under ``rule``. It is None of what was withdrawn
    or could not be read; ``withdrawn`` and ``problem`` say why. ``lacks`` says which of its
    documents are not where the site was read from.
    """

    pointer: Pointer
    appearances: tuple[Appearance, ...]
    rule: Disclosure
    dataset: Dataset | None = None
    withdrawn: str | None = None
    problem: str | None = None
    lacks: str | None = None

    @property
    def sha256(self) -> Sha256:
        """The identity of its bytes."""
        return self.pointer.sha256

    @property
    def pin(self) -> str:
        """The reference that always means it."""
        pointer = self.pointer
        return str(Reference.pinned(pointer.country, pointer.name, pointer.sha256))


@dataclass(frozen=True, kw_only=True)
class CatalogDataset:
    """A dataset of a country; ``pointers`` are those of today's channels, by channel.

    ``versions`` are the newest ones first, and ``earlier`` counts those that are not among them.
    """

    country: str
    name: str
    pointers: Mapping[str, Pointer]
    versions: tuple[DatasetVersion, ...]
    earlier: int = 0

    @property
    def channel(self) -> str:
        """The channel whose version its page describes: ``latest``, else ``next``."""
        return next(channel for channel in CHANNELS if channel in self.pointers)

    @property
    def current(self) -> DatasetVersion:
        """The version that its page describes."""
        wanted = self.pointers[self.channel].sha256
        return next(version for version in self.versions if version.sha256 == wanted)


@dataclass(frozen=True, kw_only=True)
class CatalogRelease:
    """A signed release; without a ``manifest`` ``problem`` or ``lacks`` says why."""

    released: Released
    manifest: ReleaseManifest | None = None
    problem: str | None = None
    lacks: str | None = None


@dataclass(frozen=True, kw_only=True)
class CountryCatalog:
    """What is published of a country. ``root`` is the file that it was verified from.

    ``seen`` is what was published at that moment, signed, as browsers begin with it; ``source`` is
    what pages call the place where it was read: the bucket, or git.
    ``contact`` is who grants access to its data, where the root says so. ``history_problem`` says
    why the versions before today's are not all known.
    """

    country: str
    source: str
    root: bytes
    fingerprint: Sha256
    channels: tuple[ChannelState, ...]
    changes: tuple[ChannelChange, ...]
    datasets: tuple[CatalogDataset, ...]
    releases: tuple[CatalogRelease, ...] = ()
    withdrawn: tuple[Revocation, ...] = ()
    seen: bytes | None = None
    contact: str | None = None
    history_problem: str | None = None

    def version_of(self, channel: str) -> int:
        """Return the version of a channel that was published."""
        return next(one.version for one in self.channels if one.name == channel)


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All that a site shows. ``url`` is where it will be, None where that is not known.

    ``bucket_urls`` are where browsers read: the bucket, and mirrors of it. With ``downloads`` they
    have payloads, too.
    """

    countries: tuple[CountryCatalog, ...]
    url: str | None = None
    bucket_urls: tuple[str, ...] = ()
    downloads: bool = True

    @property
    def size(self) -> int:
        """How many datasets there are."""
        return sum(len(country.datasets) for country in self.countries)

    @property
    def bucket_url(self) -> str | None:
        """Where browsers read the bucket itself."""
        return self.bucket_urls[0] if self.bucket_urls else None

    @property
    def problems(self) -> dict[str, str]:
        """What could not be read and is no withdrawal, by pinned reference or release."""
        return {name: one.problem for name, one in self._documents() if one.problem is not None}

    @property
    def lacking(self) -> dict[str, str]:
        """What is not shown since its document is not where the site was read from, likewise."""
        return {name: one.lacks for name, one in self._documents() if one.lacks is not None}

    def _documents(self) -> Iterator[tuple[str, DatasetVersion | CatalogRelease]]:
        for country in self.countries:
            for dataset in country.datasets:
                for version in dataset.versions:
                    yield version.pin, version
            for release in country.releases:
                yield f"release {release.released.tag} of {country.country}", release
