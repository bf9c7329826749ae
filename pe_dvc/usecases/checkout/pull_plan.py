"""Which files a pull checks out, by which object each is, and what each is verified by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.names import check_in_work_tree
from pe_dvc.usecases.checkout.verify import check_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pe_dvc.documents.dvc_artifact import DeclaredArtifact
    from pe_dvc.documents.dvc_listing import ListedFile
    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.members import MemberFile, Members
    from pe_dvc.documents.payload import Payload
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256

    Listing = list[ListedFile]


@dataclass(frozen=True, kw_only=True)
class TrackedData:
    """What a commit of a data repo tracks; paths are relative to the repo.

    ``output_of`` gives the output that a path is or lies in. ``payloads`` are those of the
    manifests, by path. ``remote`` is the name of the DVC remote that lies in the store.
    ``members_of`` gives the files of a directory that has a manifest, ``withdrawn`` what the
    stewards have revoked, by sha256.
    """

    country: str
    outputs: Mapping[str, Output]
    artifacts: Sequence[DeclaredArtifact]
    output_of: Callable[[str], Output | None]
    payloads: Mapping[str, Payload]
    remote: str | None
    members_of: Callable[[Payload], Members]
    withdrawn: Mapping[Sha256, Revocation] = field(default_factory=dict)

    def revocation(self, path: str) -> Revocation | None:
        """Return the withdrawal of the dataset at a path, None if it was not withdrawn."""
        payload = self.payloads.get(path)
        return None if payload is None else self.withdrawn.get(payload.sha256)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A file of the workspace, and the object that it should be.

    ``sha256`` is the manifest's, None for what has no manifest; ``size`` is in bytes, None where
    DVC recorded none; ``remote`` is the DVC remote that has it, None for the store's own;
    ``location`` is where its manifest says that it lies as well.
    """

    path: str
    md5: str
    sha256: Sha256 | None
    size: int | None
    remote: str | None
    executable: bool = False
    location: str | None = None


@dataclass(frozen=True)
class Selection:
    """An output to pull: whole, or only the files ``inside`` a tracked directory."""

    output: Output
    inside: frozenset[str] = frozenset()


@dataclass
class PullPlan:
    """The files to pull, and outputs that are left to DVC, each with the reason."""

    targets: list[Target] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    """Tracked directories that are pulled whole: nothing else belongs into them."""
    left: dict[str, str] = field(default_factory=dict)
    revoked: dict[str, Revocation] = field(default_factory=dict)
    """Withdrawn files and directories, which are neither brought nor touched."""

    @property
    def all_folders(self) -> set[str]:
        """Every folder in which files are written or removed."""
        return {*self.folders, *(target.path.rpartition("/")[0] for target in self.targets)}


def select(data: TrackedData, names: Sequence[str]) -> list[Selection]:
    """Return the outputs to pull: those that hold the datasets ``names``, or all that DVC caches.

    Raises NotFoundError for a name that dvc.yaml does not declare, or that was never built, and
    FormatError for an output that would be written outside the work tree.
    """
    selections = _select(data, names)
    for selection in selections:
        _check_place(data, selection.output)
    return selections


def _select(data: TrackedData, names: Sequence[str]) -> list[Selection]:
    if not names:
        return [Selection(output) for output in data.outputs.values() if output.cached]
    declared = {a.name: a.path for a in data.artifacts if a.declares}
    wanted: dict[str, set[str]] = {}
    for name in names:
        if name not in declared:
            _refuse_undeclared(data, name)
        path = declared[name]
        output = data.output_of(path)
        if output is None or output.md5 is None:
            raise NotFoundError(
                f"{name}: DVC has no record of {path} at this commit",
                remedy="Run dvc repro, or check out a commit that has it.",
            )
        wanted.setdefault(output.path, set()).update({path} - {output.path})
    return [Selection(data.outputs[path], frozenset(inside)) for path, inside in wanted.items()]


