"""Signatures of in-toto statements: DSSE envelopes, signed by the keys of a role.

The threshold is the role's, so that one envelope may have several signatures, made on several
machines (ADR 0014). https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.statement_bundle import PAYLOAD_TYPE, SignedStatement
from pe_dvc.primitives.errors import SignatureError
from pe_dvc.primitives.printable import brief
from pe_dvc.trust.key_identity import distinct_keys
from pe_dvc.trust.tuf_api import Envelope, Signature, UnverifiedSignatureError
from pe_dvc.trust.verify import role_keys, role_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pe_dvc.trust.signers import Signers
    from pe_dvc.trust.tuf_api import Key, Root, Targets


def signed_by(statement: SignedStatement, delegator: Root | Targets, role: str) -> dict[str, Key]:
    """Return those of a role's keys whose signature of a statement is valid, by id."""
    envelope, valid = envelope_of(statement), {}
    for key in role_keys(delegator, role):
        signature = envelope.signatures.get(key.keyid)
        if signature is None:
            continue
        try:
            key.verify_signature(signature, envelope.pae())
        except UnverifiedSignatureError:
            continue
        valid[key.keyid] = key
    return valid


def check_envelopes(
    statements: Sequence[SignedStatement], delegator: Root | Targets, role: str, *, where: str
) -> None:
    """Raise SignatureError unless a threshold of the role's keys signed each statement.

    A key under two ids counts once. And for a signature that does not count, of another key or of
    other bytes: pe_dvc publishes none, so that someone else put it there.
    """
    threshold = role_of(delegator, role).threshold
    for number, statement in enumerate(statements, 1):
        valid = signed_by(statement, delegator, role)
        count = len(distinct_keys(valid))
        if count < threshold:
            raise SignatureError(
                f"{where}: statement {number} of {len(statements)} has valid signatures of "
                f"{count} of the keys of {role}, and {threshold} must sign",
                remedy=f"Sign it where the keys of {role} are: pe-dvc channel sign {role}, commit, "
                "and push the release again.",
            )
        for keyid in sorted(statement.signatures.keys() - valid.keys()):
            raise SignatureError(
                f"{where}: statement {number} of {len(statements)} has a signature of the key "
                f"{brief(keyid)}, which is not a valid one of a key of {role}",
                remedy="The bucket was changed, or the key was replaced since. Push the release "
                "again from a clone where it is signed by the keys of today.",
            )


def sign_statements(
    statements: Sequence[SignedStatement],
    delegator: Root | Targets,
    role: str,
    signers: Signers,
    *,
    keyids: Collection[str] | None = None,
) -> list[SignedStatement]:
    """Return the statements with a signature of every key of the role on this machine.

    Of ``keyids``, where that is given. Signatures that do not count are dropped where a key is
    here, as of drafts. Raises SignatureError if a signer that was asked for by name fails.
    """
    envelopes = [envelope_of(statement) for statement in statements]
    valid = [set(signed_by(statement, delegator, role)) for statement in statements]
    ours = {key.keyid for key in role_keys(delegator, role)}
    lacking = {keyid for keyid in ours if any(keyid not in signed for signed in valid)}
    wanted = lacking if keyids is None else lacking & set(keyids)
    signed: set[str] = set()
    for signer in signers.of_keys(delegator, role, wanted):
        keyid = signer.public_key.keyid
        for envelope, has in zip(envelopes, valid, strict=True):
            if keyid in has:
                continue
            signature = signers.sign_bytes(signer, role, envelope.pae())
            if signature is None:
                break
            envelope.signatures[keyid] = signature
            has.add(keyid)
            signed.add(keyid)
    if not signed:
        return list(statements)
    return [
        SignedStatement(
            payload=envelope.payload,
            signatures={keyid: envelope.signatures[keyid].signature for keyid in has},
        )
        for envelope, has in zip(envelopes, valid, strict=True)
    ]


def envelope_of(statement: SignedStatement) -> Envelope:
    """Return a statement as the DSSE envelope whose encoding (PAE) keys sign."""
    signatures = {
        keyid: Signature(keyid, signature) for keyid, signature in statement.signatures.items()
    }
    return Envelope(statement.payload, PAYLOAD_TYPE, signatures)
