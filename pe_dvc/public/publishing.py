"""The command ``pe-dvc push``, as methods of ``pe_dvc.Repo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.public.arguments import names_of
from pe_dvc.public.reporting import reporter_for
from pe_dvc.public.revoking import Revoking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.push import Pushed
    from pe_dvc.project.stage import Staged


class Publishing(Revoking):
    """What a data repo publishes, or uploads for another machine to publish."""

    def push(
        self, *, store: str | None = None, uncommitted: bool = False, progress: bool = False
    ) -> Pushed:
        """Publish payloads, manifests and channels, in that order.

        Unless ``uncommitted``, refuses files that are not in HEAD. Raises VerificationError for a
        checkout that does not agree, ConflictError if another publisher was first, StoreError.
        """
        from pe_dvc.project.push import push

        reporter = reporter_for(progress)
        return push(self._open(), store=store, uncommitted=uncommitted, reporter=reporter)

    def stage(
        self, names: Sequence[str] = (), *, store: str | None = None, progress: bool = False
    ) -> Staged:
        """Upload payloads and manifests of what was built here, for another machine to sign.

        Without ``names``, of all datasets whose bytes are here. Needs no keys and no commit. Raises
        NotFoundError for none, VerificationError, RevokedError, ConflictError and StoreError.
        """
        from pe_dvc.project.stage import stage

        reporter = reporter_for(progress)
        return stage(self._open(), names_of(names), store=store, reporter=reporter)
