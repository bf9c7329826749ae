"""The private key of a witness: ed25519, in a file that is its owner's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.trust.keys import refuse_git_work_tree

if TYPE_CHECKING:
    from pathlib import Path


def open_key(path: Path, *, create: bool = False) -> LedgerSigner:
    """Return the signer of a key file; with ``create`` a new one where there is none.

    Raises NotFoundError, and FormatError for a file that others can read, that is no key of
    ed25519, or that would lie in a git work tree.
    """
    if create and not path.exists():
        refuse_git_work_tree(path.parent, "Name a file elsewhere, in witness.toml or by --key.")
    elif not path.exists():
        raise NotFoundError(
            f"the private key {path} does not exist",
            remedy="Make it by pe-dvc witness key, or name its file with --key.",
        )
    return LedgerSigner.open(path, create=create)
