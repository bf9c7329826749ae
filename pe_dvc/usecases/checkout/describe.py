"""Describing a dataset: what was declared, and what was found, become a manifest or an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import (
    About,
    Artifact,
    Build,
    ChunkList,
    Column,
    Contents,
    DvcObject,
    Inputs,
    Manifest,
    Table,
)
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, UnsupportedVersionError
from pe_dvc.primitives.redact import secret_params

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.table_schema import FileShape, FoundTable

_NUMERIC = re.compile(r"u?int\d+|half_?float|halffloat|float\d*|double|decimal\d+\(.*\)")


def describe_artifact(
    declaration: Declaration, *, media_type: str, sha256: Sha256, size: int, chunks: bytes, md5: str
) -> Artifact:
    """Return the section ``artifact``: the bytes of the dataset.

    ``chunks`` is the list of chunk digests, ``md5`` the address of the bytes in DVC's cache.
    """
    return Artifact(
        country=declaration.country,
        name=declaration.name,
        path=declaration.path,
        kind=declaration.meta.kind,
        media_type=media_type,
        sha256=sha256,
        size=size,
        dvc=DvcObject(hash="md5", md5=md5),
        chunks=ChunkList(size=CHUNK_SIZE, sha256=sha256_bytes(chunks)),
    )


def describe_contents(declaration: Declaration, shape: FileShape) -> Contents:
    """Return the section ``table``: the tables found, with the meaning declared.

    Raises FormatError, naming the key of dvc.yaml at fault and the remedy, where the two do not
    fit: an entity, key, reference, weight or column that the file does not have.
    """
    tables = tuple(_table(declaration, found) for found in shape.tables)
    columns = {table.entity: {c.name: c for c in table.columns} for table in tables}
    every = {name: column for found in columns.values() for name, column in found.items()}
    _check_entities(declaration, columns, every)
    for name in declaration.meta.columns:
        _check_present(declaration, name, every, "columns", name)
    weight = declaration.meta.weight
    if weight is not None:
        _check_present(declaration, weight, every, "weight")
        _check_numeric(declaration, every[weight])
    return Contents(
        format=shape.format, tables=tables, entities=declaration.entities, weight=weight
    )


def complete_inputs(inputs: Inputs, *, where: str) -> Inputs:
    """Return ``inputs`` with its ``composite_digest``.

    Raises FormatError, naming the parameter, for a number that JSON cannot hold exactly.
    """
    for file, values in inputs.params.items():
        for key, value in values.items() if isinstance(values, dict) else ():
            _check_exact(value, f"{where}: {file}: {key}")
    return inputs.model_copy(update={"composite_digest": inputs.digest()})


def manifest_bytes(
    manifest: Manifest, existing: bytes | None, *, allowed_params: Collection[str] = ()
) -> bytes:
    """Return the bytes to write: ``existing`` where that describes the same artifact alike.

    An artifact has one manifest, which says how its bytes were first made: the same bytes made
    again, a lockfile or a description that changed since, do not rewrite it. What is declared
    about the bytes (tables, entities, weight, vintage) does, and so does a parameter in
    ``existing`` that is secret and not in ``allowed_params``. Raises UnsupportedVersionError for an
    existing manifest of a newer major version; one that is damaged is replaced.
    """
    if existing is None:
        return manifest.to_bytes()
    try:
        before = Manifest.from_bytes(existing, where=f"the manifest of {manifest.artifact.name}")
    except UnsupportedVersionError:
        raise
    except FormatError:
        return manifest.to_bytes()
    alike = (
        before.artifact == manifest.artifact
        and before.table == manifest.table
        and before.inputs.data_vintage == manifest.inputs.data_vintage
        and not any(secret_params(before.inputs.params, allowed_params))
    )
    return existing if alike and before.to_bytes() == existing else manifest.to_bytes()


def outdated_texts(kept: bytes, manifest: Manifest) -> tuple[str, ...]:
    """Return what a manifest that is kept says otherwise about the dataset than is declared now."""
    before = Manifest.from_bytes(kept).about or About()
    now = manifest.about or About()
    return tuple(key for key in About.model_fields if getattr(before, key) != getattr(now, key))


def is_of_other_bytes(existing: bytes | None, manifest: Manifest) -> bool:
    """Tell whether the manifest that lies there is one, and is of another artifact."""
    try:
        before = Manifest.from_bytes(existing or b"")
    except FormatError:
        return False
    return before.artifact.sha256 != manifest.artifact.sha256


def first_manifest(
    manifest: Manifest, committed: Iterable[bytes], *, allowed_params: Collection[str] = ()
) -> bytes:
    """Return the first that was committed of the same artifact described alike, else the new one.

    ``committed`` are manifests of the dataset, newest first. One that cannot be read counts for
    nothing: it is of another version of pe_dvc, or no manifest.
    """
    found = manifest.to_bytes()
    for data in committed:
        try:
            kept = manifest_bytes(manifest, data, allowed_params=allowed_params)
        except UnsupportedVersionError:
            continue
        found = data if kept == data else found
    return found


def was_checked(manifest: Manifest, existing: bytes | None) -> bool:
    """Tell whether the keys of the same bytes, declared alike, were found unique before.

    ``existing`` is the manifest that lies there. Raises UnsupportedVersionError for one of a newer
    major version.
    """
    try:
        before = Manifest.from_bytes(existing or b"")
    except UnsupportedVersionError:
        raise
    except FormatError:
        return False
    return before.artifact == manifest.artifact and before.table == manifest.table


def check_no_duplicates(artifacts: Iterable[tuple[Declaration, Sha256]]) -> None:
    """Raise FormatError for two datasets of the same bytes: an artifact has one manifest."""
    first: dict[Sha256, Declaration] = {}
    for declaration, sha256 in artifacts:
        other = first.setdefault(sha256, declaration)
        if other is not declaration:
            raise FormatError(
                f"{declaration.path} and {other.path} (dataset {other.name}) have identical "
                "content",
                where=declaration.where("path"),
                remedy="Declare the artifact once: its sha256 is its identity, and it has one "
                "manifest. If the two should differ, look at what builds them.",
            )


def assemble(
    artifact: Artifact, contents: Contents, inputs: Inputs, build: Build, about: About
) -> Manifest:
    """Return the manifest of these sections."""
    return Manifest(
        artifact=artifact, table=contents, inputs=inputs, build=build, about=about or None
    )


def tree_digest(files: Iterable[tuple[str, Sha256]]) -> Sha256:
    """Return the digest of a directory: of the lines that ``sha256sum`` prints for its files."""
    lines = (f"{sha256}  {path}\n" for path, sha256 in sorted(files))
    return sha256_bytes("".join(lines).encode())


def _table(declaration: Declaration, found: FoundTable) -> Table:
    if found.name is not None and declaration.meta.rows is not None:
        raise FormatError(
            f"{declaration.path} has named tables, each of its own entity",
            where=declaration.where("meta.pe.rows"),
            remedy="Leave rows out: it is for files of one table without a name.",
        )
    if found.name is None and declaration.rows is None:
        raise FormatError(
            "is missing, and there is more than one entity",
            where=declaration.where("meta.pe.rows"),
            remedy=f"Say what a row stands for: one of {', '.join(declaration.entities)}.",
        )
    entity = found.name or declaration.rows
    if entity is None or entity not in declaration.meta.entities:
        raise FormatError(
            f"{declaration.path} has a table {found.name!r}, which is no entity of the declaration",
            where=declaration.where("meta.pe.entities"),
            remedy=f"Declare {found.name} with its key, or name the table after its entity.",
        )
    declared = declaration.meta.columns
    columns = tuple(
        _with_entity(column, declared.get(column.name), entity) for column in found.columns
    )
    return Table(name=entity, rows=found.rows, entity=entity, columns=columns)


def _with_entity(column: Column, declared: str | None, rows: str) -> Column:
    if declared is None or declared == rows:
        return column
    return column.model_copy(update={"entity": declared})


def _check_entities(
    declaration: Declaration,
    columns: Mapping[str, Mapping[str, Column]],
    every: Mapping[str, Column],
) -> None:
    for name, entity in declaration.meta.entities.items():
        # An entity without a table of its own is keyed by a column of the rows' table.
        own = columns.get(name, every)
        _check_present(declaration, entity.key, own, "entities", name, "key")
        for other, column in entity.references.items():
            _check_present(declaration, column, own, "entities", name, "references", other)


def _check_present(
    declaration: Declaration, name: str, columns: Mapping[str, Column], *keys: str
) -> None:
    if name in columns:
        return
    import difflib

    close = difflib.get_close_matches(name, list(columns), n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Name one of its {len(columns)} columns."
    raise FormatError(
        f"{declaration.path} has no column {name!r}",
        where=declaration.where("meta.pe", *keys),
        remedy=f"{hint} Or build the file with that column.",
    )


def _check_numeric(declaration: Declaration, column: Column) -> None:
    if not _NUMERIC.fullmatch(column.type):
        raise FormatError(
            f"the weight {column.name!r} of {declaration.path} is of type {column.type}",
            where=declaration.where("meta.pe.weight"),
            remedy="Name a column of numbers, or write the weights as numbers.",
        )


def _check_exact(value: object, where: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_exact(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            _check_exact(inner, where)
    elif (isinstance(value, int) and abs(value) >= 2**53) or (
        isinstance(value, float) and value - value != 0
    ):
        raise FormatError(
            f"the parameter {value} cannot be written exactly in JSON",
            where=where,
            remedy="Put it in quotes in the parameters file and convert it in the build script.",
        )