def _check_place(data: TrackedData, output: Output) -> None:
    if _left_to_dvc(data, output) is None:
        check_in_work_tree(output.path, where=output.dvcfile or f"dvc.lock: stage {output.stage}")


def _refuse_undeclared(data: TrackedData, name: str) -> None:
    from pe_dvc.documents.declaration import read_declarations

    # Raises for a misplaced declaration, which is likely the one that was meant.
    declared = [d.name for d in read_declarations(data.artifacts, country=data.country)]
    check_declared(name, declared)


def make_plan(
    data: TrackedData, selections: Sequence[Selection], read_listing: Callable[[Output], Listing]
) -> PullPlan:
    """Return the plan for ``selections``; ``read_listing`` gives a tracked directory's files.

    Raises VerificationError where a manifest and dvc.lock name other bytes for one path, and
    FormatError where a path is a file and a folder.
    """
    plan = PullPlan()
    for selection in selections:
        output = selection.output
        if found := data.revocation(output.path):
            plan.revoked[output.path] = found
            continue
        reason = _left_to_dvc(data, output)
        if reason:
            plan.left[output.path] = reason
            continue
        files = _files(selection, read_listing)
        for path, md5, member in _with_members(data, output, files):
            if found := data.revocation(path):
                plan.revoked[path] = found
                continue
            check_in_work_tree(path, where=f"the listing {output.md5}")
            plan.targets.append(_target(data, output, path, md5, member))
        if output.is_directory and not selection.inside:
            plan.folders.append(output.path)
    _check_disjoint(plan)
    return plan


def _check_disjoint(plan: PullPlan) -> None:
    """Raise FormatError where one path would be a file and a folder, before one of them is made."""
    folders = {parent for target in plan.targets for parent in _above(target.path)}
    both = sorted(target.path for target in plan.targets if target.path in folders)
    if both:
        raise FormatError(
            "is tracked as a file, and as a directory with files in it",
            where=both[0],
            remedy="Nothing was pulled. Tell the author of this commit.",
        )


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _left_to_dvc(data: TrackedData, output: Output) -> str | None:
    if output.md5 is None:
        return "DVC recorded no hash of it: it was never built"
    if output.legacy:
        return "it has a hash of DVC 2: run dvc pull"
    payload = data.payloads.get(output.path)
    if not output.push and (payload is None or payload.location is None):
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


def _with_members(
    data: TrackedData, output: Output, files: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str, MemberFile | None]]:
    """Yield files with what the manifest of the directory that they are in says of each."""
    whole = data.payloads.get(output.path)
    if whole is None or not whole.is_directory:
        yield from ((path, md5, None) for path, md5 in files)
        return
    if whole.md5 != output.md5:
        raise _inconsistent(output.path, str(output.md5), whole.md5)
    members = {f"{output.path}/{member.path}": member for member in data.members_of(whole)}
    for path, md5 in files:
        if path not in members:
            raise _inconsistent(path, md5, "none")
        yield path, md5, members[path]


def _target(
    data: TrackedData, output: Output, path: str, md5: str, member: MemberFile | None
) -> Target:
    payload = data.payloads.get(path)
    for known in (payload, member):
        if known is not None and known.md5 != md5:
            raise _inconsistent(path, md5, known.md5)
    described = payload or member
    size = output.size if not output.is_directory else None
    ours = output.remote in (None, data.remote)
    return Target(
        path=path,
        md5=md5,
        sha256=described.sha256 if described else None,
        size=described.size if described else size,
        remote=None if ours else output.remote,
        executable=output.executable,
        location=payload.location if payload and ours else None,
    )


def _inconsistent(path: str, locked: str, described: str) -> VerificationError:
    return VerificationError(
        f"{path}: dvc.lock has md5 {locked} and the manifest {described}",
        remedy="Nothing was pulled. This commit is inconsistent: tell its author, or run "
        "dvc repro; plain dvc pull brings what dvc.lock says.",
    )
