"""``pe_dvc.Repo.channel.keys``: the commands ``pe-dvc channel keys``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.channel_keys import PublicKey
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.key_edits import KeyChange


class KeyCommands:
    """Changes whose keys count. Needs a key of root or targets on this machine.

    Where others must sign, too, the change is a draft until they did (``channel.sign``).
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def show(self, role: str) -> tuple[PublicKey, ...]:
        """Return the public keys that may sign for a role, in PEM, for tools of others.

        Raises FormatError, NotFoundError and SignatureError.
        """
        from pe_dvc.project.channel_keys import show_keys

        return show_keys(self._open(), role)

    def add(
        self,
        role: str,
        *,
        signer: str | None = None,
        public_key: Path | None = None,
        threshold: int | None = None,
        name: str | None = None,
    ) -> KeyChange:
        """Let another key sign for a role: the one behind ``signer``, in ``public_key``, or new.

        ``name`` says whose it is. Raises FormatError, ConflictError, SignatureError.
        """
        from pe_dvc.project.channel_keys import add_key

        return add_key(
            self._open(),
            role,
            signer=signer,
            public_key=public_key,
            threshold=threshold,
            name=name,
        )

    def remove(self, role: str, keyid: str, *, threshold: int | None = None) -> KeyChange:
        """Let a key, known by the beginning of its id, sign for a role no more.

        Raises NotFoundError, FormatError, SignatureError.
        """
        from pe_dvc.project.channel_keys import remove_key

        return remove_key(self._open(), role, keyid, threshold=threshold)

    def rotate(
        self,
        role: str,
        keyid: str | None = None,
        *,
        signer: str | None = None,
        public_key: Path | None = None,
        stolen: bool = False,
    ) -> KeyChange:
        """Replace a role's key; if ``stolen``, nothing that the old key signed counts any longer.

        Raises NotFoundError, FormatError, SignatureError.
        """
        from pe_dvc.project.channel_keys import rotate_key

        return rotate_key(
            self._open(), role, keyid, signer=signer, public_key=public_key, stolen=stolen
        )

    def _open(self) -> DataRepo:
        from pe_dvc.project.repo import DataRepo

        return DataRepo.find(self._path)
