"""The keys of a data repo's roles, wired to this machine's key files and KMS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.project import directories
from pe_dvc.project.channel import signers_of
from pe_dvc.usecases.channel.keys import KeyRing

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.usecases.channel.keys import KeyChange


def add_key(
    repo: DataRepo,
    role: str,
    *,
    signer: str | None = None,
    public_key: Path | None = None,
    threshold: int | None = None,
) -> KeyChange:
    """Let another key sign for a role: the one behind ``signer``, in ``public_key``, or new."""
    key = _given_key(repo, role, signer, public_key)
    return _key_ring(repo, role, signer).add(role, key, threshold=threshold)


def remove_key(repo: DataRepo, role: str, keyid: str, *, threshold: int | None = None) -> KeyChange:
    """Let a key, known by the beginning of its id, sign for a role no more."""
    return _key_ring(repo, role).remove(role, keyid, threshold=threshold)


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
    key = _given_key(repo, role, signer, public_key)
    return _key_ring(repo, role, signer).rotate(role, key, keyid=keyid, stolen=stolen)


def _key_ring(repo: DataRepo, role: str, signer: str | None = None) -> KeyRing:
    """Return the keys of a repo's roles; ``signer`` is a URI that signs for ``role`` as well."""
    known = repo.settings.signers.get(role, [])
    uris = [known] if isinstance(known, str) else list(known)
    given = {role: [*uris, signer]} if signer and uris else {}
    return KeyRing(repo.channels_root, repo.country, signers_of(repo, given), now=datetime.now(UTC))


def _given_key(repo: DataRepo, role: str, signer: str | None, public: Path | None) -> Key:
    """Return the key behind a signer's URI, that of a public key file, or else one made here."""
    from pe_dvc.trust.keys import new_key
    from pe_dvc.trust.public_keys import public_key, public_key_file

    if signer is not None:
        return public_key(signer)
    if public is not None:
        return public_key_file(public)
    return new_key(directories.keys_dir(), repo.country, role)
