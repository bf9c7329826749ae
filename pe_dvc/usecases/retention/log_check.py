"""Is the log of a country's channels whole in a bucket, and of the tree that readers are shown?

What each tile must be follows from the entries, which stand in snapshots as well as in tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_name
from pe_dvc.documents.keys import checkpoint_key, log_prefix
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.pools import Pool
from pe_dvc.store.port import head_if_there
from pe_dvc.trust.channel_log import StoredLog, signed_state
from pe_dvc.trust.log_chain import all_entries, tiles_from
from pe_dvc.usecases.parallel import TRANSFERS, run_all
from pe_dvc.usecases.publish.log_checkpoint import checkpoint
from pe_dvc.usecases.retention.findings import Finding

if TYPE_CHECKING:
    from pe_dvc.trust.bucket import ReadableChannels
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.stored_metadata import StoredMetadata
    from pe_dvc.trust.tuf_api import Snapshot

WHAT = "log"
"""What findings are of."""


@dataclass(frozen=True)
class CheckedLog:
    """What is wrong with a log, and the right bytes, by sha256, each with where they are from."""

    findings: list[Finding] = field(default_factory=list)
    held: dict[str, tuple[bytes, str]] = field(default_factory=dict)


def check_log(bucket: ReadableChannels, snapshot: StoredMetadata[Snapshot] | None) -> CheckedLog:
    """Check each tile of the log that the snapshot of a bucket tells of. Raises StoreError.

    Nothing is found where it tells of none, or where there is none that readers accept.
    """
    try:
        state = signed_state(bucket, "snapshot", snapshot)
        if snapshot is None or state is None:
            return CheckedLog()
        stored = StoredLog(bucket.store, bucket.country, state.number)
        tiles = tiles_from(all_entries(bucket, stored, state))
    except (FormatError, VerificationError) as error:
        key = log_prefix(bucket.country)
        return CheckedLog([Finding(fault="corrupt", key=key, what=WHAT, detail=error.message)])
    expected = {stored.key(tile): data for tile, data in tiles.items()}
    with Pool(TRANSFERS) as pool:
        found = run_all(pool, lambda one: _check(bucket, *one), list(expected.items()))
    findings = [one for one in found if one is not None]
    where = bucket.where("snapshot", snapshot.metadata.signed.version)
    source = f"the entries that {where} leads to"
    held = {str(one.sha256): (expected[one.key], source) for one in findings}
    return CheckedLog(findings, held)


def check_checkpoint(
    bucket: ReadableChannels, snapshot: StoredMetadata[Snapshot] | None, signers: Signers | None
) -> CheckedLog:
    """Check that the log that readers are shown has a checkpoint, with which witnesses begin.

    A lost one is made again, if ``signers`` have the key of the timestamp. Raises StoreError.
    """
    where = bucket.where("root", bucket.root.version)
    try:
        state = signed_state(bucket, "snapshot", snapshot)
        name = log_name(bucket.root.unrecognized_fields, bucket.country, where=where)
    except FormatError:  # check_log tells of it
        return CheckedLog()
    if state is None or state.number != name.number:
        return CheckedLog()
    key = checkpoint_key(bucket.country, name.number)
    if head_if_there(bucket.store, key) is not None:
        return CheckedLog()
    detail = "witnesses begin with it, and the key of timestamp makes it again"
    note = checkpoint(bucket.root, signers, name.origin, state) if signers else None
    if note is None or not note.signatures:
        return CheckedLog([Finding(fault="missing", key=key, what=WHAT, detail=detail)])
    data = str(note).encode()
    sha256 = sha256_bytes(data)
    finding = Finding(fault="missing", key=key, what=WHAT, detail=detail, sha256=sha256)
    return CheckedLog([finding], {str(sha256): (data, "the key of timestamp")})


def _check(bucket: ReadableChannels, key: str, data: bytes) -> Finding | None:
    sha256 = sha256_bytes(data)
    try:
        held, _ = bucket.store.read(key, limit=len(data))
    except NotFoundError:
        detail = "the signed snapshot tells of it"
        return Finding(fault="missing", key=key, what=WHAT, detail=detail, sha256=sha256)
    except FormatError as error:
        return Finding(fault="corrupt", key=key, what=WHAT, detail=error.message, sha256=sha256)
    if held == data:
        return None
    detail = f"expected sha256:{sha256}, got sha256:{sha256_bytes(held)}"
    return Finding(fault="corrupt", key=key, what=WHAT, detail=detail, sha256=sha256)
