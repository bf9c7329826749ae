"""``pe-dvc import``: files of a hub become datasets of a data repo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.command import run_dvc
from pe_dvc.adapters.dvc.dvcfile_edit import with_location
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.dvc.workspace import file_digests
from pe_dvc.adapters.hub.hub import Hub
from pe_dvc.documents.dvc_output import Location
from pe_dvc.documents.hub_uri import parse_location
from pe_dvc.primitives.result import Result
from pe_dvc.project.add import add_files
from pe_dvc.project.dvc_cache import check_may_add
from pe_dvc.project.file_changes import FileChanges
from pe_dvc.project.import_source import read_source
from pe_dvc.project.import_statement import drop_unused, find_statement
from pe_dvc.project.repo import DataRepo
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.guess import Meaning
from pe_dvc.usecases.checkout.import_hub import HubImport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.import_source import HubSource
    from pe_dvc.project.import_statement import ReleaseStatement
    from pe_dvc.usecases.checkout.import_hub import Planned


@dataclass(frozen=True, kw_only=True)
class ImportedFile(Result):
    """A file that is a dataset now, and where it came from.

    ``downloaded`` is False of one that was there. ``verified`` says what its sha256 was compared
    with: the ``manifest``, the ``hub``'s own word, or ``nothing``, as of a small single file.
    Of one that is only looked for, ``sha256`` is None where nothing says it. ``provenance`` is the
    file of the repo in which its producer states what it was made from, None without one.
    """

    name: str
    path: str
    sha256: Sha256 | None
    source: str
    verified: str
    downloaded: bool
    provenance: str | None


def import_uri(
    repo: DataRepo,
    uri: str,
    into: str = "data",
    *,
    names: Sequence[str] = (),
    name: str | None = None,
    copy: bool = True,
    check: bool = False,
) -> list[ImportedFile]:
    """Download the artifacts of a release, or one file, and make them datasets.

    ``names`` are those wanted of a release, all by default; ``name`` is what a single file is
    called. Where each lies on the hub is noted beside it, and comes into its manifest; without
    ``copy`` it is not pushed to the bucket, and readers get it from there alone. A file that an
    earlier import brought is replaced. Everything is checked as far as it can be before anything is
    downloaded; with ``check`` nothing is, and what would be is returned. What the producer states
    of the build is kept in the repo, and comes into the manifests. Raises as ``read_source``,
    ``find_statement``, ``HubImport`` and ``add_files``.
    """
    held = _Held(repo)
    work = HubImport(ConfinedTree(repo.root), repo.root, into, Hub, held)
    source = read_source(uri, work.commit, names=names, name=name)
    plan, statement = work.plan(source.artifacts), find_statement(source)
    stated = {p.path: held.statement(p, statement) for p in plan}
    if check:
        plan = [p for p in plan if not p.there]
        brought = {p.path: p.sha256 for p in plan}
    else:
        new = statement is not None and statement.path in stated.values()
        if statement is not None and new:
            statement.keep(repo)
        brought = dict(_brought(repo, work, plan, held, stated, copy=copy))
        if new:
            drop_unused(DataRepo(repo.root), held.statements(p.path for p in plan))
    return [_imported(p, brought[p.path], source, stated.get(p.path)) for p in plan]


def _imported(
    planned: Planned, sha256: Sha256 | None, source: HubSource, provenance: str | None
) -> ImportedFile:
    on_word = "hub" if planned.sha256 is not None else "nothing"
    return ImportedFile(
        name=planned.artifact.name,
        path=planned.path,
        sha256=sha256,
        source=str(planned.location),
        verified="manifest" if source.manifest is not None else on_word,
        downloaded=not planned.there,
        provenance=provenance,
    )


class _Held:
    """What a repo has of earlier imports, by DVC's files."""

    def __init__(self, repo: DataRepo) -> None:
        self._root, self._outputs = repo.root, dict(repo.dvc.outputs)

    def is_kept(self, path: str) -> bool:
        """Tell whether a file is as its ``.dvc`` file says: then DVC's cache holds it, too."""
        output = self._outputs.get(path)
        if output is None or output.dvcfile is None:
            return False
        return file_digests(self._root / path, "md5")["md5"] == output.md5

    def recorded(self, path: str) -> Sha256 | None:
        """Return the sha256 of what an import brought there; the file need not be here."""
        output = self._outputs.get(path)
        return output.location.sha256 if output is not None and output.location else None

    def statement(self, planned: Planned, found: ReleaseStatement | None) -> str | None:
        """Return where the statement about a file is: as noted of these bytes, else as found.

        Of bytes that an earlier import brought, what it noted stays: their manifest may be
        published, and none is ever replaced.
        """
        output = self._outputs.get(planned.path)
        noted = output.location if output is not None else None
        if noted is not None and noted.sha256 == planned.sha256:
            return noted.provenance
        return found.path if found is not None and found.is_of(planned) else None

    def statements(self, paths: Iterable[str]) -> set[str]:
        """Return the statements that earlier imports noted of files."""
        found = (self._outputs[path].location for path in paths if path in self._outputs)
        return {one.provenance for one in found if one is not None and one.provenance is not None}

    def location(self, planned: Planned, sha256: Sha256) -> Location:
        """Return where a file lies: the first place in that repo that had these bytes."""
        output, found = self._outputs.get(planned.path), planned.location
        before = output.location if output is not None else None
        if before is not None and before.sha256 == sha256:
            first = parse_location(before.uri, where=output.dvcfile if output else None)
            found = first if first.place == found.place else found
        parse_location(str(found))  # not every path of a hub can be written as one
        return Location(uri=str(found), sha256=sha256)


