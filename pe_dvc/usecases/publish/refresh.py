"""Renew what expires soonest: snapshot and timestamp, for a scheduled job.

Publishes nothing that is new in git: the roles below stay as readers see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import ConflictError, NotFoundError
from pe_dvc.primitives.result import json_time
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.bucket_writer import ChannelBucket, bucket_of
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.roles import ROLE_OWNERS, TARGETS_LIKE, utc
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Root, Targets
from pe_dvc.trust.verify import check_fresh
from pe_dvc.usecases.channel.standing import RENEWAL_WARNING
from pe_dvc.usecases.publish.log import ChannelLog
from pe_dvc.usecases.publish.log_hold import hold_log
from pe_dvc.usecases.publish.snapshot import publish_snapshot

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.store.port import Store
    from pe_dvc.usecases.publish.publisher import Publisher


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """Version and expiry of snapshot and timestamp now, and which of them were renewed.

    ``expiring`` holds version, expiry and keeper of the other roles that expire soon. ``seen`` is
    the file that keeps this for new readers of the clone, once it is committed.
    """

    online: dict[str, tuple[int, datetime]]
    renewed: tuple[str, ...]
    expiring: dict[str, tuple[int, datetime, str]]
    written: tuple[str, ...] = ()
    seen: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the refresh as plain JSON values."""
        return {
            "renewed": list(self.renewed),
            "online": {
                role: {"version": version, "expires": json_time(expires)}
                for role, (version, expires) in self.online.items()
            },
            "expiring": {
                role: {
                    "version": version,
                    "expires": json_time(expires),
                    "keeper": keeper,
                }
                for role, (version, expires, keeper) in self.expiring.items()
            },
            "seen": self.seen,
        }


def refresh_channel(
    store: Store,
    directory: Path,
    country: str,
    publisher: Publisher,
) -> Refreshed:
    """Sign snapshot and timestamp again, where half of their days are gone.

    ``directory`` is the repo's ``channels``: of it the root alone is used. Raises ConflictError if
    the root in the store is another, NotFoundError if nothing was published yet, ExpiredError for a
    root past its expiry, and what ``publish_snapshot`` raises.
    """
    now, signers = publisher.now, publisher.signers
    git = SignedMetadata(ChannelFiles(directory, country))
    bucket = bucket_of(store, git)
    bucket.seen = publisher.seen
    _check_root(bucket)
    check_fresh("root", bucket.root, now, where=git.where("root"))
    before = read_head(bucket)
    hold_log(bucket, before, publisher.logs)
    if before.snapshot is None:
        raise NotFoundError(
            f"{store.url} has no channels of {country} to refresh", remedy="Run pe-dvc push."
        )
    head, written = publish_snapshot(
        bucket, {}, signers, log=ChannelLog(bucket, signers), head=before, now=utc(now)
    )
    assert head.snapshot is not None
    assert head.timestamp is not None
    online = {
        "snapshot": head.snapshot.metadata.signed,
        "timestamp": head.timestamp.metadata.signed,
    }
    return Refreshed(
        online={role: (signed.version, signed.expires) for role, signed in online.items()},
        renewed=tuple(role for role in online if any(f"{role}.json" in key for key in written)),
        expiring=_expiring(bucket, head.versions, now),
        written=tuple(written),
    )


def _check_root(bucket: ChannelBucket) -> None:
    """Refuse to sign by a root that is not the one that readers see."""
    version = bucket.root.version
    bucket.refuse_newer_root()
    try:
        held = bucket.read("root", Root, version).metadata.signed
    except NotFoundError:
        raise NotFoundError(
            f"{bucket.where('root', version)} does not exist, and git holds root {version}",
            remedy="Run pe-dvc push first, or check that this is the right bucket.",
        ) from None
    if held != bucket.root:
        raise ConflictError(
            f"the root of {bucket.country} in {bucket.store.url} is not root {version} of git",
            remedy="Take over the published root (git pull), and check that this is the right "
            "bucket.",
        )


def _expiring(
    bucket: ChannelBucket, versions: dict[str, int], now: datetime
) -> dict[str, tuple[int, datetime, str]]:
    found: dict[str, Root | Targets] = {"root": bucket.root}
    for role in TARGETS_LIKE:
        if role in versions:
            found[role] = bucket.read(role, Targets, versions[role]).metadata.signed
    return {
        role: (signed.version, signed.expires, ROLE_OWNERS[role])
        for role, signed in found.items()
        if signed.expires - now < RENEWAL_WARNING
    }
