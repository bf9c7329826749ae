"""Private keys in files: ed25519, PKCS8 PEM, the owner's alone, never inside a git work tree.

Who can put a file into the directory of keys could have their own key listed in a new root. So
nothing in there is taken that a link leads to, or that another user owns.
"""

from __future__ import annotations

import os
import stat
from io import FileIO
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, StoreUnavailableError
from pe_dvc.primitives.names import check_country
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.hard_links import NoHardLinksError
from pe_dvc.store.permissions import PRIVATE, check_private
from pe_dvc.store.plain_files import open_plain
from pe_dvc.trust.roles import check_role
from pe_dvc.trust.tuf_api import CryptoSigner, Key, SSlibKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NO_LINKS = (
    "Put the file or directory itself there: keys lie in PE_DVC_KEYS_DIR and nowhere else, "
    "outside of every repository."
)

_PUBLIC = b"-----BEGIN PUBLIC KEY-----"


def generate_keys(keys_dir: Path, country: str, counts: Mapping[str, int]) -> dict[str, list[Key]]:
    """Make ``counts[role]`` keys for each role, and return their public halves.

    They lie in ``{keys_dir}/{country}/{role}.pem``, further ones in ``{role}-2.pem`` and so on;
    one that exists already is kept. Raises FormatError if ``keys_dir`` is inside a git work
    tree, where a private key would be a ``git add`` away from the public.
    """
    refuse_git_work_tree(keys_dir)
    files = key_files(keys_dir, country)
    return {
        check_role(role): [_key(files, role, number) for number in range(1, count + 1)]
        for role, count in counts.items()
    }


def key_files(keys_dir: Path, country: str) -> ConfinedTree:
    """Return the directory of a country's key files, once it was seen that it is ours alone.

    Raises FormatError for one of another user's, that all users may write to, or that is a link.
    """
    directory = keys_dir / check_country(country)
    for place in (keys_dir, directory):
        check_private(place)
    ConfinedTree(keys_dir, remedy=_NO_LINKS).check([country])
    return ConfinedTree(directory, modes=PRIVATE, remedy=_NO_LINKS)


def _key(files: ConfinedTree, role: str, number: int) -> Key:
    name = _name(role, number)
    try:
        found = files.status(name)
        if found.st_size == 0 and stat.S_ISREG(found.st_mode):
            files.unlink(name)  # a run that was killed left it: it holds no key
            raise FileNotFoundError
    except FileNotFoundError:
        signer = CryptoSigner.generate_ed25519()
        try:
            with writing_to(files.root / name):
                files.write_once(name, signer.private_bytes)
        except NoHardLinksError as error:
            raise StoreUnavailableError(
                f"the file system of {files.root} has no hard links",
                operation="write",
                key=str(files.root / name),
                remedy="Set PE_DVC_KEYS_DIR to a directory on a local disk.",
            ) from error
        return signer.public_key
    return load_key_file(files.root / name, follow=False).public_key


def new_key_file(keys_dir: Path, country: str, role: str) -> tuple[Path, Key]:
    """Make one more key for a role; return its file, beside the others, and its public half."""
    refuse_git_work_tree(keys_dir)
    files, number = key_files(keys_dir, country), 1
    while os.path.lexists(files.root / _name(check_role(role), number)):
        number += 1
    return files.root / _name(role, number), _key(files, role, number)


def _name(role: str, number: int) -> str:
    return f"{role}.pem" if number == 1 else f"{role}-{number}.pem"


def refuse_git_work_tree(
    directory: Path,
    remedy: str = "Set PE_DVC_KEYS_DIR to a directory outside of every repository.",
) -> None:
    """Raise FormatError if ``directory`` is, or would be, inside a git work tree."""
    absolute = directory.absolute().resolve()
    for parent in (absolute, *absolute.parents):
        if (parent / ".git").exists():
            raise FormatError(
                f"private keys must not be inside a git work tree ({parent})",
                where=str(directory),
                remedy=remedy,
            )


def load_key_file(path: Path, *, follow: bool = True) -> CryptoSigner:
    """Return the signer of a private key file; with ``follow`` a link to one will do.

    Raises NotFoundError, and FormatError for a file that others can read, that another user owns,
    that cannot be read or that is no PEM private key. No part of the file is ever in a message.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read_private(path, follow=follow)
    try:
        key = load_pem_private_key(data, None)
        return CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError(
            "not an unencrypted private key in PKCS8 PEM of a kind that TUF signs with",
            where=str(path),
            remedy="Restore the key from its backup, or move the file away.",
        ) from None


def holds_public_key(path: Path) -> bool:
    """Return whether a file is a PEM public key, which may lie beside its private half.

    False for what cannot be read, too: ``load_key_file`` says why.
    """
    try:
        with FileIO(open_plain(path, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            return file.read(len(_PUBLIC)) == _PUBLIC
    except (OSError, FormatError):
        return False


def _read_private(path: Path, *, follow: bool) -> bytes:
    try:
        if not follow and path.is_symlink():
            raise FormatError("is a symbolic link", where=str(path), remedy=_NO_LINKS)
        descriptor = open_plain(path, os.O_RDONLY | (0 if follow else os.O_NOFOLLOW))
        with FileIO(descriptor) as file:
            _check_owner(os.fstat(descriptor), path)
            return file.read()
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


def _check_owner(found: os.stat_result, path: Path) -> None:
    if found.st_uid not in (os.geteuid(), 0):
        raise FormatError(
            f"this private key belongs to another user (uid {found.st_uid}), who has it, too",
            where=str(path),
            remedy="Move it away, and make a key of your own. If it is yours, chown it.",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise FormatError(
            f"this private key can be read by others (mode {mode:04o})",
            where=str(path),
            remedy=f"Run chmod 600 {path}; if others use this machine, rotate the key.",
        )
