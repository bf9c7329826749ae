"""Private keys in files: ed25519, PKCS8 PEM, the owner's alone, never inside a git work tree."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_country
from pe_dvc.store.disk import writing_to
from pe_dvc.trust.roles import check_role
from pe_dvc.trust.tuf_api import CryptoSigner, Key, SSlibKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def generate_keys(keys_dir: Path, country: str, counts: Mapping[str, int]) -> dict[str, list[Key]]:
    """Make ``counts[role]`` keys for each role, and return their public halves.

    They lie in ``{keys_dir}/{country}/{role}.pem``, further ones in ``{role}-2.pem`` and so on;
    one that exists already is kept. Raises FormatError if ``keys_dir`` is inside a git work
    tree, where a private key would be a ``git add`` away from the public.
    """
    refuse_git_work_tree(keys_dir)
    directory = keys_dir / check_country(country)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        check_role(role): [_key(directory, role, number) for number in range(1, count + 1)]
        for role, count in counts.items()
    }


def _key(directory: Path, role: str, number: int) -> Key:
    path = _path(directory, role, number)
    if path.is_file() and path.stat().st_size == 0:
        path.unlink()  # a run that was killed left it: it holds no key
    if path.exists():
        return load_key_file(path).public_key
    signer = CryptoSigner.generate_ed25519()
    _write_private(path, signer.private_bytes)
    return signer.public_key


def new_key(keys_dir: Path, country: str, role: str) -> Key:
    """Make one more key for a role, beside those that are there, and return its public half."""
    refuse_git_work_tree(keys_dir)
    directory = keys_dir / check_country(country)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while _path(directory, role, number).exists():
        number += 1
    return _key(directory, check_role(role), number)


def _path(directory: Path, role: str, number: int) -> Path:
    return directory / (f"{role}.pem" if number == 1 else f"{role}-{number}.pem")


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that no other user can read at any moment, and that replaces none."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with writing_to(path), os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)  # else the next run would take it for a key
        raise


def refuse_git_work_tree(directory: Path) -> None:
    """Raise FormatError if ``directory`` is, or would be, inside a git work tree."""
    absolute = directory.absolute().resolve()
    for parent in (absolute, *absolute.parents):
        if (parent / ".git").exists():
            raise FormatError(
                f"private keys must not be inside a git work tree ({parent})",
                where=str(directory),
                remedy="Set PE_DVC_KEYS_DIR to a directory outside of every repository.",
            )


def load_key_file(path: Path) -> CryptoSigner:
    """Return the signer of a private key file.

    Raises NotFoundError, and FormatError for a file that others can read, that cannot be read
    or that is no PEM private key. No part of the file is ever in a message.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read_private(path)
    try:
        key = load_pem_private_key(data, None)
        return CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError(
            "not an unencrypted private key in PKCS8 PEM of a kind that TUF signs with",
            where=str(path),
            remedy="Restore the key from its backup, or move the file away.",
        ) from None


def _read_private(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise FormatError(
                f"this private key can be read by others (mode {stat.S_IMODE(mode):04o})",
                where=str(path),
                remedy=f"Run chmod 600 {path}; if others use this machine, rotate the key.",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            f"the private key {path} does not exist",
            remedy="Check PE_DVC_KEYS_DIR and the signers of [tool.pe_dvc], or restore the key.",
        ) from None
    except OSError as error:
        raise FormatError(
            f"this private key cannot be read: {error.strerror}",
            where=str(path),
            remedy="Make it a file that you own, with mode 600.",
        ) from None
