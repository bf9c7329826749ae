"""Reading signed metadata and checking it: bytes, keys and a time in; trusted object or error out.

No I/O. Every refusal is one of pe_dvc's errors, in a sentence that names the role, its version
and who must correct it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pe_dvc.documents.metadata_fields import EXPIRY_FIELD, NAME_FIELD
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import ExpiredError, FormatError, RollbackError, SignatureError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.merge_conflict import conflict_error
from pe_dvc.primitives.printable import brief
from pe_dvc.trust.binned import MARK, WHOLE_LIMIT, recognized
from pe_dvc.trust.conflicts import conflict_advice
from pe_dvc.trust.key_identity import distinct_keys
from pe_dvc.trust.roles import EXPIRY_DAYS, MAX_LENGTH, ROLE_OWNERS
from pe_dvc.trust.tuf_api import (
    Key,
    Metadata,
    Role,
    Root,
    Signed,
    Snapshot,
    Targets,
    Timestamp,
    VerificationResult,
    signed_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Kind = TypeVar("Kind", Root, Targets, Snapshot, Timestamp)


def parse(kind: type[Kind], data: bytes, *, where: str) -> Metadata[Kind]:
    """Read metadata of one kind; its signatures are not checked. Raises FormatError.

    That of a channel in bins has all its pointers if it is git's file, else the bins.
    """
    limit = WHOLE_LIMIT if MARK in data else MAX_LENGTH[kind.type]
    if len(data) > limit:
        raise FormatError(
            f"{len(data)} bytes, and {kind.type} metadata has {limit} at most", where=where
        )
    if refusal := conflict_error(data, where=where, remedy=conflict_advice(where)):
        raise refusal
    document = read_json(data, what="TUF metadata", where=where, fractions=False)
    try:
        metadata = Metadata[Kind].from_dict(document)
    except Exception as error:  # as python-tuf's own reader, which would parse the bytes again
        raise FormatError(f"not TUF metadata: {brief(str(error))}", where=where) from error
    if metadata.signed.type != kind.type:
        raise FormatError(f"expected {kind.type} metadata, got {metadata.signed.type}", where=where)
    if isinstance(metadata.signed, Targets):
        metadata.signed = recognized(metadata.signed, where=where)
    return metadata


def signatures(delegator: Root | Targets, role: str, metadata: Metadata[Any]) -> VerificationResult:
    """Return which of the role's keys signed ``metadata`` validly, and which did not.

    A key under two ids counts once.
    """
    try:
        found = delegator.get_verification_result(role, signed_bytes(metadata), metadata.signatures)
    except ValueError:
        raise FormatError(f"there is no role {role!r} in {delegator.type} metadata") from None
    return VerificationResult(found.threshold, distinct_keys(found.signed), found.unsigned)


def verify_signed_by(
    delegator: Root | Targets, role: str, metadata: Metadata[Any], *, where: str
) -> None:
    """Raise SignatureError unless a threshold of the role's keys signed ``metadata``."""
    result = signatures(delegator, role, metadata)
    if not result:
        raise SignatureError(
            f"{where}: {role} version {metadata.signed.version} has valid signatures of "
            f"{len(result.signed)} of its keys, and {result.threshold} must sign",
            remedy=_who_signs(role),
        )


def _who_signs(role: str) -> str:
    """Return what to do about a role that too few have signed."""
    if role == "latest":
        return f"To sign it, {ROLE_OWNERS[role]} runs: pe-dvc channel sign latest"
    return f"It must be signed by {ROLE_OWNERS[role]}."


def check_one_id_each(delegator: Root | Targets, *, where: str) -> None:
    """Raise SignatureError where a role has one key under two ids.

    python-tuf counts ids (TUF specification, definition of ``KEYID``): with both, the holder of
    that key alone would be two of a threshold.
    """
    for role in _roles(delegator):
        keys = {key.keyid: key for key in role_keys(delegator, role)}
        if len(distinct_keys(keys)) < len(keys):
            raise SignatureError(
                f"{where}: {role} has one key under two ids, which would count as two that signed",
                remedy=f"Remove one of them from {role} in the next version: see "
                "docs/runbook-keys.md. Until then nothing is read or pushed with it.",
            )


