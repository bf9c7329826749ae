"""Where a country's channels stand: what git holds, against what readers are shown.

For maintainers, who ask after a theft and during a recovery: one sentence for each thing to know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.pointer_notes import hold_of
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.reference import CHANNELS
from pe_dvc.primitives.result import Result
from pe_dvc.primitives.sizes import counted
from pe_dvc.trust.ancestry import descends
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.channel_log import signed_state
from pe_dvc.trust.roles import ROLE_OWNERS, TARGETS_LIKE
from pe_dvc.trust.tuf_api import Root, Targets
from pe_dvc.trust.verify import expiry_days, key_names, signatures
from pe_dvc.trust.witnesses import cosigned_state, witness_rule
from pe_dvc.usecases.channel.pointers import draft_pointers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pe_dvc.documents.gate_note import Result as GateResult
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.stored_metadata import StoredMetadata
    from pe_dvc.trust.tuf_api import MetaFile, Timestamp

RENEWAL_WARNING = timedelta(days=60)
"""How long before a role of git expires it is spoken of."""

STOLEN = "if none of your publishers made it, keys were stolen: run pe-dvc channel recover"


@dataclass(frozen=True, kw_only=True)
class Standing(Result):
    """Sentences for people, the most pressing first."""

    sentences: tuple[str, ...]
    gates: Mapping[str, tuple[GateResult, ...]] = field(default_factory=dict)
    """What gates found of each dataset of ``next``, passed or not."""


def standing(git: SignedMetadata, store: ReadableStore | None, *, now: datetime) -> Standing:
    """Return where the channels stand; without a ``store`` as far as git tells.

    Raises SignatureError for metadata in git that does not verify, StoreError.
    """
    said = list(_published(git, store, now)) if store is not None else []
    return Standing(sentences=(*said, *_held(git), *_expiring(git, now)))


def _held(git: SignedMetadata) -> Iterator[str]:
    for name, pointer in draft_pointers(git, "latest").items():
        if why := hold_of(pointer):
            yield f"{name} is held in latest: {why}"


def _expiring(git: SignedMetadata, now: datetime) -> Iterator[str]:
    signed = {"root": git.root.signed, **{role: git.role(role).signed for role in TARGETS_LIKE}}
    for role, metadata in signed.items():
        if metadata.expires - now < RENEWAL_WARNING:
            yield (
                f"{role} expires on {metadata.expires:%Y-%m-%d}: {ROLE_OWNERS[role]} must run "
                f"pe-dvc channel renew {role}, commit, and push"
            )


def _published(git: SignedMetadata, store: ReadableStore, now: datetime) -> Iterator[str]:
    bucket = ReadableChannels(store, git.country, [root.signed for root in git.roots])
    version = git.root.signed.version
    if bucket.signed(git.root.signed, "root", Root, version + 1):
        yield f"the bucket has root {version + 1}, git has {version}: run git pull"
        return
    if not _holds_root(bucket, version):
        if version == 1:
            yield "nothing is published yet: run pe-dvc push"
        else:
            yield (
                f"root {version} with the new keys is not published yet: readers still believe "
                "the old keys. Commit channels/, then run pe-dvc push"
            )
        return
    head = read_head(bucket)
    if head.timestamp is None or head.snapshot is None:
        yield (
            "readers are refused: what the bucket shows them is not signed by today's keys. Run "
            "pe-dvc push"
        )
        return
    yield from _witnessed(bucket, head.timestamp, now)
    said = [one for role in CHANNELS if (one := _channel(git, bucket, role, head.meta.get(role)))]
    yield from said
    if not said:
        seen = [role for role in CHANNELS if role in head.meta]
        shown = ", ".join(f"{role} {head.versions[role]}" for role in seen)
        yield f"readers see what git holds: {shown}"


def _witnessed(
    bucket: ReadableChannels, timestamp: StoredMetadata[Timestamp], now: datetime
) -> Iterator[str]:
    """Say who cosigned what readers see, where the root demands witnesses."""
    fields, where = bucket.root.unrecognized_fields, bucket.where("root", bucket.root.version)
    rule = witness_rule(fields, where=where)
    if rule is None:
        return
    state = signed_state(bucket, "timestamp", timestamp)
    times = cosigned_state(rule, fields, bucket.country, state, where=where)
    days = {name: datetime.fromtimestamp(moment, UTC) for name, moment in times.items()}
    who = ", ".join(
        f"{key.name} on {days[key.name]:%Y-%m-%d}" if key.name in days else f"{key.name} never"
        for key in rule.keys
    )
    good = len(rule.in_time(times, now.timestamp()))
    demands = f"{rule.threshold} are demanded, not older than {counted(rule.max_age_days, 'day')}"
    if good < rule.threshold:
        yield "readers are refused: too few witnesses cosigned. Run pe-dvc channel refresh"
    yield f"witnesses who cosigned what readers see: {who} ({demands})"


def _holds_root(bucket: ReadableChannels, version: int) -> bool:
    try:
        return bucket.read("root", Root, version).metadata.signed == bucket.root
    except (NotFoundError, FormatError, VerificationError):
        return False


def _channel(
    git: SignedMetadata, bucket: ReadableChannels, role: str, named: MetaFile | None
) -> str | None:
    ours = git.role(role).signed
    if named is None or named.hashes == git.meta_file(role).hashes:
        return None
    try:
        held = bucket.read(role, Targets, named.version).metadata
    except (NotFoundError, FormatError, VerificationError):
        return f"{role} {named.version} was damaged in the bucket: run pe-dvc push, or pe-dvc fsck"
    delegator = git.targets.signed
    if held.signed == ours:
        return None
    if not signatures(delegator, role, held):
        return (
            f"readers are refused {role}: version {named.version} is not signed by today's keys. "
            "Run pe-dvc push"
        )
    if named.version < ours.version and descends(ours, held):
        return f"{role} {ours.version} is not published yet, readers see {named.version}"
    names = key_names(delegator, role)
    keyids = signatures(delegator, role, held).signed
    keys = ", ".join(names.get(keyid, keyid[:12]) for keyid in keyids)
    made = held.signed.expires - timedelta(days=expiry_days(delegator, role))
    return (
        f"readers see {role} {named.version}, signed by {keys} on {made:%Y-%m-%d at %H:%M} UTC, "
        f"which git's {role} {ours.version} was not made from: run git pull; {STOLEN}"
    )
