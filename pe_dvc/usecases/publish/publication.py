"""A publication: what git holds signed goes to the bucket, in its turn, and whole or not at all.

``pe-dvc push`` and ``pe-dvc release push`` are each one: what is guarded here is guarded in both.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    ConflictError,
    MovedError,
    NotFoundError,
    SignatureError,
    VerificationError,
)
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.roles import utc
from pe_dvc.usecases.publish.channel import PublishedChannels, publish_channels
from pe_dvc.usecases.publish.pointed_objects import PointedObjects
from pe_dvc.usecases.publish.preflight import check_before_upload, check_clock
from pe_dvc.usecases.publish.rebase import REBASED, Rebased, rebase
from pe_dvc.usecases.publish.waiting import RELEASES, check_drafts, drafts, unkept_promise
from pe_dvc.usecases.retention.bucket_lock import publishing
from pe_dvc.usecases.revoke.publication import refuse_pointers
from pe_dvc.usecases.revoke.withdrawn import (
    ROLE,
    Withdrawn,
    likely_named,
    newer,
    withdrawn_by,
    withdrawn_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pe_dvc.documents.pointed_file import PointedFile
    from pe_dvc.documents.release_target import Released
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import Store
    from pe_dvc.trust.bucket_writer import ChannelBucket
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.stored_metadata import Head
    from pe_dvc.usecases.publish.pointed_objects import Supply
    from pe_dvc.usecases.publish.publisher import Publisher

ATTEMPTS = 32
"""How often a publisher builds on what others published before it gives up."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds; each pause is drawn at random up to that, so that losers do not meet again."""


