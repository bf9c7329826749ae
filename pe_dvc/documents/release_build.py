"""From a tag, its settings and its manifests to a release manifest: a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.release import (
    ArtifactMetadata,
    BuildEnvironment,
    BuildMetadata,
    Claim,
    PackageVersion,
    PreservationMirror,
    ReleaseArtifact,
    ReleaseBuild,
    ReleaseManifest,
)
from pe_dvc.documents.release_layout import hub_uri, published_path, release_id
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.names import country_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.documents.artifact import Artifact
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.provenance import Package
    from pe_dvc.documents.release_settings import CompatibleClaim, ReleaseSettings
    from pe_dvc.documents.release_tag import ReleaseTag
    from pe_dvc.primitives.reference import ChannelName


MICRODATA = "microdata"


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
    published: Mapping[str, Any] | None = None,
) -> ReleaseManifest:
    """Return the release of the artifacts whose ``manifests`` (with their bytes) are given.

    ``published`` is the publication that is a floor for who reads by the release.
    The defaults that name no such artifact are left out: a tag of one dataset has one artifact.
    """
    ordered = {name: manifests[name] for name in sorted(manifests)}
    defaults = {role: n for role, n in settings.default_datasets.items() if n in ordered}
    leading = _leading(defaults, {name: head for name, (head, _) in ordered.items()})
    build = _build(
        tagged, signed_in, settings, leading, [m for m, _ in ordered.values()], published
    )
    version = _data_version(tagged, settings)
    further: dict[str, Any] = {n: v for n, v in settings.extra.items() if n != "metadata"}
    return ReleaseManifest(
        country_id=country_code(leading.artifact.country),
        created_at=tagged.moment,
        data_package=PackageVersion(name=settings.data_package, version=version),
        dataset_role=settings.dataset_role,
        is_default=settings.is_default,
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
        metadata=_metadata(tagged, settings, version),
        **further,
    )


def _leading(defaults: Mapping[str, str], manifests: Mapping[str, ManifestHead]) -> ManifestHead:
    """Return the manifest that says how the release was built: of the national dataset.

    Without one, of the first dataset of microdata.
    """
    microdata = [name for name, head in manifests.items() if head.artifact.kind == MICRODATA]
    return manifests[defaults.get("national", next(iter([*microdata, *manifests])))]


def _data_version(tagged: TaggedCommit, settings: ReleaseSettings) -> str:
    template = settings.data_package_version or "{version}"
    return template.format(tag=tagged.tag.tag, version=tagged.tag.version)


def _metadata(tagged: TaggedCommit, settings: ReleaseSettings, version: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(settings.extra.get("metadata") or {})  # type: ignore[arg-type]
    if settings.creator is not None:
        found["creator"] = settings.creator
    if settings.region_datasets and not tagged.tag.dataset:
        regions = {name: region.model_dump() for name, region in settings.region_datasets.items()}
        found["region_datasets"] = regions
    if settings.visibility is not None:
        found["artifact_release"] = {
            "repo_id": settings.repo_id,
            "repo_type": settings.repo_type,
            "version": version,
            "visibility": settings.visibility,
        }
    return found


def _build(
    tagged: TaggedCommit,
    signed_in: SignedIn,
    settings: ReleaseSettings,
    leading: ManifestHead,
    manifests: list[ManifestHead],
    published: Mapping[str, Any] | None,
) -> ReleaseBuild:
    inputs = leading.inputs
    raw = {(r.name, r.sha256): r for m in manifests for r in m.inputs.raw_inputs}
    own_id = release_id(settings, tagged.tag, tagged.commit)
    of_package = f"{settings.data_package}-{tagged.tag.version}-{tagged.commit[:12]}"
    is_line = settings.id is not None and "{" not in settings.id
    cut = is_line if settings.cut_tag is None else settings.cut_tag
    return ReleaseBuild(
        build_id=own_id or of_package,
        cut_tag=tagged.tag.tag if cut else None,
        built_at=max(filter(None, (m.build.built_at for m in manifests)), default=None),
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
            data_package_git_sha=None if settings.visibility is None else tagged.commit,
            published=None if published is None else dict(published),
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
    path = published_path(settings, artifact.name, artifact.path)
    told: dict[str, Any] = {}
    if settings.visibility is not None:
        told["uri"] = hub_uri(settings.repo_type, settings.repo_id, tagged.tag.tag, path)
        told["metadata"] = ArtifactMetadata(
            repo_type=settings.repo_type, visibility=settings.visibility
        )
    return ReleaseArtifact(
        kind=artifact.kind,
        path=path,
        repo_id=settings.repo_id,
        repo_type=settings.repo_type,
        revision=tagged.tag.tag,
        sha256=artifact.sha256,
        size_bytes=artifact.size,
        preservation_mirrors=_mirrors(tagged, settings, artifact, path),
        media_type=artifact.media_type,
        reference=manifest.reference,
        manifest_sha256=sha256_bytes(data),
        built_with_model_package=None if model == build.built_with_model_package else model,
        **told,
    )


def _mirrors(
    tagged: TaggedCommit, settings: ReleaseSettings, artifact: Artifact, path: str
) -> tuple[PreservationMirror, ...]:
    parts = {"path": path, "sha256": artifact.sha256, "version": tagged.tag.version}
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
