"""The checkpoint of a channel's log, a signed note for programs of others and for witnesses.

C2SP tlog-checkpoint and signed-note. The key is that of the timestamp, where it is Ed25519: the
root tells everyone which one that is. ADR 0039.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.tlog.note import VerifierKey
from pe_dvc.trust.verify import role_keys
from pe_dvc.trust.witnesses import checkpoint_note

if TYPE_CHECKING:
    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.tlog.note import Note
    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key, Root

ROLE = "timestamp"


def checkpoint(root: Root, signers: Signers, origin: str, state: LogState) -> Note:
    """Return a tree's checkpoint, signed by the keys of the timestamp that are on this machine.

    Only those of Ed25519 sign: with none of them the note has no signature, and no witness takes
    it.
    """
    note = checkpoint_note(origin, state)
    keys = {key.keyid: verifier_key(key, origin) for key in role_keys(root, ROLE)}
    wanted = {keyid: key for keyid, key in keys.items() if key is not None}
    for signer in signers.of_keys(root, ROLE, wanted) if wanted else ():
        signature = signers.sign_bytes(signer, ROLE, note.text.encode())
        if signature is not None:
            made = bytes.fromhex(signature.signature)
            note = note.signed_by(wanted[signer.public_key.keyid], partial(_made, made))
    return note


def verifier_key(key: Key, origin: str) -> VerifierKey | None:
    """Return by which key of a note a role's key signs as ``origin``, None if not of Ed25519."""
    if (key.keytype, key.scheme) != ("ed25519", "ed25519"):
        return None
    return VerifierKey(origin, bytes.fromhex(key.keyval["public"]))


def _made(signature: bytes, text: bytes) -> bytes:
    """Return the signature that was made of a note's text, as ``Note.signed_by`` asks for it."""
    return signature
