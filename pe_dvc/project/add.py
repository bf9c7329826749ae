"""``pe-dvc add``: files become datasets, tracked by DVC and declared in dvc.yaml."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.dvc.yaml_edit import add_entries, add_items, flow
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError
from pe_dvc.primitives.names import check_in_work_tree, say_which_there_are
from pe_dvc.primitives.result import Result
from pe_dvc.project.add_declarations import declaration_blocks, guessed_meaning
from pe_dvc.project.add_directories import (
    check_cached,
    check_directory,
    files_of_directories,
)
from pe_dvc.project.add_names import check_names, names_of_files
from pe_dvc.project.dvc_cache import check_may_add
from pe_dvc.project.file_changes import FileChanges
from pe_dvc.project.init_plan import ignore_files
from pe_dvc.project.manifest_stage import COMMAND, check_deps
from pe_dvc.project.repo import DataRepo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.usecases.checkout.guess import Meaning


@dataclass(frozen=True, kw_only=True)
class Added(Result):
    """A dataset that was declared. ``path`` is relative to the repo.

    ``tracked`` is how DVC tracks the file: by ``dvc add``, run now, or as ``before``.
    ``declared`` is its ``meta.pe``, ``guessed`` what of that was not given. ``changed`` is False
    where it was declared before.
    """

    name: str
    path: str
    tracked: Literal["dvc add", "before"]
    declared: dict[str, Any]
    guessed: tuple[str, ...]
    changed: bool


def add_files(
    repo: DataRepo,
    files: Sequence[Path],
    *,
    name: str | None = None,
    desc: str | None = None,
    each: bool = False,
    given: Meaning,
) -> list[Added]:
    """Track files and directories by DVC, unless it does, and declare each as a dataset.

    ``name`` may hold ``{stem}``; ``given`` is what is known of all of them, and the rest is guessed
    from their columns. With ``each``, directories are tracked as a whole, and their files are the
    datasets. Raises NotFoundError, FormatError and ConflictError; then nothing was
    changed.
    """
    from pe_dvc.adapters.dvc.command import run_dvc
    from pe_dvc.adapters.git.repo import GitRepo

    git = GitRepo(repo.root)
    whole = files_of_directories(repo.root, [_path_in(repo.root, f) for f in files], each=each)
    paths = list(whole)
    named = dict(zip(names_of_files(paths, name), paths, strict=True))
    check_names(repo.dvc.artifacts, named, len(set(paths)))
    outputs = {path: _locate(repo, git, path) for path in paths}
    before = {a.name: a.meta["pe"] for a in repo.dvc.artifacts if a.declares and a.name in named}
    found = {n: (p, _meaning(repo, n, p, given, before.get(n))) for n, p in named.items()}
    new = {name: dataset for name, dataset in found.items() if name not in before}
    changes = FileChanges(repo.root)
    _plan_declarations(changes, new, desc, str(repo.root / PIPELINE))
    _plan_deps(changes, repo, outputs, whole)
    made = [path for path, output in outputs.items() if output is not None and output.stage]
    with git.ignore_rules() as ignored:
        ignore_files(changes, [path for path in made if not ignored(path)])
    untracked = [path for path, output in outputs.items() if output is None]
    if untracked:
        tracked = list(dict.fromkeys(whole[path] for path in untracked))
        check_may_add(repo, tracked)
        run_dvc(repo.root, "add", *tracked)
    with changes.written():
        _check(DataRepo(repo.root))
    return [
        Added(
            name=n,
            path=path,
            tracked="dvc add" if path in untracked else "before",
            declared=pe,
            guessed=_guessed(pe, given) if n in new else (),
            changed=n in new,
        )
        for n, (path, pe) in found.items()
    ]


def _path_in(root: Path, file: Path) -> str:
    """Return a file's path in the repo. Raises FormatError for one outside."""
    place = file.parent.resolve() / file.name
    path = os.path.relpath(place, root.resolve())
    if path.startswith(".."):
        raise FormatError(
            f"{file} is not in the repo {root}",
            remedy=f"Copy it into the repo, such as to {root / 'data' / file.name}, and add that.",
        )
    return check_in_work_tree(path, where=str(file))


