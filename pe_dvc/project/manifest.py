"""The manifests of a data repo: written by one stage of ``dvc repro``, read by everything else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.adapters.tables.formats import format_of, media_type_of
from pe_dvc.adapters.tables.key_check import check_key
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.documents.manifest import About
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.redact import redacted_params
from pe_dvc.primitives.result import Result
from pe_dvc.project.manifest_codebook import Codebooks
from pe_dvc.project.manifest_content import notes_on_content, with_content
from pe_dvc.project.manifest_sidecars import SidecarFiles
from pe_dvc.project.manifest_stage import check_deps
from pe_dvc.project.manifest_withdrawn import notes_on_withdrawn
from pe_dvc.project.repo_files import manifest_files, manifest_path, read_dvc_files
from pe_dvc.project.settings import read_settings
from pe_dvc.project.sidecar_subject import Subject
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.usecases.checkout.contents import describe_contents, kind_of, notes_on
from pe_dvc.usecases.checkout.describe import (
    assemble,
    check_size,
    describe_artifact,
    first_manifest,
    is_of_other_bytes,
    manifest_bytes,
    outdated_texts,
    was_checked,
)
from pe_dvc.usecases.checkout.provenance import notes_on_build
from pe_dvc.usecases.checkout.verify import check_declared
from pe_dvc.usecases.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.adapters.tables.formats import Format
    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.manifest import Contents, Manifest
    from pe_dvc.documents.table_schema import FileShape
    from pe_dvc.project.manifest_inputs import ManifestInputs
    from pe_dvc.project.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Written(Result):
    """What became of one manifest; ``sha256`` is of its bytes, None if there is none.

    A manifest is skipped where DVC has an artifact of the type ``dataset`` without ``meta.pe``.
    ``redacted`` are the parameters whose values it leaves out, as they look secret. ``outdated`` is
    what dvc.yaml or codebook.yaml says otherwise by now: a manifest of the same bytes stays.
    """

    name: str
    change: Literal["changed", "unchanged", "removed", "skipped"]
    sha256: Sha256 | None
    redacted: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the description leaves to people, such as what is in the file and not described."""


class Described(NamedTuple):
    """A manifest, what is to be said of it, and what it was made from."""

    manifest: Manifest
    notes: tuple[str, ...]
    subject: Subject


def write_manifests(root: Path, names: Collection[str] = ()) -> list[Written]:
    """Write the manifest of every dataset that the repo at ``root`` declares, by name.

    With ``names`` of these alone, as where the others are built on other machines. Raises
    NotFoundError for one that is not declared.

    All or nothing: what is wrong with any dataset is found before anything is written. A manifest
    that would differ in ``build`` alone keeps its bytes, and so does that of a build which came
    back to an artifact of an earlier commit: an artifact has one manifest. That of a dataset no
    longer declared is removed. May run within ``dvc repro``: reads DVC's files and never asks DVC.

    Raises FormatError for a declaration or a file that is wrong, NotFoundError for a file that
    is missing, DigestMismatchError for one that changed since DVC hashed it.
    """
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.git_manifests import committed_manifests

    settings, git = read_settings(root), GitRepo(root)
    tree, folder = ConfinedTree(root), settings.manifests
    tree.check_entries(folder, deep=True)
    dvc = read_dvc_files(root, git, strict=True)
    existing = manifest_files(WorkTree(root), settings.manifests)
    existing = {name: data for name, data in existing.items() if not names or name in names}
    codebooks = Codebooks(root, settings)
    described, checkout = _describe_all(root, settings, dvc, git, existing, codebooks, names)
    manifests = {name: one.manifest for name, one in described.items()}
    allowed = settings.allowed_params
    paths = {name: manifest_path(settings, name) for name in existing | manifests}
    settled = {
        name: manifest_bytes(m, existing.get(name), allowed_params=allowed)
        for name, m in manifests.items()
    }
    before = {name: [data] for name, data in existing.items()}
    for name in settled:
        if is_of_other_bytes(existing.get(name), manifests[name]):
            earlier = [data for data, _ in committed_manifests(root, paths[name])]
            settled[name] = first_manifest(manifests[name], earlier, allowed_params=allowed)
            before[name] += earlier
    withdrawn = notes_on_withdrawn(root, settings, manifests)
    sidecars = SidecarFiles(root, folder, codebooks, paths.values() if names else None)

    def settle(name: str) -> bytes:
        data, subject = settled[name], described[name].subject
        stays = data in before.get(name, ())
        return sidecars.settle(paths[name], data, manifests[name], subject, stays=stays)

    # Few at once: each profile that is made holds some hundred MiB.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        settled = dict(zip(settled, run_all(pool, settle, list(settled)), strict=True))
    if any(
        data != existing.get(name) and manifests[name].build.statement is None
        for name, data in settled.items()
    ):
        checkout.check_environment()
    outdated = {
        name: (*outdated_texts(data, m), *sidecars.outdated(paths[name], m))
        for (name, data), m in zip(settled.items(), manifests.values(), strict=True)
    }
    described = {
        name: one._replace(
            notes=(
                *one.notes,
                *sidecars.notes(paths[name], name),
                *([withdrawn[name]] if name in withdrawn else []),
            )
        )
        for name, one in described.items()
    }
    tree.make_folder(folder)
    written = [
        _write(tree, paths[name], described[name], data, existing.get(name), outdated[name])
        for name, data in settled.items()
    ]
    sidecars.write(tree)
    removed = [_remove(tree, folder, paths[name], name) for name in existing if name not in settled]
    if names:
        return [*written, *removed]
    others = [a.name for a in dvc.artifacts if a.type == "dataset" and not a.declares]
    skipped = [Written(name=name, change="skipped", sha256=None) for name in others]
    return [*written, *removed, *skipped]


