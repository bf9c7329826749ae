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


def key_ring(repo: DataRepo, role: str, signer: str | None = None) -> KeyRing:
    """Return the keys of a repo's roles; ``signer`` is a URI that signs for ``role`` as well."""
    known = repo.settings.signers.get(role, [])
    uris = [known] if isinstance(known, str) else list(known)
    given = {role: [*uris, signer]} if signer and uris else {}
    return KeyRing(repo.channels_root, repo.country, signers_of(repo, given), now=datetime.now(UTC))


def given_key(repo: DataRepo, role: str, signer: str | None, public: Path | None) -> Key:
    """Return the key behind a signer's URI, that of a public key file, or else one made here."""
    from pe_dvc.trust.keys import new_key
    from pe_dvc.trust.public_keys import public_key, public_key_file

    if signer is not None:
        return public_key(signer)
    if public is not None:
        return public_key_file(public)
    return new_key(directories.keys_dir(), repo.country, role)
