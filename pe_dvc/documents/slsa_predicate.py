"""SLSA provenance v1 of an artifact of a release: what its manifest records, and no more.

What was neither observed nor stated is left out, or said to be unknown (ADR 0016). What our build
type means, docs/releasing.md says. https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.provenance import InputFile, Inputs, Origin, Package
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.primitives.digest import Sha256

BUILD_TYPE = "https://policyengine.org/pe-dvc/build/v1"
BUILDER = "https://policyengine.org/pe-dvc/builder/"
"""What a builder's id begins with where its producer gives no URI: ``ci``, ``local``, ``unknown``
follow."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def predicate_of(
    release: ReleaseManifest, head: ManifestHead, manifest_sha256: Sha256
) -> dict[str, Any]:
    """Return the predicate of an artifact of a release, whose manifest is ``head``."""
    inputs, build = head.inputs, head.build
    told: dict[str, Any] = {"observed_or_stated": "stated" if build.statement else "observed"}
    if inputs.unknown:
        told["unknown"] = [one.model_dump(mode="json") for one in inputs.unknown]
    if build.git_dirty is not None:
        told["git_dirty"] = build.git_dirty
    if build.builder and not _URI.fullmatch(build.builder):
        told["builder"] = build.builder
    for name, value in (
        ("data_vintage", inputs.data_vintage),
        ("composite_digest", inputs.composite_digest),
    ):
        if value is not None:
            told[name] = value
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"dataset": head.artifact.name, "params": inputs.params},
            "internalParameters": {"release": _release(release), "manifest": told},
            "resolvedDependencies": list(_dependencies(head)),
        },
        "runDetails": {
            "builder": {"id": _builder(head)},
            "metadata": _without_none(invocationId=build.build_id, finishedOn=build.built_at),
            "byproducts": list(_byproducts(head, manifest_sha256)),
        },
    }


def _release(release: ReleaseManifest) -> dict[str, Any]:
    """Return which release states this, so that no statement of another passes for it."""
    metadata = release.build.metadata
    return {
        "country": release.country_id,
        "tag": release.tag,
        "git_commit": metadata.git_commit,
        "channel": metadata.channel,
        "created_at": release.created_at,
    }


def _builder(head: ManifestHead) -> str:
    """Return who ran the build. SLSA demands an id, so there is one for an unknown builder."""
    stated = head.build.builder
    if stated and _URI.fullmatch(stated):
        return stated
    return BUILDER + ("unknown" if stated else head.build.built_in or "unknown")


def _byproducts(head: ManifestHead, manifest_sha256: Sha256) -> Iterator[dict[str, Any]]:
    yield {
        "name": f"manifest of {head.artifact.name}",
        "digest": {"sha256": str(manifest_sha256)},
        "annotations": {"kind": "manifest"},
    }
    statement = head.build.statement
    if statement is not None:
        yield {
            "name": statement.name,
            "digest": {"sha256": statement.sha256},
            "annotations": {"kind": "statement", "format": statement.format},
        }


def _dependencies(head: ManifestHead) -> Iterator[dict[str, Any]]:
    inputs, build = head.inputs, head.build
    if build.git_commit is not None:
        yield _without_none(
            name=None if build.repository else "data repo",
            uri=f"git+{build.repository}" if build.repository else None,
            digest={"gitCommit": build.git_commit},
            annotations={"kind": "source"},
        )
    if inputs.source is not None:
        yield _origin(inputs.source)
    yield from (_file(one, "raw_input") for one in inputs.raw_inputs)
    yield from (_file(one, "code") for one in inputs.code)
    targets = inputs.calibration_targets
    if targets is not None:
        yield {
            "name": targets.snapshot_id,
            "digest": {"sha256": targets.sha256},
            "annotations": {"kind": "calibration_targets"},
        }
    if inputs.lockfile_sha256 is not None:
        yield {
            "name": "lock file",
            "digest": {"sha256": inputs.lockfile_sha256},
            "annotations": {"kind": "lockfile"},
        }
    yield from _packages(inputs)


def _packages(inputs: Inputs) -> Iterator[dict[str, Any]]:
    named = {"model_package": inputs.model_package, "core_package": inputs.core_package}
    for kind, package in named.items():
        if package is not None:
            yield _package(package, kind)
    for name, version in sorted(inputs.packages.items()):
        yield {"uri": f"pkg:pypi/{name}@{version}", "annotations": {"kind": "package"}}
    if inputs.python_version is not None:
        uri = f"pkg:generic/python@{inputs.python_version}"
        yield {"uri": uri, "annotations": {"kind": "python"}}


def _package(package: Package, kind: str) -> dict[str, Any]:
    fields = ("git_sha", "data_build_fingerprint", "installed_from", "known_from")
    more = {name: getattr(package, name) for name in fields if getattr(package, name) is not None}
    return _without_none(
        uri=f"pkg:pypi/{package.name}@{package.version}",
        digest={"sha256": package.wheel_sha256} if package.wheel_sha256 else None,
        annotations={"kind": kind, **more},
    )


def _file(one: InputFile, kind: str) -> dict[str, Any]:
    """Return a file, or a directory: its sha256 is made as in-toto's ``dirHash`` is.

    https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md
    """
    source = one.source
    return _without_none(
        name=one.name,
        digest={"dirHash" if one.name.endswith("/") else "sha256": one.sha256},
        downloadLocation=source.url if source and _URI.fullmatch(source.url) else None,
        annotations={"kind": kind},
    )


def _origin(source: Origin) -> dict[str, Any]:
    revision = source.revision or ""
    return _without_none(
        name=source.path or source.url,
        uri=source.url if _URI.fullmatch(source.url) else None,
        digest={"gitCommit": revision} if _COMMIT.fullmatch(revision) else None,
        annotations=_without_none(kind="imported_from", etag=source.etag),
    )


def _without_none(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