def _brought(
    repo: DataRepo,
    work: HubImport,
    plan: Sequence[Planned],
    held: _Held,
    stated: Mapping[str, str | None],
    *,
    copy: bool,
) -> Iterator[tuple[str, Sha256]]:
    """Bring files, and yield their paths and digests; after a failure those before are tracked."""
    brought: dict[str, Sha256] = {}
    try:
        for planned in plan:
            brought[planned.path] = work.bring(planned)
    finally:
        here = [planned for planned in plan if planned.path in brought]
        _add(repo, here)
        for planned in here:
            location = held.location(planned, brought[planned.path])
            _track(repo, planned, location, stated.get(planned.path), copy=copy)
    yield from brought.items()


def _add(repo: DataRepo, plan: Sequence[Planned]) -> None:
    """Let DVC track all files that are new or replaced, in one call: it takes a second or more.

    What ``add_files`` refuses is left to it.
    """
    from pe_dvc.adapters.git.repo import GitRepo

    git, lineage = GitRepo(repo.root), Lineage(repo.dvc)
    paths = [
        p.path
        for p in plan
        if (p.path in repo.dvc.outputs and not p.there) or lineage.output_of(p.path) is None
    ]
    paths = [path for path in paths if (repo.root / path).is_file() and not git.tracks(path)]
    if paths:
        check_may_add(repo, paths)
        run_dvc(repo.root, "add", *paths)


def _track(
    repo: DataRepo, planned: Planned, location: Location, stated: str | None, *, copy: bool
) -> None:
    """Declare a file, and note in its ``.dvc`` file where it lies and what its producer states."""
    artifact, path = planned.artifact, planned.path
    if (repo.root / path).exists():
        add_files(
            DataRepo(repo.root),
            [repo.root / path],
            name=artifact.name,
            desc=f"{artifact.hub_path} of {artifact.place.uri}",
            given=Meaning(kind=artifact.kind),
        )
    output = DataRepo(repo.root).dvc.outputs.get(path)
    if output is not None and output.dvcfile is not None:
        changes, file = FileChanges(repo.root), output.dvcfile
        where = str(repo.root / file)
        location = replace(location, provenance=stated, md5=output.md5)
        changes.put(file, with_location(changes.text(file), location, push=copy, name=where))
        changes.write()
