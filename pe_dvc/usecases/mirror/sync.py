"""Bring a mirror to the state of its origin, so that its readers see the old state or the new one.

What is withdrawn travels first and is removed; then payloads, manifests and sidecars, only those
that are missing; then signed metadata, the timestamp last. A sync that is cut off anywhere is
completed by the next one. ADR 0024.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pe_dvc.documents.keys import (
    MANIFEST_LIMIT,
    STATEMENTS,
    mirror_key,
    publisher_lock_key,
)
from pe_dvc.documents.mirror_note import MirrorNote
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    NotFoundError,
    PeDvcError,
    StoreError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.result import Result
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.usecases.mirror.altered import altered_objects
from pe_dvc.usecases.mirror.copy import Copier
from pe_dvc.usecases.mirror.history import EarlierMetadata
from pe_dvc.usecases.mirror.holdings import holdings_of
from pe_dvc.usecases.mirror.known_manifests import KnownManifests
from pe_dvc.usecases.mirror.metadata import MetadataWriter
from pe_dvc.usecases.mirror.state import read_state
from pe_dvc.usecases.mirror.wanted import objects_of
from pe_dvc.usecases.mirror.withdrawal import withdraw
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.retention.bucket_lock import publishing, waiting
from pe_dvc.usecases.retention.bucket_note import noted
from pe_dvc.usecases.retention.ownership import check_own_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.documents.mirrors import Selection
    from pe_dvc.store.port import ObjectInfo, Store
    from pe_dvc.usecases.mirror.copy import ServerCopy
    from pe_dvc.usecases.mirror.wanted import Holdings, Lacking, Wanted
    from pe_dvc.usecases.revoke.removal import Removal


log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Synced(Result):
    """What a sync did. ``version`` is the timestamp's, ``before`` what it was, 0 for none.

    ``left`` is why what was withdrawn is still there, by key; ``lacking`` what the origin itself
    has not, of earlier versions. ``left_out`` counts the pointers that the mirror's selection
    leaves out, ``elsewhere`` payloads that lie on a hub.
    """

    name: str
    url: str
    version: int
    before: int
    copied: int
    copied_bytes: int
    by_server: int
    present: int
    removed: list[str]
    left: dict[str, str]
    metadata: list[str]
    left_out: int
    elsewhere: int
    lacking: list[Lacking] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the mirror holds all that it should, and nothing that was withdrawn."""
        return not (self.lacking or self.left)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "ok": self.ok}


