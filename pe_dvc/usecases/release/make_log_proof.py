"""Makes the proof that the signed releases are in the channel's log, as a release is exported.

The bucket has the tree, its checkpoint and its tiles; git has the version of ``releases`` that is
exported. Where there is no proof, it is said why: the export is as good without. ADR 0039.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_name
from pe_dvc.documents.keys import checkpoint_key
from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.tlog.note import LONGEST, Note, parse_note, parse_signature
from pe_dvc.tlog.proof import TlogProof
from pe_dvc.trust.bucket import ReadableChannels
from pe_dvc.trust.channel_log import StoredLog, signed_state
from pe_dvc.trust.log_chain import all_entries
from pe_dvc.trust.tuf_api import Timestamp
from pe_dvc.trust.witnesses import checkpoint_note
from pe_dvc.usecases.release.log_proof import LOGGED_ROLE, check_inclusion, check_signed, leaf_of

if TYPE_CHECKING:
    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.stored_metadata import StoredMetadata
    from pe_dvc.trust.tuf_api import MetaFile, Snapshot


@dataclass(frozen=True)
class MadeProof:
    """A proof, and the signed snapshot whose tree it is of: what shows that a log is there."""

    proof: bytes
    snapshot: bytes


class _NoProofError(NotFoundError):
    """There is nothing to prove by: the channel has no log, or the log has not these releases."""


def make_log_proof(store: ReadableStore, signed: SignedMetadata) -> MadeProof:
    """Prove that ``releases`` as git has it is in the log that the bucket shows.

    Raises NotFoundError where there is no proof, which says why; VerificationError where the files
    of the log were altered; StoreError.
    """
    bucket = ReadableChannels(store, signed.country, [one.signed for one in signed.roots])
    snapshot, lines = _shown(bucket)
    state = _state(bucket, snapshot)
    releases = signed.meta_file(LOGGED_ROLE)
    note = _checkpoint(bucket, state, lines)
    index = _position(bucket, snapshot, state, releases)
    try:
        hashes = StoredLog(store, signed.country, state.number).inclusion(index, state.size)
    except NotFoundError as error:
        raise _NoProofError(
            f"the files of the channel's log are not all there: {error.message}",
            remedy="Run pe-dvc fsck --repair.",
        ) from error
    proof, where = TlogProof(index, tuple(hashes), note), f"the log of {signed.country}"
    check_inclusion(proof, releases, where=where)
    return MadeProof(str(proof).encode(), snapshot.data)


def _shown(bucket: ReadableChannels) -> tuple[StoredMetadata[Snapshot], tuple[str, ...]]:
    """Return the snapshot that the bucket shows, and the cosignatures of its tree."""
    timestamp, _ = bucket.look(bucket.root, "timestamp", Timestamp)
    if timestamp is None:
        raise _NoProofError("the bucket shows nothing that the root in git signed: pe-dvc push")
    named = timestamp.metadata.signed.snapshot_meta
    snapshot = bucket.snapshot(named.version, named)
    if snapshot is None:
        raise _NoProofError("the bucket lacks the snapshot that it shows: pe-dvc push")
    shown = signed_state(bucket, "timestamp", timestamp)
    return snapshot, shown.cosignatures if shown is not None else ()


def _state(bucket: ReadableChannels, snapshot: StoredMetadata[Snapshot]) -> LogState:
    state = signed_state(bucket, "snapshot", snapshot)
    number = log_name(bucket.root.unrecognized_fields, bucket.country, where="the root").number
    if state is None:
        raise _NoProofError(f"the channels of {bucket.country} have no log yet: pe-dvc push")
    if state.number != number:
        raise _NoProofError("the root in git begins another log than the bucket has: pe-dvc push")
    return state


def _checkpoint(bucket: ReadableChannels, state: LogState, lines: tuple[str, ...]) -> Note:
    """Return the checkpoint of a tree, with its cosignatures, signed as readers demand."""
    key = checkpoint_key(bucket.country, state.number)
    where = f"{bucket.store.url}/{key}"
    root, country = bucket.root, bucket.country
    origin = log_name(root.unrecognized_fields, country, where="the root").origin
    try:
        note = parse_note(bucket.store.read(key, limit=LONGEST)[0], where=where)
        if note.text != checkpoint_note(origin, state).text:
            raise _NoProofError(f"{where} is of another tree than the snapshot: pe-dvc push")
        more = (parse_signature(line.rstrip("\n"), where=where) for line in lines)
        note = replace(note, signatures=(*dict.fromkeys((*note.signatures, *more)),))
        check_signed(note, root, country, where=where)
    except _NoProofError:
        raise
    except (NotFoundError, FormatError, VerificationError) as error:
        raise _NoProofError(f"the log's checkpoint cannot be used: {error.message}") from error
    return note


def _position(
    bucket: ReadableChannels,
    snapshot: StoredMetadata[Snapshot],
    state: LogState,
    releases: MetaFile,
) -> int:
    """Return where a version of ``releases`` stands: the shown one, or an earlier one."""
    shown = snapshot.metadata.signed.meta.get(f"{LOGGED_ROLE}.json")
    if shown == releases and LOGGED_ROLE in state.index:
        return state.index[LOGGED_ROLE]
    log = StoredLog(bucket.store, bucket.country, state.number)
    entries, wanted = all_entries(bucket, log, state), leaf_of(releases).to_bytes()
    if wanted not in entries:
        raise _NoProofError(
            f"version {releases.version} of the releases, as git has it, is not in the log of "
            f"{bucket.country}: publish it by pe-dvc release push, or get what was published by "
            "git pull"
        )
    return entries.index(wanted)