def _roles(delegator: Root | Targets) -> Iterable[str]:
    if isinstance(delegator, Root):
        return delegator.roles
    roles = delegator.delegations.roles if delegator.delegations else None
    return roles or ()


def check_fresh(role: str, signed: Signed, now: datetime, *, where: str) -> None:
    """Raise ExpiredError if ``signed`` is past its expiry at ``now``."""
    if signed.is_expired(now):
        raise expired(role, signed.version, signed.expires, where=where)


def expired(role: str, version: int, since: datetime, *, where: str) -> ExpiredError:
    """Return the error that says since when, whose job it is, and what still works."""
    return ExpiredError(
        f"{where}: {role} version {version} expired on {since:%Y-%m-%d at %H:%M} UTC",
        remedy=f"It must be renewed by {ROLE_OWNERS[role]}. What was read here before can be read "
        "with --offline (in Python: offline=True). If that date is still to come, check this "
        f"machine's clock, which says {datetime.now(UTC):%Y-%m-%d at %H:%M} UTC.",
    )


def verify_root_chain(roots: Sequence[bytes], *, where: str) -> list[Metadata[Root]]:
    """Read consecutive root versions, each signed by itself and by the one before.

    The first is trusted as it stands, if it is signed by itself. Raises SignatureError, and
    RollbackError for a gap in the versions.
    """
    chain = [parse(Root, data, where=where) for data in roots]
    check_root_chain(chain, where=where)
    return chain


def check_root_chain(chain: Sequence[Metadata[Root]], *, where: str) -> None:
    """Check consecutive root versions as ``verify_root_chain`` does (TUF specification 5.3)."""
    for number, root in enumerate(chain):
        if number:
            _check_successor(chain[number - 1].signed, root, where)
        verify_signed_by(root.signed, Root.type, root, where=where)


def _check_successor(trusted: Root, root: Metadata[Root], where: str) -> None:
    if root.signed.version != trusted.version + 1:
        raise RollbackError(
            f"{where}: expected root version {trusted.version + 1}, got {root.signed.version}"
        )
    verify_signed_by(trusted, Root.type, root, where=f"{where}, by root {trusted.version}")


def fingerprint(root: bytes) -> Sha256:
    """Return the sha256 of a root.json, by which people compare roots over another channel."""
    return sha256_bytes(root)


def role_of(delegator: Root | Targets, role: str) -> Role:
    """Return a role's keys and threshold as its delegator lays them down."""
    try:
        return delegator.get_delegated_role(role)
    except ValueError:
        raise FormatError(f"there is no role {role!r} in {delegator.type} metadata") from None


def role_keys(delegator: Root | Targets, role: str) -> list[Key]:
    """Return the keys that may sign for a role."""
    keyids = role_of(delegator, role).keyids
    try:
        return [delegator.get_key(keyid) for keyid in keyids]
    except ValueError as error:
        fault = f"{delegator.type} metadata does not hold every key of {role}: {error}"
        raise FormatError(fault) from None


def key_names(delegator: Root | Targets, role: str) -> dict[str, str]:
    """Return the names of those of a role's keys that have one, by key id."""
    keys = role_keys(delegator, role)
    named = {key.keyid: key.unrecognized_fields.get(NAME_FIELD) for key in keys}
    return {keyid: name for keyid, name in named.items() if isinstance(name, str)}


def key_text(keyid: str, names: Mapping[str, str]) -> str:
    """Return a key's name, where it has one, and the start of its id, as messages have it."""
    short = keyid[:12]
    return f"{names[keyid]} ({short})" if keyid in names else short


def expiry_days(delegator: Root | Targets, role: str) -> int:
    """Return how many days a role's metadata is good for, as its delegator lays it down."""
    days = role_of(delegator, role).unrecognized_fields.get(EXPIRY_FIELD, EXPIRY_DAYS[role])
    if type(days) is not int or days < 1:
        raise FormatError(f"{EXPIRY_FIELD} of {role} is {days!r}: expected a number of days")
    return days
