"""The pointer of a hub repo, ``latest.json``: which release is current. Unsigned, and theirs.

microcosm's loader reads it, follows it to the release manifest at the release's tag, and asks
that its paths be exactly the release's contract files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.release_layout import release_directory
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Collection

CONTRACT_FILES = (
    "build_manifest.json",
    "release_manifest.json",
    "calibration_diagnostics.json",
    "us_source_coverage.json",
)
"""The files of a release's directory that the pointer names, where the release has them."""


def hub_pointer(release_id: str, tag: str, files: Collection[str], *, moment: str) -> bytes:
    """Return a pointer to a release that has these ``files``; ``moment`` is RFC 3339, in UTC."""
    directory = release_directory(release_id)
    paths = {name.removesuffix(".json"): f"{directory}/{name}" for name in CONTRACT_FILES}
    document: dict[str, Any] = {
        "schema_version": 1,
        "release_id": release_id,
        "updated_at": moment,
        "paths": {stem: path for stem, path in paths.items() if path in files},
    }
    if tag != release_id:
        document["cut_tag"] = tag
    return json.dumps(document, indent=1).encode()


def pointed_release(data: bytes, *, where: str) -> tuple[str, str]:
    """Return the release id and the tag that a pointer names. Raises FormatError."""
    document = read_json(data, what="the pointer of a hub repo", where=where)
    if not isinstance(document, dict) or not isinstance(document.get("release_id"), str):
        raise FormatError("is not the pointer of a hub repo: it has no release_id", where=where)
    release_id = document["release_id"]
    return release_id, str(document.get("cut_tag", release_id))