def _locate(repo: DataRepo, git: GitRepo, path: str) -> Output | None:
    """Return what DVC tracks a file as, None if it does not. Raises where it cannot be added."""
    output, place = Lineage(repo.dvc).output_of(path), repo.root / path
    check_cached(path, output)
    if place.is_dir():
        check_directory(path, place, output, repo.dvc.outputs)
    if not place.exists():
        parents = (path, *(parent.as_posix() for parent in Path(path).parents))
        stage = next(filter(None, map(repo.dvc.unfinished_stage, parents)), None)
        command = f"dvc repro {stage}" if stage else "dvc pull" if output else None
        raise NotFoundError(
            f"{path} is not there",
            remedy=f"Run `{command}` first: its columns are read." if command else _beside(place),
        )
    if git.tracks(path):
        raise ConflictError(
            f"{path} is in git, and DVC takes no file that git has",
            remedy=f"Take it out of git, and add it again:\n"
            f"    git rm --cached {shlex.quote(path)}\n    pe-dvc add {shlex.quote(path)}",
        )
    if output is None and place.is_symlink():
        raise FormatError(f"{path} is a link", remedy="Put the file itself there.")
    return output


def _beside(place: Path) -> str | None:
    """Return what else there is in the folder of a file that is not there, by its name."""
    if not place.parent.is_dir():
        return f"There is no folder {place.parent} either."
    there = sorted(each.name for each in place.parent.iterdir() if each.suffix == place.suffix)
    return say_which_there_are(place.name, there) if there else None


def _meaning(
    repo: DataRepo, name: str, path: str, given: Meaning, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a dataset's ``meta.pe``: as it is declared, else completed from the file."""
    if before is None:
        return guessed_meaning(repo, name, path, given)
    otherwise = [key for key, value in given.declared().items() if before.get(key) != value]
    if otherwise:
        raise ConflictError(
            f"{name} is declared already, with another {' and '.join(otherwise)}",
            remedy=f"Edit artifacts.{name} in {PIPELINE}, then run dvc repro --force --single-item "
            "manifests channel.",
        )
    return dict(before)


def _plan_declarations(
    changes: FileChanges,
    datasets: Mapping[str, tuple[str, dict[str, Any]]],
    desc: str | None,
    where: str,
) -> None:
    if datasets:
        blocks = declaration_blocks(datasets, desc=desc)
        text = add_entries(changes.text(PIPELINE), "artifacts", blocks, name=where)
        changes.put(PIPELINE, text)


def _plan_deps(
    changes: FileChanges,
    repo: DataRepo,
    outputs: Mapping[str, Output | None],
    whole: Mapping[str, str],
) -> None:
    """Let the stage that writes manifests depend on the files, or on the directory of ``whole``."""
    stages, where = repo.dvc.stages_calling(COMMAND), str(repo.root / PIPELINE)
    if not stages:
        raise ConflictError(
            f"no stage of {where} runs {COMMAND}", remedy="Add it: run pe-dvc init."
        )
    lacking = {
        output.path if output is not None else whole[path]: None
        for path, output in outputs.items()
        if not any(stage.depends_on(path) for stage in stages)
    }
    if lacking:
        place = ("stages", stages[0].address, "deps")
        changes.put(PIPELINE, add_items(changes.text(PIPELINE), place, [*lacking], name=where))


def _check(repo: DataRepo) -> None:
    """Read everything back as ``dvc repro`` will. Raises FormatError."""
    check_deps(repo.dvc, read_declarations(repo.dvc.artifacts, country=repo.country))


def _guessed(declared: Mapping[str, Any], given: Meaning) -> tuple[str, ...]:
    said = given.declared()
    lines = []
    for key, value in declared.items():
        if key == "entities":
            known = said.get(key, {})
            lines += [f"{e}: {flow(v)}" for e, v in value.items() if known.get(e) != v]
        elif said.get(key) != value:
            lines.append(f"{key}: {flow(value)}")
    return tuple(lines)
