"""The manifest of a dataset: its sections, and which of two manifests of the same bytes stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.artifact import Artifact, ChunkList, DvcObject, MemberList
from pe_dvc.documents.hub_uri import parse_location
from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.documents.manifest import About, Contents, Manifest
from pe_dvc.documents.members import Members
from pe_dvc.primitives.digest import CHUNK_SIZE, DIGEST_BYTES, Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError, UnsupportedVersionError
from pe_dvc.primitives.redact import secret_params

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.documents.dvc_output import Location
    from pe_dvc.documents.provenance import Build, Inputs

LARGEST_FILE = MANIFEST_LIMIT // DIGEST_BYTES * CHUNK_SIZE
"""Bytes of the largest file whose list of chunks a reader accepts."""


class FileDigest(Protocol):
    """The digests of a file."""

    @property
    def sha256(self) -> Sha256:
        """That of all its bytes."""
        ...

    @property
    def chunks(self) -> bytes:
        """Those of its chunks, 32 bytes each."""
        ...

    @property
    def size(self) -> int:
        """Its number of bytes."""
        ...


def describe_artifact(
    declaration: Declaration,
    *,
    kind: str,
    media_type: str,
    found: FileDigest | Members,
    md5: str,
    location: Location | None = None,
) -> Artifact:
    """Return the section ``artifact``: the bytes of the dataset.

    ``kind`` is what the dataset is, ``found`` the digests of a file or the files of a directory,
    ``md5`` the address of the bytes in DVC's cache, ``location`` where such bytes lie as well: it
    counts for these bytes only.
    """
    parts: dict[str, Any]
    if isinstance(found, Members):
        sha256 = found.dir_hash
        parts = {"members": MemberList(count=found.count, sha256=found.sha256)}
    else:
        sha256 = found.sha256
        parts = {"chunks": ChunkList(size=CHUNK_SIZE, sha256=sha256_bytes(found.chunks))}
        if location is not None and location.sha256 == sha256:
            where = declaration.where("path")
            parts["location"] = str(parse_location(location.uri, where=where))
    return Artifact(
        country=declaration.country,
        name=declaration.name,
        path=declaration.path,
        kind=kind,
        media_type=media_type,
        sha256=sha256,
        size=found.size,
        dvc=DvcObject(hash="md5", md5=md5),
        **parts,
    )


def check_size(declaration: Declaration, size: int) -> None:
    """Raise FormatError for a file of more bytes than readers verify: before it is hashed."""
    if size > LARGEST_FILE:
        raise FormatError(
            f"has {size:,} bytes: of a file over {LARGEST_FILE:,} (2 TiB) the list of chunks is "
            "longer than readers accept",
            where=declaration.path,
            remedy="Write it as several files in a directory, and declare that.",
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
        before.artifact.is_same_as(manifest.artifact)
        and is_described_alike(before.table, manifest.table)
        and before.inputs.data_vintage == manifest.inputs.data_vintage
        and before.build.statement == manifest.build.statement
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
    known = before.table.with_digests({}) == manifest.table
    # The first versions looked at the first period only.
    one_period = all(len(table.periods) <= 1 for table in manifest.table.tables)
    alike = known or (one_period and is_described_alike(before.table, manifest.table))
    return before.artifact.is_same_as(manifest.artifact) and alike


def is_described_alike(before: Contents, now: Contents) -> bool:
    """Tell whether a description says the same of a file, as far as its version of pe_dvc said it.

    The first versions said nothing of periods, nor of what is not in the tables. What they
    published stays as it is. Nor does a content digest say more of the same bytes.
    """
    now = now.with_digests({})
    return before.with_digests({}) in (now, _without_periods(now))


def _without_periods(contents: Contents) -> Contents:
    tables = tuple(
        table.model_copy(
            update={
                "periods": {},
                "columns": tuple(c.model_copy(update={"periods": None}) for c in table.columns),
            }
        )
        for table in contents.tables
    )
    update = {"tables": tables, "period": None, "types_from": None, "members": ()}
    return contents.model_copy(update=update)


def assemble(
    artifact: Artifact, contents: Contents, inputs: Inputs, build: Build, about: About
) -> Manifest:
    """Return the manifest of these sections."""
    return Manifest(
        artifact=artifact, table=contents, inputs=inputs, build=build, about=about or None
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
