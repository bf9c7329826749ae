"""What the datasets are called that are made of files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import ConflictError, FormatError
from pe_dvc.primitives.names import check_distinct, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pe_dvc.documents.dvc_artifact import DeclaredArtifact

STEM = "{stem}"
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def names_of_files(paths: Sequence[str], template: str | None) -> list[str]:
    """Return a name for each file: by ``template``, where ``{stem}`` stands for the file's own.

    Without one it is the path below ``data``, without its suffix. Raises FormatError.
    """
    if template is None:
        return [check_name(_likely_name(path), where=path) for path in paths]
    if len(paths) > 1 and STEM not in template:
        raise FormatError(
            f"{template!r} is one name, and there are {len(paths)} files",
            where="--name",
            remedy=f"Put {STEM} in it, for the name of each file: --name 'states/{STEM}'.",
        )
    return [check_name(template.replace(STEM, _stem(path)), where="--name") for path in paths]


def check_names(
    artifacts: Iterable[DeclaredArtifact], wanted: Mapping[str, str], count: int
) -> None:
    """Check the names of ``count`` files, by name their paths, against what dvc.yaml declares.

    Raises ConflictError for a name or a path that is another dataset's, FormatError for two files
    of one name.
    """
    if len(wanted) < count:
        raise FormatError(
            "two of the files would have the same name",
            where="--name",
            remedy="Add them one by one, each with its --name.",
        )
    there = {artifact.name: artifact for artifact in artifacts}
    names = {a.path: a.name for a in there.values() if a.declares}
    check_distinct([*there, *(name for name in wanted if name not in there)])
    for name, path in wanted.items():
        if name in there and there[name].path != path:
            raise ConflictError(
                f"the name {name} is taken: {there[name].file} has it for {there[name].path}",
                remedy="Give another one with --name.",
            )
        if names.get(path, name) != name:
            raise ConflictError(
                f"{path} is the dataset {names[path]} already",
                remedy=f"Edit artifacts.{names[path]} in {there[names[path]].file} to change it.",
            )


def _likely_name(path: str) -> str:
    folder, _, _ = path.removeprefix("data/").rpartition("/")
    below = folder if path.startswith("data/") and folder else ""
    parts = [re.sub(r"[^A-Za-z0-9_-]+", "_", part) for part in [*below.split("/"), _stem(path)]]
    return "/".join(part.strip("_-") for part in parts if part)


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return name.rpartition(".")[0] or name
