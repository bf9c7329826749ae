"""What the validators of PolicyEngine's producers ask of a release, written down as they are known.

Each function returns what is at fault, and nothing of a release that its original would take.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

POPULACE = {"populace_us_2024": "populace_us_2024.h5"}
"""microcosm's registry: which file a dataset of a release is."""


def uk_data(manifest: dict[str, Any]) -> Iterator[str]:
    """Check as ``validate_release_manifest`` of policyengine-uk-data, in its order."""
    told = manifest.get("metadata", {}).get("artifact_release", {})
    yield from _missing(told, ("repo_id", "repo_type", "version", "visibility"), "artifact_release")
    build = manifest.get("build", {})
    yield from _missing(build.get("metadata", {}), ("data_package_git_sha",), "build.metadata")
    model = build.get("built_with_model_package") or {}
    yield from _missing(model, ("data_build_fingerprint",), "built_with_model_package")
    for name, artifact in manifest["artifacts"].items():
        place = f"{artifact['repo_type']}/{artifact['repo_id']}@{artifact['revision']}"
        if artifact.get("uri") != f"hf://{place}/{artifact['path']}":
            yield f"{name}: uri {artifact.get('uri')}"
        yield from _missing(artifact.get("metadata") or {}, ("repo_type", "visibility"), name)


def release_dir(release_id: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """Check as microcosm's ``validate_release_dir`` and certification: what stands beside it."""
    directory = f"releases/{release_id}"
    wanted = ("release_manifest", "build_manifest", "calibration_diagnostics", "us_source_coverage")
    yield from (f"no {name}.json" for name in wanted if f"{directory}/{name}.json" not in files)
    manifest = json.loads(files[f"{directory}/release_manifest.json"])
    if "calibration_diagnostics" not in manifest["artifacts"]:
        yield "artifacts must include 'calibration_diagnostics'"
    if manifest["build"]["build_id"] != release_id:
        yield f"build_id {manifest['build']['build_id']}"


def load(
    pointer: dict[str, Any],
    files: Mapping[str, bytes],
    model: str,
    version: str,
) -> Iterator[str]:
    """Follow ``latest.json`` as microcosm's loader does, for a version of the model package."""
    yield from _missing(
        pointer, ("schema_version", "release_id", "updated_at", "paths"), "latest.json"
    )
    manifest = json.loads(files[pointer["paths"]["release_manifest"]])
    if manifest["build"]["build_id"] != pointer["release_id"]:
        yield f"latest.json points to {pointer['release_id']}"
    for name, file in POPULACE.items():
        if manifest["artifacts"][name]["path"] != file:
            yield f"path {manifest['artifacts'][name]['path']} does not match registry filename"
        if file not in files:
            yield f"no {file} at the root"
    if not _claimed(manifest, model, version):
        yield f"{model} {version} is outside of compatible_model_packages"


def _claimed(manifest: dict[str, Any], model: str, version: str) -> bool:
    try:
        asked = Version(version)
    except InvalidVersion:
        return False
    claims = manifest["compatible_model_packages"]
    return any(
        claim["name"] == model and SpecifierSet(claim["specifier"]).contains(asked)
        for claim in claims
    )


def _missing(found: Mapping[str, Any], names: tuple[str, ...], where: str) -> Iterator[str]:
    yield from (f"{where}: {name}" for name in names if found.get(name) is None)
