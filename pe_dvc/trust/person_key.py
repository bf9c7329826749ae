"""The key by which a person signs statements of their own: ed25519, made when it is first needed.

Nothing trusts it by itself. The gateway that takes a statement knows the person by their token,
and its ledger binds the key to them from then on (ADR 0041).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pe_dvc.documents.statement_bundle import SignedStatement
from pe_dvc.primitives.errors import SignatureError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.disk import writing_to
from pe_dvc.store.permissions import PRIVATE, check_private
from pe_dvc.trust.envelopes import envelope_of
from pe_dvc.trust.keys import load_key_file, refuse_git_work_tree
from pe_dvc.trust.tuf_api import (
    CryptoSigner,
    Signature,
    SSlibKey,
    UnverifiedSignatureError,
)

if TYPE_CHECKING:
    from pathlib import Path

FILE = "person.pem"


class PersonKey:
    """A person's own key. ``public`` is its public half, in hex."""

    def __init__(self, signer: CryptoSigner) -> None:
        self._signer = signer
        self.public: str = signer.public_key.keyval["public"]

    @classmethod
    def open(cls, keys_dir: Path) -> PersonKey:
        """Return the key in a directory of keys; a new one, where there is none.

        Raises FormatError for a file that others can read, or inside of a git work tree.
        """
        path = keys_dir / FILE
        if not path.exists():
            refuse_git_work_tree(keys_dir)
            keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_private(keys_dir)
            made = CryptoSigner.generate_ed25519().private_bytes
            with suppress(FileExistsError), writing_to(path):  # another process's, then
                ConfinedTree(keys_dir, modes=PRIVATE).write_once(FILE, made)
        return cls(load_key_file(path, follow=False))

    def sign(self, payload: bytes) -> SignedStatement:
        """Return a statement with its signature (DSSE)."""
        pae = envelope_of(SignedStatement(payload=payload)).pae()
        signature = self._signer.sign(pae)
        return SignedStatement(payload=payload, signatures={signature.keyid: signature.signature})


def check_signed_by(statement: SignedStatement, public: str, *, where: str) -> None:
    """Raise SignatureError unless the key ``public``, and no other, signed a statement."""
    signatures = list(statement.signatures.items())
    if len(signatures) != 1:
        raise SignatureError(f"{where}: it has {len(signatures)} signatures, not one")
    keyid, signature = signatures[0]
    key = SSlibKey(keyid, "ed25519", "ed25519", {"public": public})
    try:
        key.verify_signature(Signature(keyid, signature), envelope_of(statement).pae())
    except UnverifiedSignatureError as error:
        raise SignatureError(f"{where}: its signature is not one of the key in it") from error