def _describe_all(
    root: Path,
    settings: Settings,
    dvc: DvcFiles,
    git: GitRepo,
    existing: dict[str, bytes],
    codebooks: Codebooks,
    names: Collection[str],
) -> tuple[dict[str, Described], ManifestInputs]:
    from pe_dvc.adapters.dvc.config import read_config
    from pe_dvc.project.manifest_inputs import ManifestInputs

    declarations = read_declarations(dvc.artifacts, country=settings.country)
    for name in names:
        check_declared(name, [d.name for d in declarations])
    declarations = tuple(d for d in declarations if not names or d.name in names)
    checkout = ManifestInputs(root, settings, dvc, git, read_config(root).cache_dir)
    located = {d.name: checkout.locate(d) for d in declarations}
    check_deps(dvc, declarations)
    for d in declarations:
        check_size(d, located[d.name][0].stat().st_size)
    rule = settings.disclosure_rule
    files = {d.name: _file(d, located[d.name][0], rule) for d in declarations}
    shapes = {d.name: describe_file(files[d.name]) for d in declarations}
    contents = {d.name: describe_contents(d, shapes[d.name]) for d in declarations}
    inputs = checkout.inputs(declarations)
    digests = checkout.digests(path for path, md5 in located.values() if not is_listing(md5))
    members = {
        path: checkout.members(path, md5) for path, md5 in located.values() if is_listing(md5)
    }
    found = {}
    for d in declarations:
        path, md5 = located[d.name]
        bytes_of = digests.get(path) or members[path]
        artifact = describe_artifact(
            d,
            kind=kind_of(d, shapes[d.name]),
            media_type=media_type_of(_format(files[d.name]), d.path),
            found=bytes_of,
            md5=md5,
            location=checkout.location(d),
        )
        about = _about(d, settings)
        made = checkout.complete(d, inputs[d.name], Sha256(artifact.sha256))
        manifest = assemble(artifact, contents[d.name], made, checkout.build(d), about)
        notes = (*notes_on(d, contents[d.name]), *notes_on_build(manifest))
        subject = Subject(codebooks=codebooks, declaration=d, file=files[d.name])
        found[d.name] = Described(manifest, notes, subject)
    unknown = [
        d for d in declarations if not was_checked(found[d.name].manifest, existing.get(d.name))
    ]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        run_all(pool, lambda d: check_keys(files[d.name], d, contents[d.name]), unknown)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        whole = run_all(
            pool, lambda d: _with_content(found[d.name], files[d.name], existing), declarations
        )
    return {d.name: one for d, one in zip(declarations, whole, strict=True)}, checkout


def _with_content(described: Described, file: DataFile, existing: dict[str, bytes]) -> Described:
    before = existing.get(described.manifest.artifact.name)
    checked = was_checked(described.manifest, before)
    manifest = with_content(described.manifest, file, before, checked=checked)
    notes = (*described.notes, *notes_on_content(manifest, before))
    return described._replace(manifest=manifest, notes=notes)


def _about(declaration: Declaration, settings: Settings) -> About:
    return About(
        description=declaration.description,
        licence=declaration.meta.licence or settings.licence,
        citation=declaration.meta.citation or settings.citation,
    )


def _file(declaration: Declaration, path: Path, rule: Disclosure) -> DataFile:
    return DataFile(path=path, label=declaration.path, rule=rule, hints=declaration.hints)


def _format(file: DataFile) -> Format:
    return format_of(file.path, name=file.label)


def describe_file(file: DataFile) -> FileShape:
    """Return what is in a file. Raises FormatError, NotFoundError."""
    reader = _format(file).reader()
    return shielded(lambda: reader.describe(file), label=file.label, rule=file.rule)


def check_keys(file: DataFile, declaration: Declaration, contents: Contents) -> None:
    """Check that the keys of all tables are keys, in every period. Raises FormatError."""
    reader = _format(file).reader()

    def check() -> None:
        for table in contents.tables:
            if table.entity is not None:
                key = contents.entities[table.entity].key
                where = declaration.where("meta.pe.entities", table.entity, "key")
                for place in table.places(key):
                    check_key(reader, file, place, where=where)

    shielded(check, label=file.label, rule=file.rule)


def _write(
    tree: ConfinedTree,
    path: str,
    described: Described,
    data: bytes,
    before: bytes | None,
    outdated: tuple[str, ...],
) -> Written:
    if data != before:
        tree.write(path, data, durable=True)
    change: Literal["changed", "unchanged"] = "unchanged" if data == before else "changed"
    return Written(
        name=described.manifest.artifact.name,
        change=change,
        sha256=sha256_bytes(data),
        redacted=tuple(redacted_params(described.manifest.inputs.params)),
        outdated=outdated,
        notes=described.notes,
    )


def _remove(tree: ConfinedTree, folder: str, path: str, name: str) -> Written:
    tree.unlink(path)
    tree.remove_empty_folders(path.rpartition("/")[0], below=folder)
    return Written(name=name, change="removed", sha256=None)
