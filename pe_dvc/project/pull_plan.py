"""What a pull is to bring: every tracked file of the checkout, and what vouches for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.project.repo_files import read_payloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pe_dvc.documents.dvc_listing import ListedFile
    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.payload import Payload
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo

    Listing = list[ListedFile]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A file of the workspace: which object it is, and who vouches for that object.

    ``sha256`` is the manifest's, None for what has no manifest; ``size`` is in bytes, None where
    nobody recorded it; ``remote`` is the DVC remote that has it, None for the store's own.
    """

    path: str
    md5: str
    sha256: Sha256 | None
    size: int | None
    remote: str | None
    executable: bool = False


@dataclass(frozen=True)
class Selection:
    """An output to pull: whole, or only the files ``inside`` a tracked directory."""

    output: Output
    inside: frozenset[str] = frozenset()


@dataclass
class Plan:
    """The files to pull, and outputs that are left to DVC, each with the reason."""

    targets: list[Target] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Tracked directories that are pulled whole: nothing else belongs into them."""
    left: dict[str, str] = field(default_factory=dict)


def select(repo: DataRepo, names: Sequence[str]) -> list[Selection]:
    """Return the outputs to pull: those that hold the datasets ``names``, or all that DVC caches.

    Raises NotFoundError for a name that dvc.yaml does not declare, or that was never built.
    """
    if not names:
        return [Selection(output) for output in repo.dvc.outputs.values() if output.cached]
    declared = {a.name: a.path for a in repo.dvc.artifacts if a.declares}
    lineage, wanted = Lineage(repo.dvc), dict[str, set[str]]()
    for name in names:
        if name not in declared:
            raise _not_declared(repo, name)
        path = declared[name]
        output = lineage.output_of(path)
        if output is None or output.md5 is None:
            raise NotFoundError(
                f"{name}: DVC has no record of {path} at this commit",
                remedy="Run dvc repro, or check out a commit that has it.",
            )
        wanted.setdefault(output.path, set()).update({path} - {output.path})
    return [Selection(repo.dvc.outputs[path], frozenset(inside)) for path, inside in wanted.items()]


def _not_declared(repo: DataRepo, name: str) -> NotFoundError:
    from pe_dvc.documents.declaration import read_declarations

    # A declaration that slipped elsewhere is said here: it is likely the one that was meant.
    declared = [d.name for d in read_declarations(repo.dvc.artifacts, country=repo.country)]
    return NotFoundError(
        f"dvc.yaml declares no dataset {name!r}",
        remedy=f"It declares {', '.join(declared) or 'none'}.",
    )


def make_plan(
    repo: DataRepo, selections: Sequence[Selection], read_listing: Callable[[Output], Listing]
) -> Plan:
    """Return the plan for ``selections``; ``read_listing`` gives a tracked directory's files.

    Raises VerificationError where a manifest and dvc.lock name other bytes for one path.
    """
    payloads = {p.path: p for p in read_payloads(repo.root / repo.settings.manifests)}
    plan = Plan()
    for selection in selections:
        output = selection.output
        reason = _not_ours(output)
        if reason:
            plan.left[output.path] = reason
            continue
        for path, md5 in _files(selection, read_listing):
            plan.targets.append(_target(repo, output, path, md5, payloads.get(path)))
        if output.is_directory and not selection.inside:
            plan.folders.append(output.path)
    return plan


def _not_ours(output: Output) -> str | None:
    if output.md5 is None:
        return "DVC recorded no hash of it: it was never built"
    if output.legacy:
        return "it has a hash of DVC 2: run dvc pull"
    if not output.push:
        return "it is imported or not pushed: run dvc update or dvc repro"
    return None


def _files(
    selection: Selection, read_listing: Callable[[Output], Listing]
) -> Iterator[tuple[str, str]]:
    output = selection.output
    if not output.is_directory:
        yield output.path, str(output.md5)
        return
    listed = {f"{output.path}/{inside}": md5 for inside, md5 in read_listing(output)}
    missing = selection.inside - listed.keys()
    if missing:
        raise NotFoundError(
            f"the tracked directory {output.path} has no file {min(missing)} at this commit",
            remedy="Run dvc repro, or check out a commit that has it.",
        )
    for path, md5 in listed.items():
        if not selection.inside or path in selection.inside:
            yield path, md5


def _target(repo: DataRepo, output: Output, path: str, md5: str, payload: Payload | None) -> Target:
    if payload is not None and payload.md5 != md5:
        raise VerificationError(
            f"{path}: dvc.lock has md5 {md5} and the manifest {payload.md5}",
            remedy="Nothing was pulled. This commit is inconsistent: tell its author, or run "
            "dvc repro; plain dvc pull brings what dvc.lock says.",
        )
    size = output.size if not output.is_directory else None
    ours = output.remote in (None, repo.remote_name)
    return Target(
        path=path,
        md5=md5,
        sha256=payload.sha256 if payload else None,
        size=payload.size if payload else size,
        remote=None if ours else output.remote,
        executable=output.executable,
    )
