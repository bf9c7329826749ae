"""The ``build_manifest.json`` that PolicyEngine's data pipelines write beside a release.

Its writers agree on the sections and differ within them: what is read here is what all of them
mean by a name, such as a key that ends in ``sha256`` in a section of inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.documents.provenance import CalibrationTargets
from pe_dvc.documents.statement import (
    Statement,
    digest,
    exact,
    input_file,
    moment,
    not_a_statement,
    text,
)
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.provenance import InputFile

_SECTIONS = ("code", "runtime", "dataset", "calibration")
_INPUTS = (
    *("ledger_artifact", "base_pool", "inputs", "source_inputs", "exact_k_ladder.pool"),
    *("dataset.donor_release", "dataset.staging_h5_sha256"),
    *("calibration.warm_start", "calibration.selection_source"),
)
"""Sections whose digests are of what the build read."""
_NOT_RESOLVED = ("not-installed", "unknown", "")
_MAX_DEPTH = 6


def read_build_manifest(data: bytes, *, where: str) -> Statement:
    """Return what a build manifest states. Raises FormatError for what is none."""
    document = read_json(data, what="a build manifest", where=where)
    if not isinstance(document, dict) or not any(s in document for s in _SECTIONS):
        raise not_a_statement(f"it has none of the sections {', '.join(_SECTIONS)}", where)
    code, runtime = _section(document, "code"), _section(document, "runtime")
    versions = {_package_name(k): v for k, v in runtime.items() if _is_version(v)}
    versions |= {
        _package_name(k): v for k, v in _section(runtime, "packages").items() if _is_version(v)
    }
    dirty = code.get("git_dirty", document.get("build_dirty"))
    commit = code.get("git_commit") or code.get("sha") or document.get("build_sha")
    return Statement(
        format="policyengine-build-manifest",
        subjects=tuple(_subjects(document)),
        python_version=versions.pop("python", None),
        packages=versions,
        raw_inputs=tuple(_inputs(document)),
        calibration_targets=_targets(_section(document, "calibration")),
        params={path: exact(value) for path, value in _seeds(document)},
        repository=text(code.get("repository") or code.get("repo")),
        git_commit=digest(commit, "40 64"),
        git_dirty=dirty if isinstance(dirty, bool) else None,
        built_at=moment(document.get("created_at") or document.get("built_at")),
        build_id=text(document.get("build_id")),
    )


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _package_name(key: Any) -> str:
    return str(key).replace("_", "-").lower()


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and value not in _NOT_RESOLVED


def _subjects(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for section in ("dataset", "calibration"):
        found = _section(document, section)
        name, sha256 = found.get("filename"), digest(found.get("sha256"))
        if isinstance(name, str) and sha256:
            yield name, sha256


def _inputs(document: dict[str, Any]) -> Iterator[InputFile]:
    for place in _INPUTS:
        value: Any = document
        for part in place.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        yield from _digests(value, place, _MAX_DEPTH)


def _digests(value: Any, place: str, depth: int) -> Iterator[InputFile]:
    """Yield each sha256 below ``value`` by its place, without the word itself."""
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            yield from _digests(inner, f"{place}.{key}", depth - 1)
    elif place.endswith("sha256"):
        found = input_file(place.removesuffix("sha256").rstrip("._"), value)
        if found is not None:
            yield found


def _targets(calibration: dict[str, Any]) -> CalibrationTargets | None:
    surface, registry = _section(calibration, "target_surface"), calibration.get("target_registry")
    version = registry.get("version") if isinstance(registry, dict) else registry
    sha256 = digest(surface.get("sha256"))
    if sha256 is None:
        return None
    return CalibrationTargets(snapshot_id=text(version) or f"sha256:{sha256}", sha256=sha256)


def _seeds(value: Any, place: str = "", depth: int = _MAX_DEPTH) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not depth:
        return
    for key, inner in value.items():
        path = f"{place}.{key}" if place else str(key)
        name = str(key).lower()
        if name in ("seed", "seeds") or name.endswith(("_seed", "_seeds")):
            yield path, inner
        else:
            yield from _seeds(inner, path, depth - 1)