class Publication:
    """One publication of a country's data repo to ``store``.

    ``metadata`` is what the checkout holds signed. ``drafts`` says who must still sign new versions
    of root and targets: what is in force is published meanwhile.
    """

    def __init__(
        self,
        store: Store,
        metadata: SignedMetadata,
        publisher: Publisher,
        *,
        drafts: Mapping[str, str] | None = None,
    ) -> None:
        self.store, self.metadata, self._publisher = store, metadata, publisher
        self._drafts = dict(drafts or {})
        self._head: Head | None = None
        self.waiting: dict[str, str] = {}
        """Why git's version of a role waits and is not published, by role."""

    @property
    def country(self) -> str:
        """The country that is published."""
        return self.metadata.country

    @cached_property
    def bucket(self) -> ChannelBucket:
        """The channels in the store; what was read of their versions is not asked for again."""
        bucket = bucket_of(self.store, self.metadata)
        bucket.seen = self._publisher.seen
        return bucket

    def check(self) -> None:
        """Refuse metadata that readers would refuse, before anything is written.

        A draft of ``next`` or ``releases`` that too few have signed waits. Raises NotFoundError
        for a repo without channels, SignatureError, ExpiredError.
        """
        if not self.metadata.files.exists() and self._drafts:
            raise SignatureError(
                "these channels are not in force yet: "
                + "; ".join(f"{what} {request}" for what, request in self._drafts.items()),
                remedy="Nothing was pushed. Once they are signed: commit, and push again.",
            )
        if not self.metadata.files.exists():
            raise NotFoundError(
                f"{self.metadata.files.directory} does not exist: this repo has no channels yet",
                remedy=f"Run pe-dvc channel init --country {self.country}, then dvc repro.",
            )
        self.waiting = drafts(self.metadata)
        self.metadata.check_publishable(utc(self._publisher.now), but=self.waiting)

    @cached_property
    def withdrawn_before(self) -> Withdrawn:
        """What readers of the bucket are refused now, and what therefore left it.

        Raises FormatError, StoreError.
        """
        try:
            return withdrawn_by(self.bucket, self.metadata, self._head)
        except VerificationError:
            # By keys that count no more, or altered: git's takes its place, and if that is a draft
            # nothing is published (check_drafts).
            return Withdrawn()

    @cached_property
    def withdrawn(self) -> Withdrawn:
        """What is withdrawn once this is published: by git's version, or the bucket's if newer.

        Ask after ``check``. Raises FormatError, StoreError.
        """
        if ROLE in self.waiting:
            return self.withdrawn_before
        where = self.metadata.where(ROLE)
        signed = self.metadata.verified(ROLE).signed
        ours = withdrawn_of(signed, country=self.country, where=where)
        return newer(ours, self.withdrawn_before)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep ``pe-dvc gc`` out of the bucket. Raises ConflictError while it is at work.

        Raises ExpiredError if this machine's clock is far from the store's.
        """
        with publishing(self.store, self.country, self._look) as store_time:
            check_clock(self.store, self._publisher.now, store_time)
            yield

    def _look(self) -> None:
        """Ask where the bucket stands, and for the versions that git's are to follow."""
        named = self.bucket.head.meta if self.bucket.head else {}
        replaced = [
            (role, meta_file.version)
            for role, meta_file in named.items()
            if role not in self.waiting and meta_file.hashes != self.metadata.meta_file(role).hashes
        ]
        self._head = read_head(
            self.bucket, ahead=[*likely_named(self.bucket, self.metadata), *replaced]
        )

    def check_before_upload(self) -> None:
        """Refuse before anything is uploaded what ``publish_channels`` would refuse afterwards.

        Raises SignatureError without the keys that must sign, ConflictError where another
        publisher changed the same dataset, RevokedError for a pointer to what was withdrawn, and as
        ``publish_channels``.
        """
        refuse_pointers(self.bucket, self.metadata, self.withdrawn, but=self.waiting)
        check_drafts(self.bucket, self.metadata, self.waiting)
        head = self._head or read_head(self.bucket)
        check_before_upload(self.bucket, head, self.metadata, self._publisher, self.waiting)

    def keep_promises(self, publish: Callable[[Released], None]) -> None:
        """Bring the documents of the registered releases into the store, by ``publish``.

        Where that cannot be done, the role waits: readers must not see what is not there.
        """
        if RELEASES not in self.waiting:
            lacking = unkept_promise(self.store, self.metadata, publish)
            if lacking is not None:
                self.waiting[RELEASES] = lacking

    def publish_channels(
        self,
        *,
        known: Mapping[Sha256, PointedFile | None] = MappingProxyType({}),
        supply: Supply | None = None,
    ) -> tuple[PublishedChannels, Rebased | None]:
        """Publish the signed metadata; build on ``latest`` where another publisher was first.

        Payloads and manifests must be in the store before; ``known`` are the manifests that
        this publication has just seen there, with what pointers to them may say; ``supply`` brings
        what an earlier version in git points to. Git's file of ``latest`` is rewritten before it
        is published: whenever a push is killed, the next one, or the next build, goes on from
        there. Raises as ``publish_channels`` of ``usecases.publish.channel``;
        ConflictError also if both changed one dataset, and if others were first too often;
        NotFoundError for a channel that points to what was never pushed.
        """
        pointed = PointedObjects(
            self.store,
            self.country,
            known=known,
            supply=supply,
            withdrawn=self.withdrawn.artifacts,
        )
        published, rebased = self.metadata, None
        for attempt in range(ATTEMPTS):
            try:
                return self._publish(published, pointed), rebased
            except MovedError as moved:
                if moved.role != REBASED:
                    raise
                rebased, data = rebase(self.bucket, self.metadata, moved, self._publisher)
            published = self.metadata.with_role(REBASED, data)
            if rebased.rewritten:
                self.metadata.files.write_bytes(REBASED, data)
                self.metadata = published
            time.sleep(random.uniform(0, min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)))
        raise ConflictError(
            f"other publishers kept changing channel {REBASED} of {self.country} in "
            f"{self.store.url} through {ATTEMPTS} attempts",
            remedy="Nothing is lost: push again.",
        )

    def _publish(self, metadata: SignedMetadata, pointed: PointedObjects) -> PublishedChannels:
        published = publish_channels(
            self.bucket,
            metadata,
            self._publisher,
            pointed=pointed,
            waiting=self.waiting,
        )
        return replace(published, drafts=self._drafts)
