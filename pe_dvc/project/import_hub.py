"""``pe-dvc import``: files of a hub become datasets of a data repo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.command import run_dvc
from pe_dvc.adapters.dvc.dvcfile_edit import with_location
from pe_dvc.adapters.dvc.workspace import file_digests
from pe_dvc.adapters.hub.hub import Hub
from pe_dvc.documents.dvc_output import Location
from pe_dvc.documents.hub_uri import parse_location
from pe_dvc.primitives.result import Result
from pe_dvc.project.add import add_files
from pe_dvc.project.dvc_cache import check_may_add
from pe_dvc.project.file_changes import FileChanges
from pe_dvc.project.import_source import read_source
from pe_dvc.project.repo import DataRepo
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.guess import Meaning
from pe_dvc.usecases.checkout.import_hub import HubImport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.checkout.import_hub import Planned


@dataclass(frozen=True, kw_only=True)
class ImportedFile(Result):
    """A file that is a dataset now, and where it came from.

    ``downloaded`` is False of one that was there. ``verified`` says what its sha256 was compared
    with: the ``manifest``, the ``hub``'s own word, or ``nothing``, as of a small single file.
    Of one that is only looked for, ``sha256`` is None where nothing says it.
    """

    name: str
    path: str
    sha256: Sha256 | None
    source: str
    verified: str
    downloaded: bool


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
    downloaded; with ``check`` nothing is, and what would be is returned. Raises as
    ``read_source``, ``HubImport`` and ``add_files``.
    """
    held = _Held(repo)
    work = HubImport(ConfinedTree(repo.root), repo.root, into, Hub, held)
    source = read_source(uri, work.commit, names=names, name=name)
    done = []
    for planned in work.plan(source.artifacts):
        if check and planned.there:
            continue
        sha256 = planned.sha256
        if not check:
            sha256 = work.bring(planned)
            _track(repo, planned, held.location(planned, sha256), copy=copy)
        on_word = "hub" if planned.sha256 is not None else "nothing"
        done.append(
            ImportedFile(
                name=planned.artifact.name,
                path=planned.path,
                sha256=sha256,
                source=str(planned.location),
                verified="manifest" if source.of_release else on_word,
                downloaded=not planned.there,
            )
        )
    return done


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

    def location(self, planned: Planned, sha256: Sha256) -> Location:
        """Return where a file lies: the first place in that repo that had these bytes."""
        output, found = self._outputs.get(planned.path), planned.location
        before = output.location if output is not None else None
        if before is not None and before.sha256 == sha256:
            first = parse_location(before.uri, where=output.dvcfile if output else None)
            found = first if first.place == found.place else found
        parse_location(str(found))  # not every path of a hub can be written as one
        return Location(uri=str(found), sha256=sha256)


def _track(repo: DataRepo, planned: Planned, location: Location, *, copy: bool) -> None:
    """Let DVC track a file, declare it, and note in its ``.dvc`` file where it lies."""
    artifact, path = planned.artifact, planned.path
    if path in repo.dvc.outputs and not planned.there:
        check_may_add(repo, [path])
        run_dvc(repo.root, "add", path)
    if (repo.root / path).exists():
        add_files(
            DataRepo(repo.root),
            [repo.root / path],
            name=artifact.name,
            desc=f"{artifact.hub_path} of hf://{artifact.place.repo_type}/{artifact.place.repo_id}",
            given=Meaning(kind=artifact.kind),
        )
    output = DataRepo(repo.root).dvc.outputs.get(path)
    if output is not None and output.dvcfile is not None:
        changes, file = FileChanges(repo.root), output.dvcfile
        where = str(repo.root / file)
        changes.put(file, with_location(changes.text(file), location, push=copy, name=where))
        with changes.written():
            pass
