"""From a tag, its settings and its manifests to a release manifest: a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.release import (
    BuildEnvironment,
    BuildMetadata,
    Claim,
    PackageVersion,
    PreservationMirror,
    ReleaseArtifact,
    ReleaseBuild,
    ReleaseManifest,
)
from pe_dvc.primitives.digest import sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.manifest import ManifestHead, Package
    from pe_dvc.documents.release_settings import CompatibleClaim, ReleaseSettings
    from pe_dvc.documents.release_tag import ReleaseTag
    from pe_dvc.primitives.reference import ChannelName


@dataclass(frozen=True, kw_only=True)
class TaggedCommit:
    """What git knows of a release. ``moment`` is the tag's time, a commit's for a light tag."""

    tag: ReleaseTag
    commit: str
    moment: str


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The channel, at that commit, whose signed pointers hold every artifact."""

    channel: ChannelName
    version: int


def build_release(
    tagged: TaggedCommit,
    signed_in: SignedIn,
    settings: ReleaseSettings,
    manifests: Mapping[str, tuple[ManifestHead, bytes]],
) -> ReleaseManifest:
    """Return the release of the artifacts whose ``manifests`` (with their bytes) are given.

    The defaults that name no such artifact are left out: a tag of one dataset has one artifact.
    """
    ordered = {name: manifests[name] for name in sorted(manifests)}
    defaults = {role: n for role, n in settings.default_datasets.items() if n in ordered}
    leading, _ = ordered[defaults.get("national", next(iter(ordered)))]
    build = _build(tagged, signed_in, settings, leading, [m for m, _ in ordered.values()])
    regions = {region: r.model_dump() for region, r in settings.region_datasets.items()}
    return ReleaseManifest(
        country_id=leading.artifact.country,
        created_at=tagged.moment,
        data_package=PackageVersion(name=settings.data_package, version=tagged.tag.version),
        compatible_model_packages=_claims(
            build.built_with_model_package, settings.compatible_model_packages
        ),
        compatible_core_packages=_claims(
            build.built_with_core_package, settings.compatible_core_packages
        ),
        default_datasets=defaults,
        build=build,
        artifacts={
            name: _artifact(tagged, settings, build, manifest, data)
            for name, (manifest, data) in ordered.items()
        },
        preservation_dois=tuple(settings.preservation_dois),
        metadata={"region_datasets": regions} if regions and not tagged.tag.dataset else {},
    )


def _build(
    tagged: TaggedCommit,
    signed_in: SignedIn,
    settings: ReleaseSettings,
    leading: ManifestHead,
    manifests: list[ManifestHead],
) -> ReleaseBuild:
    inputs = leading.inputs
    raw = {(r.name, r.sha256): r for m in manifests for r in m.inputs.raw_inputs}
    return ReleaseBuild(
        build_id=f"{settings.data_package}-{tagged.tag.version}-{tagged.commit[:12]}",
        built_at=max(m.build.built_at for m in manifests),
        built_with_model_package=_package(inputs.model_package),
        built_with_core_package=_package(inputs.core_package),
        calibration_targets=inputs.calibration_targets,
        raw_inputs=tuple(raw[key] for key in sorted(raw)),
        build_environment=BuildEnvironment(
            python_version=inputs.python_version, lockfile_sha256=inputs.lockfile_sha256
        ),
        metadata=BuildMetadata(
            git_tag=tagged.tag.tag,
            git_commit=tagged.commit,
            channel=signed_in.channel,
            channel_version=signed_in.version,
            built_in=leading.build.built_in,
            data_vintage=inputs.data_vintage,
            built_from_changed_tree=tuple(m.artifact.name for m in manifests if m.build.git_dirty),
        ),
    )


def _artifact(
    tagged: TaggedCommit,
    settings: ReleaseSettings,
    build: ReleaseBuild,
    manifest: ManifestHead,
    data: bytes,
) -> ReleaseArtifact:
    artifact = manifest.artifact
    model = _package(manifest.inputs.model_package)
    return ReleaseArtifact(
        kind=artifact.kind,
        path=artifact.path,
        repo_id=settings.repo_id,
        repo_type=settings.repo_type,
        revision=tagged.tag.tag,
        sha256=artifact.sha256,
        size_bytes=artifact.size,
        preservation_mirrors=_mirrors(tagged, settings, manifest),
        media_type=artifact.media_type,
        reference=manifest.reference,
        manifest_sha256=sha256_bytes(data),
        built_with_model_package=None if model == build.built_with_model_package else model,
    )


def _mirrors(
    tagged: TaggedCommit, settings: ReleaseSettings, manifest: ManifestHead
) -> tuple[PreservationMirror, ...]:
    artifact = manifest.artifact
    parts = {"path": artifact.path, "sha256": artifact.sha256, "version": tagged.tag.version}
    return tuple(
        PreservationMirror(
            kind=mirror.kind,
            url=mirror.url.format(**parts),
            doi=mirror.doi,
            sha256=artifact.sha256,
        )
        for mirror in settings.preservation_mirrors
    )


def _package(package: Package | None) -> PackageVersion | None:
    if package is None:
        return None
    return PackageVersion(
        name=package.name,
        version=package.version,
        sha256=package.wheel_sha256,
        git_sha=package.git_sha,
        data_build_fingerprint=package.data_build_fingerprint,
    )


def _claims(
    built_with: PackageVersion | None, declared: list[CompatibleClaim]
) -> tuple[Claim, ...]:
    """Return what was declared, and before it the version at build time, which is always good."""
    claims = [Claim(name=c.name, specifier=c.specifier) for c in declared]
    if built_with is not None:
        claims.insert(0, Claim(name=built_with.name, specifier=f"=={built_with.version}"))
    return tuple({(claim.name, claim.specifier): claim for claim in claims}.values())
