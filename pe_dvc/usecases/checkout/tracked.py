"""Is a dataset a file or directory that DVC tracks, so that it can be published and pulled?"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import DigestMismatchError, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.dvc_output import Output


def check_tracked(
    declaration: Declaration,
    output: Output | None,
    unfinished_stage: Callable[[str], str | None],
) -> Output:
    """Return the output that a dataset is or lies in, if a push can publish it.

    ``unfinished_stage`` names the stage that is to make a path, if dvc.lock has no record of it.
    Raises FormatError naming the declaration.
    """
    if output is None:
        raise _untracked(declaration, unfinished_stage)
    where, path = declaration.where("path"), declaration.path
    if output.legacy:
        raise FormatError(
            f"{output.path} was hashed by DVC 2, whose hashes are not those of the bytes",
            where=where,
            remedy="Run `dvc cache migrate --dvc-files`, then `dvc repro`.",
        )
    if output.md5 is None:
        raise FormatError(
            f"DVC has no md5 of {output.path}", where=where, remedy="Run `dvc commit`."
        )
    if not output.cached:
        raise FormatError(
            f"{path} is not cached by DVC (cache: false), so it could not be downloaded",
            where=where,
            remedy=f"Remove cache: false from the out {output.path} in dvc.yaml.",
        )
    return output


def check_file(declaration: Declaration, output: Output, md5: str | None) -> str:
    """Return ``md5``, DVC's of the dataset in ``output``, if there is one. Raises FormatError."""
    if md5 is None:
        raise FormatError(
            f"{declaration.path} is not among the files of {output.path}, and a dataset is a file "
            "or a directory that DVC tracks",
            where=declaration.where("path"),
            remedy=f"Name a file in {output.path}, or the whole; if it is new, run `dvc repro`.",
        )
    return md5


def check_size(output: Output, size: int, *, source: str) -> None:
    """Raise DigestMismatchError for a file, at ``source``, of another size than DVC recorded."""
    if output.size is not None and size != output.size:
        raise DigestMismatchError(
            what=f"{output.path}, changed since DVC hashed it,",
            expected=f"{output.size} bytes",
            actual=f"{size} bytes",
            source=source,
            remedy=f"Run `dvc repro` to build it again, or `dvc commit {output.path}` to keep it.",
        )


def _untracked(
    declaration: Declaration, unfinished_stage: Callable[[str], str | None]
) -> FormatError:
    path = declaration.path
    parents = (path, *(p.as_posix() for p in PurePosixPath(path).parents))
    stage = next(filter(None, map(unfinished_stage, parents)), None)
    if stage is not None:
        return FormatError(
            f"{path} has not been built: dvc.lock has no record of the stage {stage}",
            where=declaration.where("path"),
            remedy=f"Run `dvc repro {stage}`, and make {path} a dep of this stage.",
        )
    return FormatError(
        f"DVC does not track {path}",
        where=declaration.where("path"),
        remedy=f"Make {path} an out of a stage, run `dvc add {path}`, or correct the path.",
    )
