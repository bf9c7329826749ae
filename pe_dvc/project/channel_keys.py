"""The keys of a data repo's roles, wired to this machine's key files and KMS."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.project.channel import sign_statements
from pe_dvc.project.channel_recover import taken_versions
from pe_dvc.project.signers import signers_of
from pe_dvc.tlog.note import VerifierKey
from pe_dvc.trust.roles import check_role
from pe_dvc.trust.verify import key_names, role_keys
from pe_dvc.trust.witnesses import WitnessRule
from pe_dvc.usecases.channel.keys import KeyRing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.usecases.channel.key_edits import KeyChange


@dataclass(frozen=True, kw_only=True)
class PublicKey(Result):
    """A key that may sign for a role: its id, its holder's name where known, and it in PEM."""

    keyid: str
    name: str | None
    scheme: str
    pem: str


def show_keys(repo: DataRepo, role: str) -> tuple[PublicKey, ...]:
    """Return the keys that may sign for a role, as the signed metadata in git lists them."""
    from pe_dvc.trust.key_identity import pem_of

    repo.check_root()
    delegator = repo.signed_metadata().delegator(check_role(role))
    names = key_names(delegator, role)
    return tuple(
        PublicKey(keyid=key.keyid, name=names.get(key.keyid), scheme=key.scheme, pem=pem_of(key))
        for key in role_keys(delegator, role)
    )


def add_key(
    repo: DataRepo,
    role: str,
    *,
    signer: str | None = None,
    public_key: Path | None = None,
    threshold: int | None = None,
    name: str | None = None,
) -> KeyChange:
    """Let another key sign for a role: the one behind ``signer``, in ``public_key``, or new."""
    with _given_key(repo, role, signer, public_key) as (key, file):
        change = _key_ring(repo, role, signer).add(role, key, threshold=threshold, name=name)
    sign_statements(repo, signers_of(repo), role)
    return replace(change, key_file=file)


def remove_key(repo: DataRepo, role: str, keyid: str, *, threshold: int | None = None) -> KeyChange:
    """Let a key, known by the beginning of its id, sign for a role no more."""
    change = _key_ring(repo, role).remove(role, keyid, threshold=threshold)
    sign_statements(repo, signers_of(repo), role)
    return change


def rotate_key(
    repo: DataRepo,
    role: str,
    keyid: str | None = None,
    *,
    signer: str | None = None,
    public_key: Path | None = None,
    stolen: bool = False,
) -> KeyChange:
    """Replace a role's key; if ``stolen``, nothing that it signed counts any longer."""
    taken = taken_versions(repo) if stolen else None
    with _given_key(repo, role, signer, public_key) as (key, file):
        ring = _key_ring(repo, role, signer, taken or ())
        change = ring.rotate(role, key, keyid=keyid, stolen=stolen)
    sign_statements(repo, signers_of(repo), role)
    return replace(change, key_file=file)


def demand_witnesses(
    repo: DataRepo, keys: Sequence[str], *, threshold: int | None, days: int
) -> KeyChange:
    """Have a new root demand witnesses of readers (``trust.witnesses``); none, without keys.

    Without ``threshold`` more than half: then no two histories both have enough.
    """
    if not keys:
        return _key_ring(repo, "root").demand(None)
    most = len(keys) // 2 + 1
    rule = WitnessRule(threshold or most, days, tuple(map(VerifierKey.parse, keys)))
    return _key_ring(repo, "root").demand(rule)


def _key_ring(
    repo: DataRepo,
    role: str,
    signer: str | None = None,
    taken: Collection[tuple[str, int]] = (),
) -> KeyRing:
    """Return the keys of a repo's roles; ``signer`` is a URI that signs for ``role`` as well."""
    known = repo.settings.signers.get(role, [])
    uris = [known] if isinstance(known, str) else list(known)
    given = {role: [*uris, signer]} if signer and uris else {}
    signers = signers_of(repo, given)
    return KeyRing(repo.channels_root, repo.country, signers, now=datetime.now(UTC), taken=taken)


@contextmanager
def _given_key(
    repo: DataRepo, role: str, signer: str | None, public: Path | None
) -> Iterator[tuple[Key, Path | None]]:
    """Yield a key: behind a signer's URI, of a public key file, or made here, with its file.

    A file made here is removed where what it was made for fails: nothing lists its key.
    """
    from pe_dvc.trust.keys import new_key_file
    from pe_dvc.trust.public_keys import public_key, public_key_file

    if signer is not None:
        yield public_key(signer), None
        return
    if public is not None:
        yield public_key_file(public), None
        return
    file, key = new_key_file(directories.keys_dir(), repo.country, role)
    try:
        yield key, file
    except BaseException:
        file.unlink(missing_ok=True)
        raise
