"""The key by which a gateway signs checkpoints of its ledger: ed25519, in a file."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.tlog.note import VerifierKey

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.tuf_api import CryptoSigner


class LedgerSigner:
    """Signs checkpoints with a private key. ``public`` is its other half, 32 bytes."""

    def __init__(self, signer: CryptoSigner) -> None:
        self._signer = signer
        if signer.public_key.scheme != "ed25519":
            raise FormatError(
                f"the key of a ledger is of ed25519, not of {signer.public_key.scheme}"
            )
        self.public = bytes.fromhex(signer.public_key.keyval["public"])

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> LedgerSigner:
        """Return the signer of a key file; with ``create`` a new one, where there is none.

        Raises NotFoundError, and FormatError for a file that others can read, that is no key, or
        that would lie in a git work tree.
        """
        from pe_dvc.store.disk import writing_to
        from pe_dvc.trust.keys import load_key_file, refuse_git_work_tree
        from pe_dvc.trust.tuf_api import CryptoSigner

        if create and not path.exists():
            refuse_git_work_tree(path.parent)
            made = CryptoSigner.generate_ed25519()
            with suppress(FileExistsError), writing_to(path):  # another gateway's, then
                _write_once(path, made.private_bytes)
        return cls(load_key_file(path))

    def key(self, origin: str) -> VerifierKey:
        """Return the public key, under the name of the log ``origin``."""
        return VerifierKey(origin, self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""
        return bytes.fromhex(self._signer.sign(message).signature)


def _write_once(path: Path, data: bytes) -> None:
    from pe_dvc.store.confined import ConfinedTree
    from pe_dvc.store.permissions import PRIVATE

    path.parent.mkdir(parents=True, exist_ok=True)
    ConfinedTree(path.parent, modes=PRIVATE).write_once(path.name, data)
