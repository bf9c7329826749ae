"""The commands ``pe-dvc revoke`` and ``unrevoke``, as methods of ``pe_dvc.Repo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.public.arguments import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.revoke import Revoked
    from pe_dvc.usecases.revoke.change import RoleChange
    from pe_dvc.usecases.revoke.removal import Removal


class Revoking:
    """Withdrawals of a data repo at ``path``."""

    path: Path

    def revoke(
        self,
        references: Sequence[str] = (),
        *,
        reason: str,
        authority: str,
        contact: str | None = None,
        replacement: str | None = None,
        raw_inputs: Sequence[str] = (),
        dry_run: bool = False,
        store: str | None = None,
    ) -> Revoked:
        """Write withdrawals into the role ``revoked`` in git, signed by the keys that are here.

        ``raw_inputs`` are sha256: all that derives from them is withdrawn. ``reason``,
        ``authority``, ``contact`` and ``replacement``, a pinned reference, are told to readers.
        With ``dry_run`` nothing is changed. Raises FormatError, NotFoundError, ConflictError for a
        draft that others wrote, SignatureError, VerificationError, StoreError.
        """
        from pe_dvc.project.revoke import Statement, revoke

        said = Statement(
            reason=reason, authority=authority, contact=contact, replacement=replacement
        )
        return revoke(
            self._open(),
            names_of(references),
            said,
            raw_inputs=names_of(raw_inputs),
            dry_run=dry_run,
            store=store,
        )

    def unrevoke(
        self, references: Sequence[str] = (), *, raw_inputs: Sequence[str] = ()
    ) -> RoleChange:
        """Take withdrawals, by pinned references, out of the role ``revoked`` in git.

        Raises NotFoundError for what is not withdrawn, and as ``revoke``.
        """
        from pe_dvc.project.revoke import unrevoke

        return unrevoke(self._open(), names_of(references), raw_inputs=names_of(raw_inputs))

    def remove_revoked(self, *, store: str | None = None) -> Removal:
        """Remove from the bucket what its published role ``revoked`` withdraws: all versions.

        What could not be removed is in the result's ``left``. Raises VerificationError, StoreError.
        """
        from pe_dvc.project.revoke import remove_revoked

        return remove_revoked(self._open(), store=store)

    def _open(self) -> DataRepo:
        from pe_dvc.project.repo import DataRepo

        return DataRepo.find(self.path)
