"""The payload: what a transfer has to know of an artifact, from a manifest's section ``artifact``.

The whole manifest is ``documents.manifest``'s. Its models, with pydantic, take twice as long to
load as all else that a ``get`` needs, so who only moves bytes reads this instead. A test holds
the two to the same rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pe_dvc.documents.dvc_hash import is_listing
from pe_dvc.documents.keys import payload_key
from pe_dvc.documents.versions import check_version
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_country, check_inside, check_name
from pe_dvc.primitives.printable import brief
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

HARMLESS_SUFFIXES = frozenset(
    [
        *(".parquet", ".h5", ".hdf5", ".csv", ".csv.gz", ".npy", ".npz", ".json", ".jsonl"),
        *(".ndjson", ".sqlite", ".sqlite3", ".db"),
    ]
)
"""What an unsigned manifest may choose of: no program runs a file of these."""

DIR_HASH = "dirHash"
"""in-toto's name of what a directory's identity is (``documents.members``)."""

_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


@dataclass(frozen=True, kw_only=True)
class Payload:
    """An artifact's bytes: ``sha256`` is their identity, ``size`` their length in bytes.

    ``path`` is the file's in its data repo, ``md5`` DVC's address of the bytes. The chunk list
    has a sha256 of its own and an entry for each ``chunk_size`` bytes; of a large file in a
    directory it is ``chunk_digests`` itself, a small one and a directory have none.
    ``members_sha256`` is that of a directory's list of files, and ``count`` their number.
    ``location`` is where the bytes lie beside the bucket, as it stands there.
    """

    country: str
    name: str
    path: str
    sha256: Sha256
    size: int
    md5: str
    chunk_size: int
    chunks_sha256: Sha256 | None
    chunk_digests: bytes | None = None
    members_sha256: Sha256 | None = None
    count: int = 1
    location: str | None = None

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory, whose bytes are those of its files."""
        return self.members_sha256 is not None

    @property
    def key(self) -> str:
        """Key of the bytes in the bucket."""
        return payload_key(self.country, self.md5)

    @classmethod
    def of_manifest(cls, data: bytes, *, where: str | None = None) -> Payload:
        """Read the payload from a manifest's JSON; what else is in it is not looked at.

        Raises UnsupportedVersionError for a newer major version, FormatError with the path of
        the field for anything that is wrong.
        """
        document = read_json(data, what="a manifest", where=where)
        check_version("manifest", document, where=where)
        return cls.of_document(document, where=where)

    @classmethod
    def of_document(cls, document: Any, *, where: str | None = None) -> Payload:
        """Do the same with the value of the JSON. Raises FormatError."""
        try:
            artifact = _section(document, "artifact")
            dvc = _section(artifact, "dvc")
            _expect(dvc.get("hash") == "md5", "dvc.hash", "md5", dvc.get("hash"))
            return cls(
                country=_text(artifact, "country", check_country),
                name=_text(artifact, "name", check_name),
                path=_text(artifact, "path", check_inside),
                sha256=Sha256(_text(artifact, "sha256", check_sha256)),
                size=_count(artifact, "size", least=0),
                md5=_text(dvc, "md5", _check_md5),
                location=_location(artifact),
                **_parts(artifact, dvc["md5"]),
            )
        except FormatError as error:
            raise FormatError(f"not a manifest: {error.message}", where=where) from None


def _parts(artifact: dict[str, Any], md5: str) -> dict[str, Any]:
    """Return what is known of an artifact's parts: the chunks of a file, or a directory's files."""
    of_directory = artifact.get("members") is not None
    other = "chunks" if of_directory else "members"
    _expect(artifact.get(other) is None, other, "chunks or members", artifact.get(other))
    _expect(is_listing(md5) == of_directory, "dvc.md5", "an md5 that fits the artifact", md5)
    parts = _section(artifact, "members" if of_directory else "chunks")
    sha256 = Sha256(_text(parts, "sha256", check_sha256))
    if not of_directory:
        return {"chunk_size": _count(parts, "size", least=1), "chunks_sha256": sha256}
    digest = parts.get("digest", DIR_HASH)
    _expect(digest == DIR_HASH, "members.digest", DIR_HASH, digest)
    count = _count(parts, "count", least=1)
    return {"chunk_size": 1, "chunks_sha256": None, "members_sha256": sha256, "count": count}


def _location(artifact: dict[str, Any]) -> str | None:
    # Read where it is wanted: a form that only a newer pe_dvc knows stops no reader of the bucket.
    value = artifact.get("location")
    if not isinstance(value, str | None):
        _refuse("location", "text", value)
    return value


def _section(parent: Any, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(value, dict):
        _refuse(key, "an object", value)
    return value


def _text(section: dict[str, Any], key: str, check: Callable[[str], str]) -> str:
    value = section.get(key)
    if not isinstance(value, str):
        _refuse(key, "text", value)
    try:
        return check(value)
    except FormatError as error:
        raise FormatError(f"{key}: {error.message}") from None


def _count(section: dict[str, Any], key: str, *, least: int) -> int:
    value = section.get(key)
    right = type(value) is int and least <= value <= MAX_SIZE
    _expect(right, key, f"a whole number from {least} on that a file can have", value)
    return int(value)  # type: ignore[arg-type]


def _check_md5(text: str) -> str:
    _expect(_MD5.fullmatch(text) is not None, "md5", "32 hexadecimal digits", text)
    return text


def _expect(right: bool, key: str, expected: str, value: object) -> None:
    if not right:
        _refuse(key, expected, value)


def _refuse(key: str, expected: str, value: object) -> NoReturn:
    raise FormatError(f"{key}: expected {expected}, got {brief(repr(value))}")
