"""How public calls tell how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.usecases.progress import Reporter


def reporter_for(progress: bool) -> Reporter:
    """Return progress bars on stderr, or without ``progress`` notes in the log ``pe_dvc``."""
    if progress:
        from pe_dvc.project.progress_bar import Bars

        return Bars()
    from pe_dvc.usecases.progress import Notes

    return Notes()
