"""Drafts of a data repo that wait for signatures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.trust.files import DRAFTS
from pe_dvc.usecases.channel.role_status import sentences, waiting_drafts

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo


def requests(repo: DataRepo) -> dict[str, str]:
    """Return who must still sign the drafts of root and targets, by role and version.

    A draft that cannot be read stops no publication: its fault is returned.
    """
    try:
        drafts = waiting_drafts(repo.draft_files, now=datetime.now(UTC))
    except PeDvcError as error:
        folder = (repo.channels_dir / DRAFTS).relative_to(repo.root).as_posix()
        return {folder: f"{error.message}. {error.remedy or ''}".strip()}
    return dict(sentences(drafts))
