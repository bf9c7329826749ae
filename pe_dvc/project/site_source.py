"""What a site shows of a country, put together from what a bucket or git says is published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pe_dvc.documents.disclosure import Disclosure
from pe_dvc.documents.sidecar_files import CODEBOOK
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import PeDvcError, RevokedError
from pe_dvc.project.diff_profiles import rule_with
from pe_dvc.trust.pins import contact_in
from pe_dvc.usecases.channel.log import step
from pe_dvc.usecases.site.catalog import (
    Appearance,
    CatalogDataset,
    ChannelChange,
    ChannelState,
    CountryCatalog,
    DatasetVersion,
)
from pe_dvc.usecases.site.safe import safe_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pe_dvc.documents.dataset import Dataset
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.channel.version import Version
    from pe_dvc.usecases.site.catalog import CatalogRelease

MOST_VERSIONS = 20
"""Versions of a dataset that its page has, and profiles that are read of it."""
MOST_CHANGES = 10

Artifact = tuple["Pointer", list[Appearance]]
"""A pointer, and the version of each channel that had its artifact first."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel as it is today; ``pointers`` by name."""

    version: int
    expires: datetime
    pointers: Mapping[str, Pointer]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A dataset with its profile, and which of its sidecars are not where it was read."""

    dataset: Dataset
    lacks: tuple[str, ...] = ()


class Published(Protocol):
    """Where a site's documents are read, each verified by what signed it."""

    country: str
    name: str
    """What pages call it: the bucket, or git."""

    @property
    def root(self) -> bytes:
        """The root that everything is verified from."""

    @property
    def seen(self) -> bytes | None:
        """What is published now, signed, as pages bring it; None where that is not known."""

    @property
    def today(self) -> Mapping[str, Channel]:
        """Each channel that was published, by name. Raises NotFoundError where none was."""

    @property
    def history(self) -> tuple[Mapping[str, Sequence[Version]], str | None]:
        """The versions that count of each channel, oldest first, and why some are not known."""

    @property
    def releases(self) -> Sequence[CatalogRelease]:
        """The signed releases by version; none where nothing was ever released."""

    @property
    def withdrawn(self) -> Mapping[Sha256, Revocation]:
        """Every withdrawn artifact, by sha256."""

    def read(self, pointers: Sequence[Pointer]) -> Sequence[Found | PeDvcError]:
        """Return what pointers mean, or why one cannot be read; raises StoreError."""

    def said(self, error: PeDvcError) -> str:
        """Return what an error says, without where this is: a page is the same anywhere."""


