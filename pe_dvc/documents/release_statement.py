"""What a release manifest of PolicyEngine's producers states about the build of its artifacts.

Its section ``build`` is what certification reads: packages, raw inputs, environment, time. Where an
artifact was built with another model, the release's is not said of any.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.provenance import CalibrationTargets
from pe_dvc.documents.statement import Statement, digest, input_file, moment, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.provenance import InputFile

_STATED = (
    *("built_at", "built_with_model_package", "built_with_core_package", "raw_inputs"),
    *("calibration_targets", "build_environment"),
)


def is_release_manifest(document: Any) -> bool:
    """Tell whether a JSON value is a release manifest that states something of its build."""
    if not isinstance(document, dict) or not isinstance(document.get("artifacts"), dict):
        return False
    return any(_section(document, "build").get(key) for key in _STATED)


def read_release_statement(document: dict[str, Any]) -> Statement:
    """Return what a release manifest states. What it does not state in its known form is left."""
    build = _section(document, "build")
    metadata, environment = _section(build, "metadata"), _section(build, "build_environment")
    packages = {} if _differ(document, build) else dict(_packages(build))
    commit = metadata.get("data_package_git_sha") or metadata.get("git_commit")
    built_in = metadata.get("built_in")
    return Statement(
        format="policyengine-release-manifest",
        subjects=tuple(_subjects(document)),
        python_version=text(environment.get("python_version")),
        lockfile_sha256=digest(environment.get("lockfile_sha256")),
        packages={name: version for name, (version, _) in packages.items()},
        details={name: fields for name, (_, fields) in packages.items() if fields},
        raw_inputs=tuple(_inputs(build)),
        calibration_targets=_targets(_section(build, "calibration_targets")),
        git_commit=digest(commit, "40 64"),
        built_at=moment(build.get("built_at")),
        built_in=built_in if built_in in ("ci", "local") else None,
        build_id=text(build.get("build_id")),
    )


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _subjects(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for artifact in document["artifacts"].values():
        fields = artifact if isinstance(artifact, dict) else {}
        path, sha256 = fields.get("path"), digest(fields.get("sha256"))
        if isinstance(path, str) and sha256:
            yield posixpath.basename(path), sha256


def _differ(document: dict[str, Any], build: dict[str, Any]) -> bool:
    """Tell whether an artifact names another model package than the release."""
    key = "built_with_model_package"
    of_artifacts = (a.get(key) for a in document["artifacts"].values() if isinstance(a, dict))
    return any(one is not None and one != build.get(key) for one in of_artifacts)


def _packages(build: dict[str, Any]) -> Iterator[tuple[str, tuple[str, dict[str, str]]]]:
    for key in ("built_with_model_package", "built_with_core_package"):
        found = _section(build, key)
        name, version = text(found.get("name")), text(found.get("version"))
        if name is None or version is None:
            continue
        fields = {
            "wheel_sha256": digest(found.get("sha256")),
            "git_sha": digest(found.get("git_sha"), "40 64"),
            "data_build_fingerprint": text(found.get("data_build_fingerprint")),
        }
        known = {field: value for field, value in fields.items() if value is not None}
        yield name.replace("_", "-").lower(), (version, known)


def _inputs(build: dict[str, Any]) -> Iterator[InputFile]:
    listed = build.get("raw_inputs")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            found = input_file(one["name"], one.get("sha256"))
            if found is not None:
                yield found


def _targets(found: dict[str, Any]) -> CalibrationTargets | None:
    snapshot, sha256 = text(found.get("snapshot_id")), digest(found.get("sha256"))
    if snapshot is None or sha256 is None:
        return None
    return CalibrationTargets(snapshot_id=snapshot, sha256=sha256)
