"""Files in which git left both sides of a merge conflict, until someone keeps one of them."""

from __future__ import annotations

import re

from pe_dvc.primitives.errors import FormatError

KEEP_ONE_SIDE = (
    "Keep one side of the file whole: git checkout --theirs FILE (or --ours) while the merge goes "
    "on, git checkout COMMIT FILE if it was committed like that. Then run dvc repro, and commit."
)
_BEGINS = re.compile(rb"^<{7} ", re.MULTILINE)
_ENDS = re.compile(rb"^>{7} ", re.MULTILINE)


def conflict_line(data: bytes) -> int | None:
    """Return the number of the line at which git marked a conflict, None where it marked none."""
    if b"<<<<<<< " not in data:
        return None  # which is known much sooner than where lines begin
    begin = _BEGINS.search(data)
    if begin is None or _ENDS.search(data, begin.end()) is None:
        return None
    return data.count(b"\n", 0, begin.start()) + 1


def conflict_error(
    data: bytes, *, where: str | None, remedy: str = KEEP_ONE_SIDE
) -> FormatError | None:
    """Return the error that names the conflict in a file, None where there is none."""
    line = conflict_line(data)
    if line is None:
        return None
    fault = f"has both sides of a merge conflict, from line {line} on"
    return FormatError(fault, where=where, remedy=remedy)
