"""What a pointer signs of a dataset's file, so that who only wants its bytes asks for no manifest.

A manifest says the same, and more. Directories have none of this, nor files that lie elsewhere as
well: there a manifest decides where the bytes are. Format: ADR 0030.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.digest import (
    CHUNK_SIZE,
    Sha256,
    check_sha256,
    implied_chunks,
    sha256_bytes,
)
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_inside

if TYPE_CHECKING:
    from pe_dvc.documents.artifact import Artifact

FILE = "file"
"""The key in a pointer's ``custom``."""

_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class PointedFile:
    """A file's ``path`` in its data repo, DVC's ``md5`` of it, and its chunk list's sha256.

    ``chunks_sha256`` is None where that list follows from the file's own sha256, which is so of
    up to one chunk.
    """

    path: str
    md5: str
    chunks_sha256: Sha256 | None = None

    def __str__(self) -> str:
        chunks = f" in chunks of {self.chunks_sha256}" if self.chunks_sha256 else ""
        return f"{self.path} with md5 {self.md5}{chunks}"

    @classmethod
    def of(cls, payload: Payload) -> PointedFile | None:
        """Return what is signed of what a manifest describes; None where a manifest decides."""
        if payload.location is not None or payload.chunks_sha256 is None:
            return None
        return cls._of_chunks(
            path=payload.path,
            md5=payload.md5,
            chunk_size=payload.chunk_size,
            listed=payload.chunks_sha256,
            implied=implied_sha256(payload.sha256, payload.size),
        )

    @classmethod
    def of_artifact(cls, artifact: Artifact) -> PointedFile | None:
        """Return the same of a whole manifest's artifact."""
        if artifact.location is not None or artifact.chunks is None:
            return None
        return cls._of_chunks(
            path=artifact.path,
            md5=artifact.dvc.md5,
            chunk_size=artifact.chunks.size,
            listed=Sha256(artifact.chunks.sha256),
            implied=implied_sha256(artifact.sha256, artifact.size),
        )

    @classmethod
    def _of_chunks(
        cls, *, path: str, md5: str, chunk_size: int, listed: Sha256, implied: Sha256 | None
    ) -> PointedFile | None:
        if chunk_size != CHUNK_SIZE or implied not in (None, listed):
            return None
        return cls(path=path, md5=md5, chunks_sha256=None if implied else listed)

    @classmethod
    def from_json(cls, value: Any, *, where: str) -> PointedFile:
        """Read it as it is signed; fields that this version does not know are ignored.

        Raises FormatError.
        """
        if not isinstance(value, dict):
            raise FormatError(f"custom.{FILE} is {value!r}: expected an object", where=where)
        md5, chunks = _text(value, "md5", where), value.get("chunks_sha256")
        if not _MD5.fullmatch(md5):
            raise FormatError(f"custom.{FILE}.md5 is {md5!r}: expected 32 digits", where=where)
        return cls(
            path=check_inside(_text(value, "path", where), where=where),
            md5=md5,
            chunks_sha256=None if chunks is None else check_sha256(str(chunks), where=where),
        )

    def to_json(self) -> dict[str, str]:
        """Return it as it is signed."""
        chunks = {"chunks_sha256": str(self.chunks_sha256)} if self.chunks_sha256 else {}
        return {"path": self.path, "md5": self.md5, **chunks}

    def payload(self, *, country: str, name: str, sha256: Sha256, size: int) -> Payload | None:
        """Return the payload, as a manifest would describe it.

        None if it lacks the chunk list's sha256 of a file of several chunks.
        """
        chunks = self.chunks_sha256 or implied_sha256(sha256, size)
        if chunks is None:
            return None
        return Payload(
            country=country,
            name=name,
            path=self.path,
            sha256=sha256,
            size=size,
            md5=self.md5,
            chunk_size=CHUNK_SIZE,
            chunks_sha256=chunks,
        )


def implied_sha256(sha256: str, size: int) -> Sha256 | None:
    """Return the sha256 of a chunk list that follows from a file's own, None if it does not."""
    implied = implied_chunks(sha256, size, CHUNK_SIZE)
    return None if implied is None else sha256_bytes(implied)


def _text(value: dict[str, Any], key: str, where: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise FormatError(f"custom.{FILE}.{key} is missing or is not text", where=where)
    return found
