"""Which root a machine signs under: the one that its key files were made for, and that is pinned.

Keys are filed by country. A clone of an attacker's may be of the same country and list the same
public keys under a root of its own: what these keys signed in there would be valid under the true
root, too. So the directory of key files names its root, and signs under no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, UntrustedError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.trust.tuf_api import Root
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.signed_metadata import SignedMetadata

_FILE = "root.json"


def bind_keys(directory: Path, root: bytes) -> None:
    """Write down that the key files in ``directory`` are of the country whose first root is given.

    Directories made by an older pe_dvc name no root; they are bound when they first sign.
    """
    if not bound_root(directory) and any(directory.glob("*.pem")):
        ConfinedTree(directory, modes=PRIVATE).write(_FILE, root, durable=True)


def bound_root(directory: Path) -> bytes | None:
    """Return the root that the key files in ``directory`` were made for, if it names one."""
    try:
        return ConfinedTree(directory).read(_FILE)
    except FileNotFoundError:
        return None


def refuse_bound_keys(directory: Path) -> None:
    """Raise ConflictError if the key files in ``directory`` are of a root that exists already."""
    if bound_root(directory):
        raise ConflictError(
            f"the keys in {directory} were made for another root, which {directory / _FILE} names",
            remedy="Set PE_DVC_KEYS_DIR to another directory, to keep them; or move them away.",
        )


def check_may_sign(metadata: SignedMetadata, directory: Path) -> None:
    """Refuse to sign in a clone of another root than that of the key files in ``directory``.

    Raises UntrustedError, and SignatureError for a root chain that does not verify.
    """
    bound, where = bound_root(directory), metadata.where("root")
    if bound and not metadata.comes_from(bound):
        raise UntrustedError(
            f"the keys in {directory} were made for another root of {metadata.country} than "
            f"{where}",
            remedy="Nothing was signed. If this is the right clone, set PE_DVC_KEYS_DIR to the "
            "directory of its own keys.",
        )


def check_may_sign_first(root: bytes, directory: Path) -> None:
    """Refuse to sign the draft of a first root with key files that were made for another one.

    Raises UntrustedError.
    """
    bound = bound_root(directory)
    if bound and parse(Root, bound, where=_FILE).signed != parse(Root, root, where="root").signed:
        raise UntrustedError(
            f"the keys in {directory} were made for another root than the draft of a first one in "
            "this clone",
            remedy="Nothing was signed. Set PE_DVC_KEYS_DIR to the directory of other keys.",
        )