class CountrySource:
    """The catalog of one country. ``settle`` returns a dataset's rule as its data repo has it."""

    def __init__(self, published: Published, settle: Callable[[Disclosure], Disclosure]) -> None:
        self._published, self._settle = published, settle

    def read(self) -> CountryCatalog:
        """Return it, verified. Raises as ``pe_dvc.ls``.

        A dataset that cannot be read stays, with its problem.
        """
        published = self._published
        root, country = published.root, published.country
        found = self._artifacts()
        wanted = [(name, *one) for name in found for one in found[name][:MOST_VERSIONS]]
        read = published.read([pointer for _, pointer, _ in wanted])
        by_name: dict[str, list[DatasetVersion]] = {}
        for (name, pointer, seen), each in zip(wanted, read, strict=True):
            by_name.setdefault(name, []).append(self._version(pointer, seen, each))
        return CountryCatalog(
            country=country,
            source=published.name,
            root=root,
            fingerprint=sha256_bytes(root),
            channels=tuple(map(self._state, published.today)),
            changes=tuple(self._changes()),
            datasets=tuple(
                CatalogDataset(
                    country=country,
                    name=name,
                    pointers=self._pointers(name),
                    versions=tuple(by_name[name]),
                    earlier=max(len(found[name]) - MOST_VERSIONS, 0),
                )
                for name in sorted(found)
            ),
            releases=tuple(published.releases),
            withdrawn=tuple(one for _, one in sorted(published.withdrawn.items())),
            seen=published.seen,
            contact=contact_in(root, where=f"the root of {country}"),
            history_problem=published.history[1],
        )

    def _pointers(self, name: str) -> dict[str, Pointer]:
        today = self._published.today
        return {one: today[one].pointers[name] for one in today if name in today[one].pointers}

    def _state(self, name: str) -> ChannelState:
        channel = self._published.today[name]
        return ChannelState(
            name=name,
            version=channel.version,
            expires=channel.expires,
            datasets=len(channel.pointers),
        )

    @cached_property
    def _history(self) -> Mapping[str, Sequence[Version]]:
        return self._published.history[0]

    def _changes(self) -> list[ChannelChange]:
        found = []
        for channel, versions in self._history.items():
            for before, after in zip([None, *versions], versions, strict=False):
                changed = step(before, after)
                found.append(
                    ChannelChange(
                        channel=channel,
                        version=after.version,
                        signed_on=_day(after),
                        added=changed.added,
                        removed=changed.removed,
                        replaced=changed.replaced,
                        is_first=after.version == 1,
                    )
                )
        newest = sorted(found, key=lambda one: (one.signed_on, one.version), reverse=True)
        return newest[:MOST_CHANGES]

    def _artifacts(self) -> dict[str, list[Artifact]]:
        """Return the artifacts of each dataset of today's channels, newest first."""
        today = self._published.today.values()
        found: dict[str, dict[Sha256, Artifact]] = {
            name: {} for channel in today for name in channel.pointers
        }
        for channel, versions in self._history.items():
            for version in versions:
                seen_now = Appearance(
                    channel=channel, version=version.version, signed_on=_day(version)
                )
                for name, pointer in version.pointers.items():
                    _, seen = found.get(name, {}).setdefault(pointer.sha256, (pointer, []))
                    if all(one.channel != channel for one in seen):
                        seen.append(seen_now)
        for each in today:  # of a channel whose history is not known
            for name, pointer in each.pointers.items():
                found[name].setdefault(pointer.sha256, (pointer, []))
        return {name: self._ordered(name, list(of.values())) for name, of in found.items()}

    def _ordered(self, name: str, artifacts: list[Artifact]) -> list[Artifact]:
        """Return artifacts newest first; today's are first of all, as their page is of them."""
        today = [pointer.sha256 for pointer in self._pointers(name).values()]

        def age(one: Artifact) -> tuple[int, str, int]:
            first = min(one[1], key=lambda each: each.signed_on, default=None)
            when = (first.signed_on, first.version) if first else ("", 0)
            return (-today.index(one[0].sha256) if one[0].sha256 in today else -9, *when)

        return sorted(artifacts, key=age, reverse=True)

    def _version(
        self, pointer: Pointer, seen: list[Appearance], found: Found | PeDvcError
    ) -> DatasetVersion:
        version = DatasetVersion(pointer=pointer, appearances=tuple(seen), rule=Disclosure())
        if isinstance(found, RevokedError):
            return replace(version, withdrawn=found.brief)
        if isinstance(found, PeDvcError):
            return replace(version, problem=self._published.said(found))
        dataset = found.dataset
        # What is gated is said in the codebook: where that is not here, it may be.
        access = "gated" if CODEBOOK in found.lacks else dataset.access
        rule = rule_with(dataset.profile, self._settle(Disclosure(access=access)))
        safe = safe_dataset(dataset, rule)
        return replace(version, rule=rule, dataset=safe, lacks=self._lacking(found.lacks))

    def _lacking(self, kinds: Sequence[str]) -> str | None:
        return f"{self._published.name} does not have its {' and '.join(kinds)}" if kinds else None


def _day(version: Version) -> str:
    return f"{version.signed_at:%Y-%m-%d}"
