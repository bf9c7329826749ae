"""That the signed releases are an entry of the channel's log, proven without the log.

``release_manifest.tlog-proof`` of an export is a C2SP tlog-proof (https://c2sp.org/tlog-proof) of
the version of ``releases`` that lists the release. It has no extra data. ADR 0039.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import Leaf, log_name, log_state
from pe_dvc.primitives.errors import SignatureError, VerificationError
from pe_dvc.tlog.checkpoint import parse_checkpoint
from pe_dvc.tlog.merkle import leaf_hash, verify_inclusion
from pe_dvc.trust.key_identity import distinct_keys
from pe_dvc.trust.tuf_api import Snapshot
from pe_dvc.trust.verify import parse, role_keys, role_of, verify_signed_by
from pe_dvc.trust.witnesses import checkpoint_note, witness_rule
from pe_dvc.usecases.publish.log_checkpoint import ROLE as SIGNER
from pe_dvc.usecases.publish.log_checkpoint import verifier_key

if TYPE_CHECKING:
    from pe_dvc.tlog.note import Note
    from pe_dvc.tlog.proof import TlogProof
    from pe_dvc.trust.tuf_api import MetaFile, Root

LOGGED_ROLE = "releases"


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """Where the signed releases stand in the channel's log.

    ``index`` counts from 0, in a tree of ``size`` entries. ``witnesses`` are the names of those
    that the root demands and that cosigned this tree; none where it demands none.
    """

    index: int
    size: int
    witnesses: tuple[str, ...] = ()


def leaf_of(releases: MetaFile) -> Leaf:
    """Return the entry of a version of ``releases``, out of what a snapshot says of its file."""
    hashes, length = releases.hashes or {}, releases.length
    assert "sha256" in hashes, "it was made of the file"
    assert length is not None, "it was made of the file"
    return Leaf(LOGGED_ROLE, releases.version, hashes["sha256"], length)


def check_inclusion(proof: TlogProof, releases: MetaFile, *, where: str) -> LogEntry:
    """Return where a version of ``releases`` stands in the tree of the proof's checkpoint.

    Raises VerificationError for a proof of something else. Who signed it, ``check_signed`` tells.
    """
    tree = parse_checkpoint(proof.note.text, where=where)
    leaf = leaf_hash(leaf_of(releases).to_bytes())
    try:
        verify_inclusion(proof.index, tree.size, leaf, proof.hashes, tree.root)
    except VerificationError as error:
        raise VerificationError(
            f"{where}: it does not prove that version {releases.version} of the releases is in the "
            f"channel's log: {error.message}",
            remedy="The proof was altered, or is of another version. Export the release again.",
        ) from error
    return LogEntry(index=proof.index, size=tree.size)


def check_signed(note: Note, root: Root, country: str, *, where: str) -> tuple[str, ...]:
    """Return the witnesses of a checkpoint of the country's log that is signed as ``root`` asks.

    By the keys of the timestamp, and by as many witnesses as the root demands. Their age does not
    count, as no date does in a copy. Raises VerificationError, SignatureError for the log's own.
    """
    name = f"the root of {country}"
    origin = log_name(root.unrecognized_fields, country, where=name).origin
    found = parse_checkpoint(note.text, where=where)
    if found.origin != origin:
        raise VerificationError(
            f"{where}: its checkpoint is of the log {found.origin}, not of {origin}",
            remedy="The proof is of another country, or of a log that a newer root ended.",
        )
    signed, needed = _signatures(note, root, origin), role_of(root, SIGNER).threshold
    if signed < needed:
        raise SignatureError(
            f"{where}: its checkpoint has {signed} valid signatures by keys of the {SIGNER}, and "
            f"{needed} must sign",
            remedy="It was altered, or another log's key signed it. Export the release again.",
        )
    rule = witness_rule(root.unrecognized_fields, where=name)
    if rule is None:
        return ()
    witnesses = rule.cosigned(note, map(str, note.signatures))
    if len(witnesses) < rule.threshold:
        raise VerificationError(
            f"{where}: {len(witnesses)} of the {rule.threshold} witnesses that {name} demands have "
            "cosigned its checkpoint",
            remedy="Cosignatures were removed or altered. Export the release again.",
        )
    return tuple(sorted(witnesses))


def check_same_tree(note: Note, snapshot: bytes, root: Root, country: str, *, where: str) -> None:
    """Raise VerificationError unless a checkpoint is of the tree that the snapshot signs."""
    held = parse(Snapshot, snapshot, where=where)
    verify_signed_by(root, "snapshot", held, where=where)
    state = log_state(held.signed.unrecognized_fields, where=where)
    origin = log_name(root.unrecognized_fields, country, where=f"the root of {country}").origin
    if state is None or checkpoint_note(origin, state).text != note.text:
        raise VerificationError(
            f"{where} is not of the tree that the proof's checkpoint is of",
            remedy="One of the two is of another export. Export the release again.",
        )


def _signatures(note: Note, root: Root, origin: str) -> int:
    """Return how many of the timestamp's keys signed a checkpoint; a key under two ids is one."""
    valid = {}
    for key in role_keys(root, SIGNER):
        verifier = verifier_key(key, origin)
        if verifier is None:
            continue
        try:
            note.verify(verifier)
        except SignatureError:
            continue
        valid[key.keyid] = key
    return len(distinct_keys(valid))
