"""``pe-dvc channel adopt``: taking over into git what was published of a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.usecases.publish.adopt import adopt_channel

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo


def adopt(repo: DataRepo, role: str, *, store: str | None = None) -> int | None:
    """Take over what was published of a role; return its version, None if it is here already.

    Raises as ``pe_dvc.usecases.publish.adopt.adopt_channel``.
    """
    return adopt_channel(repo.open_store(store), repo.channels_root, repo.country, role)