class Sync:
    """A sync of ``mirror``, called ``name``, with ``origin``; ``roots`` are the chain in git."""

    def __init__(
        self, origin: Store, mirror: Store, country: str, roots: Sequence[bytes], *, name: str
    ) -> None:
        self._origin, self._mirror, self._country = origin, mirror, country
        self._roots, self._name = roots, name

    def run(
        self,
        selection: Selection,
        *,
        server: ServerCopy | None = None,
        recheck: bool = False,
        reporter: Reporter | None = None,
    ) -> Synced:
        """Bring the mirror to the origin's state.

        ``recheck`` hashes what is there already, and copies again what is altered. Raises
        ConflictError for a mirror that is the origin or another project's, RollbackError for one
        that is ahead, VerificationError and NotFoundError for an origin that lacks what its state
        promises (then readers of the mirror still see the old one), StoreError.
        """
        reporter = reporter or Silent()
        check_own_bucket(self._mirror, self._country, self._roots[0])
        state = read_state(self._origin, self._country, self._roots)
        writer = MetadataWriter(self._mirror, self._country, state)
        with self._turn() as note:
            before = writer.check_not_ahead()
            writer.write_first()
        remove = partial(
            withdraw, self._mirror, self._country, state.withdrawn, keeps_old=note.versioned
        )
        removal = remove()
        with self._turn():
            there = objects_of(self._mirror, self._country)
            known = KnownManifests(self._mirror, there)
            holdings = holdings_of(state, selection, known=known)
            wanted = self._missing(holdings, there, recheck=recheck, reporter=reporter)
            size = sum(one.size for one in wanted)
            with reporter.task(f"copy {len(wanted)} objects", size) as progress:
                copier = Copier(self._origin, self._mirror, _prepared(server))
                copied = copier.copy_all(wanted, progress)
            lacking = holdings.lacking + copied.lacking
            self._refuse_promised(lacking)
            self._describe(selection)
            held = ReadableChannels(self._mirror, self._country, []).files()
            writer.write_rest(EarlierMetadata(state).besides(held))
        if removal.postponed:  # who kept it from going may be done by now
            removal = remove()
        return Synced(
            name=self._name,
            url=self._mirror.url,
            version=state.version,
            before=before,
            copied=len(copied.objects),
            copied_bytes=copied.bytes,
            by_server=len(copied.by_server),
            present=len(holdings.objects) - len(wanted),
            removed=[*removal.removed],
            left=_left(removal),
            metadata=writer.written,
            left_out=holdings.left_out,
            elsewhere=len(holdings.elsewhere),
            lacking=lacking,
        )

    @contextmanager
    def _turn(self) -> Iterator[ObjectInfo]:
        """Keep ``pe-dvc gc`` out of the mirror, and see whether it is one that keeps bytes.

        Yields what the mirror says of an object that is written now. Raises ConflictError for a
        mirror that is the origin by another address.
        """
        key = publisher_lock_key(self._country, f"mirror-{uuid4().hex}")
        turn = partial(publishing, self._mirror, self._country)
        with waiting(turn), noted(self._mirror, key):
            note = self._given_back(key)
            try:
                self._origin.head(key)
            except NotFoundError:
                yield note
                return
            except PeDvcError:  # an origin that tells no one what it has not
                yield note
                return
            raise same_place(self._origin, self._mirror)

    def _given_back(self, key: str) -> ObjectInfo:
        try:
            data, info = self._mirror.read(key, limit=MANIFEST_LIMIT)
            read_json(data, what="a note")["by"]
        except (PeDvcError, KeyError, TypeError) as error:
            raise StoreUnavailableError(
                f"{self._mirror.url} does not give back what was just written there ({error}): "
                "a proxy or a login page may answer for the store",
                operation="read",
                key=key,
                remedy="Nothing was copied. Check the address and the endpoint of the mirror.",
            ) from None
        return info

    def _missing(
        self,
        holdings: Holdings,
        there: Mapping[str, ObjectInfo],
        *,
        recheck: bool,
        reporter: Reporter,
    ) -> list[Wanted]:
        """Return what is to be copied; with ``recheck`` what is there and altered, too."""
        found = {
            one.key: one
            for one in holdings.objects.values()
            if one.key not in there or there[one.key].size != one.size or self._is_resigned(one)
        }
        if recheck:
            present = [one for one in holdings.objects.values() if one.key not in found]
            altered = {fault.key for fault in altered_objects(self._mirror, present, reporter)}
            found |= {one.key: one for one in present if one.key in altered}
        return [*found.values()]

    def _is_resigned(self, one: Wanted) -> bool:
        """Tell of statements that the origin has with other signatures, which are of one size."""
        if not one.key.endswith(f"/{STATEMENTS}"):
            return False
        data, _ = self._mirror.read(one.key, limit=MANIFEST_LIMIT)
        return sha256_bytes(data) != one.digest

    def _refuse_promised(self, lacking: Sequence[Lacking]) -> None:
        promised = [one for one in lacking if one.is_promised]
        if promised:
            first = promised[0]
            raise VerificationError(
                f"{len(promised)} of what {self._origin.url} promises to readers cannot be copied; "
                f"the first: {first.what}, {first.key}: {first.detail}",
                remedy="Readers of the mirror see what they saw before. Run pe-dvc fsck --repair, "
                "then sync again.",
            )

    def _describe(self, selection: Selection) -> None:
        """Say at the mirror what it holds, for readers who ask for what it does not."""
        key, data = mirror_key(self._country), MirrorNote.of(self._name, selection).to_bytes()
        try:
            if self._mirror.read(key, limit=MANIFEST_LIMIT)[0] == data:
                return
        except NotFoundError:
            pass
        self._mirror.overwrite(key, data)


def _prepared(server: ServerCopy | None) -> ServerCopy | None:
    """Return what has the server copy, None where that is refused."""
    if server is None:
        return None
    try:
        server.prepare()
    except StoreError as error:
        log.info("objects pass this machine: %s", error.message)
        return None
    return server


def _left(removal: Removal) -> dict[str, str]:
    return {"": removal.postponed, **removal.left} if removal.postponed else removal.left


def same_place(origin: Store, mirror: Store) -> ConflictError:
    """Return the error of a mirror that is, or lies in, what it is to be a copy of."""
    return ConflictError(
        f"the mirror {mirror.url} and the store {origin.url} are one place, or one lies within "
        "the other",
        remedy="Nothing was copied. A mirror must survive the loss of the store: give it a bucket "
        "or a directory of its own.",
    )
