"""The data release manifest: what a git tag hands over to policyengine.py for certification.

The format is policyengine's (``policyengine.provenance.manifest.DataReleaseManifest``), and so is
its serialisation; what pe_dvc adds rides along as fields that policyengine ignores. A release
manifest is a pure function of its tag: no clock, no environment. ADR 0007.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pe_dvc.documents.model import Document, Record
from pe_dvc.documents.provenance import CalibrationTargets, GitCommit, HexSha256, InputFile, UtcTime
from pe_dvc.primitives.reference import ChannelName
from pe_dvc.primitives.sizes import MAX_SIZE


class PackageVersion(Record):
    """A package that the build used, as policyengine names its fields."""

    name: str
    version: str
    sha256: HexSha256 | None = None
    git_sha: str | None = None
    data_build_fingerprint: str | None = None


class Claim(Record):
    """Versions (PEP 440) of a package that the publisher vouches for."""

    name: str
    specifier: str


class PreservationMirror(Record):
    """A durable copy of one artifact; ``sha256`` is of its bytes."""

    kind: str
    url: str
    doi: str | None = None
    sha256: HexSha256


class BuildEnvironment(Record):
    """What the build ran on, as far as the manifests say."""

    python_version: str | None = None
    lockfile_sha256: HexSha256 | None = None


class BuildMetadata(Record):
    """What pe_dvc knows about the build and policyengine has no field for."""

    git_tag: str
    git_commit: GitCommit
    channel: ChannelName
    """The signed channel that holds every artifact: ``latest`` only if it was asked for."""
    channel_version: int
    built_in: str | None = None
    data_vintage: str | None = None
    built_from_changed_tree: tuple[str, ...] = ()
    """Datasets whose build found uncommitted changes in the work tree."""
    data_package_git_sha: GitCommit | None = None
    """``git_commit`` by the name that uk-data's validator asks for."""
    published: Any = None
    """The publication, signed timestamp and snapshot, that the tag's tree says was the last.

    A floor for who reads by the release (ADR 0025). Of any form, as releases of others may have it.
    """


class ReleaseBuild(Record):
    """How the release was built: that of its national dataset, where datasets differ."""

    build_id: str
    cut_tag: str | None = None
    """The git tag, where ``build_id`` names a line of releases and not one of them."""
    built_at: UtcTime | None = None
    """Of its artifacts the last that is known: of builds elsewhere, their producers may not say."""
    built_with_model_package: PackageVersion | None = None
    built_with_core_package: PackageVersion | None = None
    calibration_targets: CalibrationTargets | None = None
    raw_inputs: tuple[InputFile, ...] = ()
    build_environment: BuildEnvironment
    metadata: BuildMetadata


class ArtifactMetadata(Record):
    """What uk-data's validator asks of an artifact."""

    repo_type: str
    visibility: str


class ReleaseArtifact(Record):
    """One artifact. ``sha256`` is its identity, ``size_bytes`` its length.

    ``reference`` always means these bytes; ``manifest_sha256`` is of the artifact's manifest in
    the bucket, which is thereby signed along with the release.
    """

    kind: str
    path: str
    repo_id: str
    repo_type: Literal["model", "dataset"]
    revision: Annotated[str, Field(min_length=1)]
    sha256: HexSha256
    size_bytes: Annotated[int, Field(ge=0, le=MAX_SIZE)]
    preservation_mirrors: tuple[PreservationMirror, ...] = ()
    media_type: str
    reference: str
    manifest_sha256: HexSha256
    built_with_model_package: PackageVersion | None = None
    """Where it is not the release's."""
    uri: str | None = None
    metadata: ArtifactMetadata | None = None


class ReleaseManifest(Document):
    """A release: its artifacts by dataset name, its defaults, its claims and its build."""

    kind: ClassVar[str] = "release manifest"

    country_id: str
    created_at: UtcTime
    data_package: PackageVersion
    dataset_role: str | None = None
    is_default: bool | None = None
    compatible_model_packages: tuple[Claim, ...] = ()
    compatible_core_packages: tuple[Claim, ...] = ()
    default_datasets: dict[str, str]
    build: ReleaseBuild
    artifacts: dict[str, ReleaseArtifact]
    preservation_dois: tuple[str, ...] = ()
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The git tag."""
        return self.build.metadata.git_tag

    def to_bytes(self) -> bytes:
        """Return the bytes that policyengine's own writer makes of the same values."""
        return (json.dumps(self.to_json(), indent=2, sort_keys=True) + "\n").encode()
