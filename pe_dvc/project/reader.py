"""A reader of one country's data: store, trust, cache and use cases, wired for this machine."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import UntrustedError
from pe_dvc.primitives.reference import Reference
from pe_dvc.project import directories
from pe_dvc.project.reader_places import Payloads, local_copies
from pe_dvc.project.reader_trust import Begun, channels_from, known_root, seen_by, trusted_root
from pe_dvc.project.unsigned_pins import as_signed_now, fetch_pin, is_unsigned_of_several
from pe_dvc.store.cache import Cache
from pe_dvc.store.local_copies import check_output, copy_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.members import Members
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.documents.release_target import Released
    from pe_dvc.project.reader_stores import GivenStore
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.revocations import Revocations
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.client import ChannelClient
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.read.describe import Description
    from pe_dvc.usecases.read.ls import Listed, ListedRelease
    from pe_dvc.usecases.read.resolve import Resolved
    from pe_dvc.usecases.read.snapshot import Snapshot
    from pe_dvc.usecases.read.verified_file import Again, VerifiedFile


class Reader:
    """Resolves and fetches references of one country.

    ``store`` is an address, several of them, or a store that is open already. ``begun`` is what
    another reader hands on. As many folders of the cache as ``folders_open`` stay open.
    """

    def __init__(
        self,
        country: str,
        *,
        store: GivenStore | ReadableStore = None,
        cache: Path | None = None,
        reporter: Reporter | None = None,
        offline: bool = False,
        begun: Begun = Begun(),  # noqa: B008 - it does not change
        folders_open: int = 0,
    ) -> None:
        self.country, self.offline, self._begun = country, offline, begun
        self._given = store
        self.reporter = reporter
        self._channels_since = -math.inf
        self._members: dict[tuple[object, ...], Members] = {}
        """What was verified of directories: of one of many files each is opened by itself."""
        self.cache = Cache(
            cache or directories.cache_dir(),
            limit=directories.cache_limit(),
            keep_open=folders_open,
        )

    @cached_property
    def store(self) -> ReadableStore:
        """The bucket, or several that are read as one (``pe_dvc.project.reader_stores``)."""
        from pe_dvc.project.reader_stores import reader_store

        return reader_store(self._given, self.country, self._repo, offline=self.offline)

    @cached_property
    def channels(self) -> ChannelClient:
        """The country's signed pointers. Raises UntrustedError without a root to trust."""
        self._channels_since = time.monotonic()
        return channels_from(
            self.store, self.country, self._repo, offline=self.offline, begun=self._begun
        )

    @cached_property
    def revocations(self) -> Revocations:
        """What is withdrawn, which every read asks first."""
        from pe_dvc.project.revocations import Revocations

        def made() -> tuple[ChannelClient, float] | None:
            asked = "channels" in self.__dict__ and self.channels.was_asked
            return (self.channels, self._channels_since) if asked else None

        return Revocations(
            self.country,
            self._repo,
            lambda: self.store,
            offline=self.offline,
            shared=made,
            begun=self._begun,
        )

    def _refuse(self, resolved: Resolved) -> None:
        """Raise RevokedError for an artifact, or a file of one, that was withdrawn since."""
        whole = [resolved.directory.sha256] if resolved.directory else []
        self.revocations.refuse(str(resolved.reference), *whole, resolved.sha256)

    @cached_property
    def _payloads(self) -> Payloads:
        """Where payloads are read, hubs included (``pe_dvc.project.reader_places``)."""
        from pe_dvc.project.reader_stores import reader_hubs

        hubs = reader_hubs(self._given, self.country, self._repo)
        look_again = self.revocations.look_again
        return Payloads(self.store, self.cache, hubs, self._refuse, look_again, self.offline)

    def connect(self) -> None:
        """Open the bucket now, for threads to share. Raises StoreError, UntrustedError."""
        _ = self.store
        with suppress(UntrustedError):  # said by what needs the channels: a pin does not
            _ = self.channels

    def resolve(self, reference: str | Reference, *, for_bytes: bool = False) -> Resolved:
        """Return what a reference means now (``pe_dvc.usecases.read.resolve``).

        ``for_bytes`` asks for no manifest where none is needed to download it.
        """
        from pe_dvc.project.reader_resolve import resolve_asked

        asked = Reference.of(reference)
        found = resolve_asked(self, asked, for_bytes=for_bytes)
        if asked.member is None:
            return found
        from pe_dvc.usecases.read.members import resolve_member

        member = resolve_member(found, self.members(found))
        self._refuse(member)
        return member

    def resolve_pointer(self, pointer: Pointer) -> Resolved:
        """Return what a signed pointer means, its manifest verified against it."""
        from pe_dvc.usecases.read.resolve import resolve_pointer

        pin = Reference.pinned(self.country, pointer.name, pointer.sha256)
        refuse = self.revocations.refuse
        return resolve_pointer(pin, pointer, store=self.store, cache=self.cache, refuse=refuse)

    def ls(self) -> list[Listed]:
        """Return what there is in each channel, from signed metadata alone."""
        from pe_dvc.usecases.read.ls import list_datasets

        return list_datasets(self.country, self.channels)

    def ls_described(self) -> list[Listed]:
        """Return what there is in each channel, with what the manifests say."""
        from pe_dvc.usecases.read.ls import describe_datasets

        return describe_datasets(
            self.country,
            self.channels,
            lambda pointer: self.resolve_pointer(pointer).manifest,
            self.release_manifest,
        )

    def releases(self) -> list[ListedRelease]:
        """Return the published releases, with what their manifests say."""
        from pe_dvc.usecases.read.ls import list_releases

        return list_releases(self.channels, self.release_manifest)

    def release_manifest(self, released: Released) -> ReleaseManifest:
        """Return the manifest of a signed release. Raises DigestMismatchError, StoreError."""
        from pe_dvc.usecases.read.resolve_release import release_manifest

        return release_manifest(released, store=self.store, cache=self.cache)

    def open(
        self, resolved: Resolved, again: Callable[[Resolved], Again] | None = None
    ) -> VerifiedFile:
        """Return a verified binary file; ``again`` says how another process opens it."""
        from pe_dvc.project.stores import open_location
        from pe_dvc.usecases.read.members import is_directory
        from pe_dvc.usecases.read.verified_file import open_verified

        self._refuse(resolved)
        if resolved.payload.is_directory:
            raise is_directory(resolved, self.members(resolved))
        signed = as_signed_now(resolved, self.resolve)
        if is_unsigned_of_several(signed, self.store):
            signed, _ = fetch_pin(signed, self.store, self._pin_from, self._fetch_from)
        return open_verified(
            signed,
            store=self._payloads.store_of(resolved),
            cache=self.cache,
            reporter=self.reporter,
            copies=local_copies(self._repo, resolved),
            open_location=open_location,
            again=partial(again, signed) if again else None,
        )

    def fetch(self, resolved: Resolved, *, output: Path | None = None) -> Path:
        """Return a verified local file: in the cache, or copied to ``output`` where given.

        A directory is only ever made, at ``output`` itself. Raises FormatError without one.
        """
        self._refuse(resolved)
        if resolved.payload.is_directory:
            from pe_dvc.usecases.read.members import fetch_directory

            members = self.members(resolved)
            self.revocations.refuse(str(resolved.reference), *(each.sha256 for each in members))
            store = self._payloads.store_of_members(resolved, members)
            return fetch_directory(resolved, members, output, store, self.reporter)
        if output is not None:
            output = output / resolved.file_name if output.is_dir() else output
            check_output(output)
        _, path = fetch_pin(resolved, self.store, self._pin_from, self._fetch_from)
        return path if output is None else copy_out(path, output)

    def _fetch_from(self, resolved: Resolved, store: ReadableStore) -> Path:
        from pe_dvc.project.stores import open_location
        from pe_dvc.usecases.read.fetch import fetch

        return fetch(
            resolved,
            store=self._payloads.store_of(resolved, store),
            cache=self.cache,
            reporter=self.reporter,
            copies=local_copies(self._repo, resolved),
            open_location=open_location,
        )

    def _pin_from(self, reference: Reference, store: ReadableStore) -> Resolved:
        from pe_dvc.usecases.read.resolve import resolve

        refuse = self.revocations.refuse
        return resolve(reference, store=store, channels=None, cache=self.cache, refuse=refuse)

    def members(self, resolved: Resolved) -> Members:
        """Return the files of a dataset that is a directory. Raises FormatError for another."""
        from pe_dvc.usecases.read.members import members_of

        self._refuse(resolved)
        whole, store = resolved.directory or resolved.payload, self._payloads.store_of(resolved)
        key = (whole.sha256, whole.members_sha256, whole.size, resolved.manifest_verified)
        if key not in self._members:
            self._members[key] = members_of(resolved, store=store, cache=self.cache)
        return self._members[key]

    def sidecar(self, resolved: Resolved, kind: str) -> bytes | None:
        """Return a sidecar of a dataset, such as its ``profile``, None where it has none.

        It is verified against the manifest, and needs no payload. Raises as ``read_sidecar``.
        """
        from pe_dvc.usecases.read.sidecars import read_sidecar

        store = self._payloads.store_of_sidecars(resolved)
        return read_sidecar(resolved, kind, store=store, cache=self.cache)

    def describe(self, resolved: Resolved) -> Description:
        """Return a dataset with its codebook. Raises as ``sidecar``."""
        from pe_dvc.usecases.read.describe import describe

        store = self._payloads.store_of_sidecars(resolved)
        return describe(resolved, store=store, cache=self.cache, offline=self.offline)

    @cached_property
    def _repo(self) -> DataRepo | None:
        """The data repo that we stand in, if it is this country's."""
        from pe_dvc.project.repo import DataRepo

        repo = DataRepo.around()
        return repo if repo is not None and repo.country == self.country else None

    def trusted_root(self) -> bytes:
        """Return the root that its channels are verified from. Raises UntrustedError."""
        return self._begun.root or trusted_root(self.country, self._repo)

    def snapshot(self) -> Snapshot | None:
        """Return what this reader knows, for other processes; None if its store is no address."""
        from pe_dvc.project.reader_stores import store_addresses
        from pe_dvc.usecases.read.snapshot import Snapshot

        stores = store_addresses(self._given, self.country, self._repo)
        root = self._begun.root or known_root(self.country, self._repo)
        known, seen = self.revocations.last, seen_by(self.__dict__.get("channels"), stores)
        return Snapshot(self.country, stores, self.offline, root, known, seen) if stores else None


def open_reader(
    reference: str | Reference,
    *,
    store: GivenStore = None,
    reporter: Reporter | None = None,
    offline: bool = False,
) -> Reader:
    """Return the reader of the country that a reference names. Raises FormatError."""
    country = Reference.of(reference).country
    return Reader(country, store=store, reporter=reporter, offline=offline)
