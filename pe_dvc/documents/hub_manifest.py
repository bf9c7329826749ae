"""A release manifest of a hub, as PolicyEngine's producers write it: what it names, and where.

Read with a wide eye: of each artifact the fields that say which bytes it is and where they lie;
what else there is differs from producer to producer.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.hub_uri import HubPlace
from pe_dvc.documents.release_layout import RELEASE_SCOPED
from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.names import check_distinct, check_inside, check_name
from pe_dvc.primitives.sizes import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEDY = "Give the release_manifest.json of a release, or the URI of a single file."


@dataclass(frozen=True, kw_only=True)
class HubArtifact:
    """A file of a hub. ``path`` is its path in the release, ``hub_path`` that in the repo.

    ``sha256`` is None where only the hub could say it; ``size`` is None where nothing does.
    """

    name: str
    kind: str | None
    place: HubPlace
    revision: str
    path: str
    hub_path: str
    sha256: Sha256 | None
    size: int | None


def read_hub_manifest(
    data: bytes, *, place: HubPlace, revision: str, path: str, where: str
) -> list[HubArtifact]:
    """Return the artifacts that the manifest at ``path`` of a revision names, by name.

    Raises FormatError for what is no such manifest, and for artifacts without a sha256.
    """
    document = read_json(data, what="a release manifest", where=where, remedy=_REMEDY)
    listed = document.get("artifacts") if isinstance(document, dict) else None
    if not isinstance(listed, dict) or not listed:
        raise FormatError("has no artifacts", where=where, remedy=_REMEDY)
    directory = posixpath.dirname(path)
    found = [
        _artifact(name, fields, place, revision, directory, f"{where}: artifacts.{name}")
        for name, fields in sorted(listed.items())
    ]
    check_distinct((one.path for one in found), where=where)
    if len({one.path for one in found}) < len(found):
        raise FormatError("names two artifacts of one path", where=where)
    return found


def _artifact(
    name: str, fields: Any, place: HubPlace, revision: str, directory: str, where: str
) -> HubArtifact:
    if not isinstance(fields, dict):
        raise FormatError("is not an object", where=where, remedy=_REMEDY)
    kind, path, repo_id = (_text(fields, key, where) for key in ("kind", "path", "repo_id"))
    check_inside(path, where=where)
    repo_type = fields.get("repo_type") or place.repo_type
    if repo_type not in ("dataset", "model"):
        raise FormatError(f"repo_type {repo_type!r} is not dataset or model", where=where)
    size = fields.get("size_bytes")
    if size is not None and (type(size) is not int or not 0 <= size <= MAX_SIZE):
        raise FormatError(f"size_bytes {size!r} is not a size in bytes", where=where)
    scoped = kind in RELEASE_SCOPED and repo_id == place.repo_id and directory
    inside = f"{directory}/" if directory else ""
    return HubArtifact(
        name=check_name(name, where=where),
        kind=kind,
        place=HubPlace(repo_type=repo_type, repo_id=repo_id),
        revision=str(fields.get("revision") or revision),
        path=path.removeprefix(inside),
        hub_path=path if not scoped or path.startswith(inside) else f"{inside}{path}",
        sha256=check_sha256(_text(fields, "sha256", where).lower(), where=where),
        size=size,
    )


def _text(fields: Mapping[str, Any], key: str, where: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise FormatError(f"has no {key}", where=where, remedy=_REMEDY)
    return value
