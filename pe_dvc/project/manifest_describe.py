"""What the files of a data repo are: each declared dataset, described as its manifest has it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.faults import shielded
from pe_dvc.adapters.tables.formats import format_of, media_type_of
from pe_dvc.adapters.tables.key_check import check_key
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.documents.manifest import About
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.pools import Pool
from pe_dvc.project.manifest_content import notes_on_content, with_content
from pe_dvc.project.manifest_stage import check_deps
from pe_dvc.project.sidecar_subject import Subject
from pe_dvc.usecases.checkout.contents import describe_contents, kind_of, notes_on
from pe_dvc.usecases.checkout.describe import (
    assemble,
    check_size,
    describe_artifact,
    was_checked,
)
from pe_dvc.usecases.checkout.provenance import notes_on_build
from pe_dvc.usecases.checkout.verify import check_declared
from pe_dvc.usecases.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.adapters.tables.formats import Format
    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.disclosure import Disclosure
    from pe_dvc.documents.manifest import Contents, Manifest
    from pe_dvc.documents.table_schema import FileShape
    from pe_dvc.project.manifest_codebook import Codebooks
    from pe_dvc.project.manifest_inputs import ManifestInputs
    from pe_dvc.project.settings import Settings


class Described(NamedTuple):
    """A manifest, what is to be said of it, and what it was made from."""

    manifest: Manifest
    notes: tuple[str, ...]
    subject: Subject


class _ReadFile(NamedTuple):
    """A declared file, with the md5 by which DVC knows it, and what is in it."""

    declaration: Declaration
    md5: str
    file: DataFile
    shape: FileShape
    contents: Contents


def describe_datasets(
    root: Path,
    settings: Settings,
    dvc: DvcFiles,
    git: GitRepo,
    existing: dict[str, bytes],
    codebooks: Codebooks,
    names: Collection[str],
) -> tuple[dict[str, Described], ManifestInputs]:
    """Return every declared dataset, or those of ``names``, by name, and what they are made from.

    What was checked of an ``existing`` manifest is not checked again. Raises as
    ``write_manifests``.
    """
    from pe_dvc.adapters.dvc.config import read_config
    from pe_dvc.project.manifest_inputs import ManifestInputs

    declarations = _declared(dvc, settings, names)
    checkout = ManifestInputs(root, settings, dvc, git, read_config(root).cache_dir)
    files = _read_files(declarations, checkout, dvc, settings.disclosure_rule)
    found = _assembled(files, checkout, codebooks, settings)
    unknown = [
        one
        for one, described in zip(files, found, strict=True)
        if not was_checked(described.manifest, existing.get(one.declaration.name))
    ]
    with Pool(os.cpu_count() or 1) as pool:
        run_all(pool, lambda one: check_keys(one.file, one.declaration, one.contents), unknown)
    with Pool(os.cpu_count() or 1) as pool:
        whole = run_all(pool, lambda one: _with_content(one, existing), found)
    return {d.name: one for d, one in zip(declarations, whole, strict=True)}, checkout


def _declared(dvc: DvcFiles, settings: Settings, names: Collection[str]) -> list[Declaration]:
    declarations = read_declarations(dvc.artifacts, country=settings.country)
    for name in names:
        check_declared(name, [d.name for d in declarations])
    return [d for d in declarations if not names or d.name in names]


def _read_files(
    declarations: Sequence[Declaration],
    checkout: ManifestInputs,
    dvc: DvcFiles,
    rule: Disclosure,
) -> list[_ReadFile]:
    """Return what is in each file; all are found, of the right size, before any is read."""
    located = [checkout.locate(d) for d in declarations]
    check_deps(dvc, declarations)
    for d, (path, _) in zip(declarations, located, strict=True):
        check_size(d, path.stat().st_size)
    files = [_file(d, path, rule) for d, (path, _) in zip(declarations, located, strict=True)]
    shapes = [describe_file(file) for file in files]
    return [
        _ReadFile(d, md5, file, shape, describe_contents(d, shape))
        for d, (_, md5), file, shape in zip(declarations, located, files, shapes, strict=True)
    ]


def _assembled(
    files: Sequence[_ReadFile], checkout: ManifestInputs, codebooks: Codebooks, settings: Settings
) -> list[Described]:
    """Return the manifests, without what is computed from values."""
    inputs = checkout.inputs([one.declaration for one in files])
    digests = checkout.digests(one.file.path for one in files if not is_listing(one.md5))
    members = [
        checkout.members(one.file.path, one.md5) if is_listing(one.md5) else None for one in files
    ]
    found = []
    for (declaration, md5, file, shape, contents), directory in zip(files, members, strict=True):
        artifact = describe_artifact(
            declaration,
            kind=kind_of(declaration, shape),
            media_type=media_type_of(_format(file), declaration.path),
            found=digests[file.path] if directory is None else directory,
            md5=md5,
            location=checkout.location(declaration),
        )
        about = _about(declaration, settings)
        made = checkout.complete(declaration, inputs[declaration.name], Sha256(artifact.sha256))
        manifest = assemble(artifact, contents, made, checkout.build(declaration), about)
        notes = (*notes_on(declaration, contents), *notes_on_build(manifest))
        subject = Subject(codebooks=codebooks, declaration=declaration, file=file)
        found.append(Described(manifest, notes, subject))
    return found


def _with_content(described: Described, existing: dict[str, bytes]) -> Described:
    before = existing.get(described.manifest.artifact.name)
    checked = was_checked(described.manifest, before)
    manifest = with_content(described.manifest, described.subject.file, before, checked=checked)
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
