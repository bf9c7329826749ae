"""What to do about a merge conflict: signed files are not merged by hand."""

from __future__ import annotations

from pathlib import PurePosixPath

from pe_dvc.primitives.merge_conflict import KEEP_ONE_SIDE
from pe_dvc.trust.roles import DELEGATED


def conflict_advice(path: str) -> str:
    """Return how the conflict in a file is resolved, which for a role's is by its name."""
    place = PurePosixPath(path)
    if place.suffix != ".json" or place.stem not in DELEGATED:
        return KEEP_ONE_SIDE
    return (
        "Its signatures are of the whole file. Keep that of the others, git checkout --theirs "
        "FILE (--ours in a rebase), or take over what was published: pe-dvc channel adopt "
        f"{place.stem}. Then make your own change again, and commit."
    )
