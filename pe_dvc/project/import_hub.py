"""``pe-dvc import``: files of a hub become datasets of a data repo."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.adapters.dvc.command import run_dvc
from pe_dvc.adapters.dvc.dvcfile_edit import with_location
from pe_dvc.adapters.dvc.workspace import file_digests
from pe_dvc.adapters.hub.hub import Hub
from pe_dvc.documents.dvc_output import Location
from pe_dvc.documents.hub_manifest import HubArtifact, read_hub_manifest
from pe_dvc.documents.hub_uri import HubPlace, parse_hub_uri, parse_location
from pe_dvc.documents.keys import RELEASE_MANIFEST
from pe_dvc.documents.release_layout import release_directory
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_name, say_which_there_are
from pe_dvc.primitives.result import Result
from pe_dvc.project.add import add_files
from pe_dvc.project.dvc_cache import check_may_add
from pe_dvc.project.file_changes import FileChanges
from pe_dvc.project.repo import DataRepo
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.guess import Meaning
from pe_dvc.usecases.checkout.import_hub import HubImport
from pe_dvc.usecases.release.mirror import read_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.hub_uri import HubUri
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.checkout.import_hub import Planned


@dataclass(frozen=True, kw_only=True)
class ImportedFile(Result):
    """A file that is a dataset now, and where it came from.

    ``downloaded`` is False of one that was there.
    ``verified`` says what its sha256 was compared with: the ``manifest``, the ``hub``'s own word,
    or ``nothing``, as of a small single file.
    """

    name: str
    path: str
    sha256: Sha256
    source: str
    verified: str
    downloaded: bool


def import_uri(
    repo: DataRepo,
    uri: str,
    *,
    into: str = "data",
    names: Sequence[str] = (),
    name: str | None = None,
    copy: bool = True,
) -> list[ImportedFile]:
    """Download the artifacts of a release manifest, or one file, and make them datasets.

    ``names`` are those wanted of a manifest, all by default; ``name`` is what a single file is
    called. Where each lies on the hub is noted beside it, and comes into its manifest; without
    ``copy`` it is not pushed to the bucket, and readers get it from there alone. A file that an
    earlier import brought is replaced. Everything is checked as far as it can be before anything is
    downloaded. Raises as ``HubImport`` and ``add_files``.
    """
    found = parse_hub_uri(uri)
    if found.path is None:
        raise FormatError(
            f"{uri!r} names no file",
            remedy="Name a release_manifest.json or one file: "
            f"hf://dataset/{found.repo_id}@TAG/{release_directory('TAG')}/{RELEASE_MANIFEST}",
        )
    work = HubImport(ConfinedTree(repo.root), repo.root, into, Hub, partial(_is_kept, repo))
    place, commit = _resolve(found, work)
    of_release = posixpath.basename(found.path) == RELEASE_MANIFEST
    if of_release:
        artifacts = _of_manifest(place, found.path, commit, uri, names)
    else:
        artifacts = [_single(place, found, commit, name)]
    done = []
    for planned in work.plan(artifacts):
        sha256 = work.bring(planned)
        _track(repo, planned, Location(uri=str(planned.location), sha256=sha256), copy=copy)
        on_word = "hub" if planned.sha256 is not None else "nothing"
        done.append(
            ImportedFile(
                name=planned.artifact.name,
                path=planned.path,
                sha256=sha256,
                source=str(planned.location),
                verified="manifest" if of_release else on_word,
                downloaded=not planned.there,
            )
        )
    return done


def _is_kept(repo: DataRepo, path: str) -> bool:
    """Tell whether a file is as its ``.dvc`` file says: then DVC's cache holds it, too."""
    output = repo.dvc.outputs.get(path)
    if output is None or output.dvcfile is None:
        return False
    return file_digests(repo.root / path, "md5")["md5"] == output.md5


def _track(repo: DataRepo, planned: Planned, location: Location, *, copy: bool) -> None:
    """Let DVC track a file, declare it, and note in its ``.dvc`` file where it lies."""
    artifact, path = planned.artifact, planned.path
    parse_location(location.uri)
    if path in repo.dvc.outputs and not planned.there:
        check_may_add(repo, [path])
        run_dvc(repo.root, "add", path)
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


def _resolve(uri: HubUri, work: HubImport) -> tuple[HubPlace, str]:
    """Return the repo and the commit of a URI; without a type, a dataset is looked for first."""
    types = [uri.repo_type] if uri.repo_type else ["dataset", "model"]
    for number, repo_type in enumerate(types, 1):
        place = HubPlace(repo_type=repo_type, repo_id=uri.repo_id)
        try:
            return place, work.commit(place, uri.revision or "main")
        except NotFoundError:
            if number == len(types):
                raise
    raise AssertionError("there is one type at least")


def _of_manifest(
    place: HubPlace, path: str, commit: str, uri: str, names: Sequence[str]
) -> list[HubArtifact]:
    data = read_small(Hub(place), path, commit)
    if data is None:
        raise NotFoundError(f"{place} has no {path} at {commit[:12]}")
    found = read_hub_manifest(data, place=place, revision=commit, path=path, where=uri)
    known = [artifact.name for artifact in found]
    for name in names:
        if name not in known:
            raise NotFoundError(
                f"{uri} names no artifact {name!r}", remedy=say_which_there_are(name, known)
            )
    return [artifact for artifact in found if not names or artifact.name in names]


def _single(place: HubPlace, uri: HubUri, commit: str, name: str | None) -> HubArtifact:
    path = uri.path or ""
    stem = posixpath.basename(path).partition(".")[0]
    return HubArtifact(
        name=check_name(name or stem, where=path),
        kind=None,
        place=place,
        revision=commit,
        path=posixpath.basename(path),
        hub_path=path,
        sha256=None,
        size=None,
    )
