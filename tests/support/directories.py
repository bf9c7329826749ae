"""Datasets that are directories: published in a country's bucket, whole or as an attacker would."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import manifest_key, members_key, payload_key
from pe_dvc.documents.members import CHUNKS_ABOVE, MemberChunks, MemberFile, dir_hash
from pe_dvc.primitives.digest import CHUNK_SIZE, Sha256, chunk_digests, sha256_bytes
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from tests.support.country import Country

STATES = {"AL.h5": b"alabama", "AK.h5": b"alaska", "notes/README": b"states"}
NAME = "states"


def md5_of(data: bytes) -> str:
    """Return DVC's md5 of a file."""
    return hashlib.md5(data).hexdigest()


def member(path: str, data: bytes) -> MemberFile:
    """Return a member of that content."""
    chunks = None
    if len(data) > CHUNKS_ABOVE:
        chunks = MemberChunks(CHUNK_SIZE, chunk_digests([data]))
    return MemberFile(path, sha256_bytes(data), len(data), md5_of(data), chunks)


def lines(members: list[MemberFile]) -> bytes:
    """Return a sidecar of members, in this order and unchecked."""
    return "".join(m.lines for m in members).encode(errors="surrogateescape")


def publish_directory(
    country: Country,
    files: dict[str, bytes],
    *,
    sidecar: bytes | None = None,
    point: bool = True,
) -> Manifest:
    """Publish a directory in ``latest``; ``sidecar`` is one that an attacker signed with it.

    Without ``point`` no channel points to it.
    """
    members = sorted(member(path, data) for path, data in files.items())
    data = lines(members) if sidecar is None else sidecar
    identity = dir_hash((m.path, m.sha256) for m in members)
    listing = json.dumps([{"md5": m.md5, "relpath": m.path} for m in members]).encode()
    manifest = manifest_of(
        b"",
        name=NAME,
        path=f"data/{NAME}",
        sha256=identity,
        size=sum(m.size for m in members),
        dvc={"hash": "md5", "md5": f"{md5_of(listing)}.dir"},
        chunks=None,
        members={"digest": "dirHash", "count": len(members), "sha256": sha256_bytes(data)},
    )
    country.write(payload_key("us", manifest.artifact.dvc.md5), listing)
    for content in files.values():
        country.write(payload_key("us", md5_of(content)), content)
    country.write(members_key("us", Sha256(identity)), data)
    country.write(manifest_key("us", Sha256(identity)), manifest.to_bytes())
    if point:
        country.point("latest", [manifest])
    return manifest
