"""What a bucket shows of a country, for its site: read and verified as every reader does."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.profile import Profile
from pe_dvc.documents.sidecar_files import PROFILE
from pe_dvc.primitives.errors import (
    NotFoundError,
    NotPublishedError,
    PeDvcError,
    StoreError,
    StorePermissionError,
)
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.project.site_source import Channel, Found
from pe_dvc.trust.seen import SeenPublication
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.log import first_break
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.read.ls import by_version
from pe_dvc.usecases.site.catalog import CatalogRelease

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.reader import Reader
    from pe_dvc.usecases.channel.version import Version


class BucketPublished:
    """What readers see (``pe_dvc.project.site_source.Published``)."""

    name = "the bucket"

    def __init__(self, reader: Reader) -> None:
        self._reader, self.country = reader, reader.country

    @cached_property
    def root(self) -> bytes:
        """See Published."""
        self._reader.connect()
        return self._reader.trusted_root()

    @property
    def seen(self) -> bytes | None:
        """See Published: what was verified just now."""
        timestamp, snapshot = self._reader.channels.last_seen()
        seen = SeenPublication(
            country=self.country, stores=(), timestamp=timestamp, snapshot=snapshot
        )
        return seen.for_pages()

    @cached_property
    def today(self) -> Mapping[str, Channel]:
        """See Published."""
        channels = self._reader.channels
        found: dict[str, Channel] = {}
        missing = []
        for name in CHANNELS:
            try:
                pointers = channels.pointers(name)
            except NotFoundError as error:
                missing.append(error)
                continue
            found[name] = Channel(
                version=channels.channel_version(name),
                expires=channels.channel_expires(name),
                pointers={pointer.name: pointer for pointer in pointers},
            )
        if not found:
            raise missing[0]
        return found

    @cached_property
    def history(self) -> tuple[Mapping[str, Sequence[Version]], str | None]:
        """See Published."""
        history = ChannelHistory(self._reader.store, self.country, self.root)
        found, problem = {}, None
        for channel in self.today:
            try:
                versions, broken = first_break(history.versions(channel))
            except StorePermissionError as error:  # a bucket whose objects may not be listed
                versions, broken = [], error
            found[channel] = [version for version in versions if version.note is None]
            problem = problem or (self.said(broken) if broken is not None else None)
        return found, problem

    @cached_property
    def releases(self) -> Sequence[CatalogRelease]:
        """See Published."""
        try:
            released = self._reader.channels.releases()
        except NotFoundError:
            return ()
        ordered = [released[tag] for tag in sorted(released, key=by_version)]
        with Pool(TRANSFERS) as pool:
            return run_all(pool, self._release, ordered)

    def _release(self, released: Released) -> CatalogRelease:
        try:
            manifest = self._reader.release_manifest(released)
        except StoreError:
            raise
        except PeDvcError as error:
            return CatalogRelease(released=released, problem=self.said(error))
        return CatalogRelease(released=released, manifest=manifest)

    @cached_property
    def withdrawn(self) -> Mapping[Sha256, Revocation]:
        """See Published."""
        try:
            return self._reader.channels.revocations()
        except NotPublishedError:  # a country of an older pe_dvc, which never published the role
            return {}

    def read(self, pointers: Sequence[Pointer]) -> Sequence[Found | PeDvcError]:
        """See Published."""
        with Pool(TRANSFERS) as pool:
            return run_all(pool, self._found, list(pointers))

    def _found(self, pointer: Pointer) -> Found | PeDvcError:
        try:
            resolved = self._reader.resolve_pointer(pointer)
            dataset = self._reader.describe(resolved).dataset
            try:
                data = self._reader.sidecar(resolved, PROFILE)
            except NotFoundError:
                return Found(dataset=dataset, lacks=(PROFILE,))
            profile = None if data is None else Profile.from_bytes(data, where="a profile")
        except StoreError:
            raise  # half a site would be another one than the next time
        except PeDvcError as error:
            return error
        return Found(dataset=replace(dataset, profile=profile))

    def said(self, error: PeDvcError) -> str:
        """See Published."""
        return error.message.replace(self._reader.store.url, self.name)
