"""What an artifact was made from, and how: the sections ``inputs`` and ``build`` of manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from pe_dvc.documents.manifest_view import BuildView, UnknownView
from pe_dvc.documents.model import Record, is_empty
from pe_dvc.primitives.canonical import canonical_digest
from pe_dvc.primitives.digest import Sha256

if TYPE_CHECKING:
    from datetime import datetime

HexSha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), AfterValidator(Sha256)]
GitCommit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
UtcTime = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
"""RFC 3339 in UTC to the second, such as ``2026-04-20T12:00:00Z``."""


def utc_time(moment: datetime) -> str:
    """Return an aware ``moment`` in the form of UtcTime."""
    from datetime import UTC

    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


StatementFormat = Literal[
    "policyengine-build-manifest", "policyengine-release-manifest", "slsa-provenance-v1"
]


class Origin(Record):
    """Where DVC imported a file or directory from (``dvc import``, ``dvc import-url``)."""

    url: str
    """Without users, passwords and tokens; of a file of the importing machine, its name alone."""
    path: str | None = None
    """The path in the DVC repo at ``url``."""
    revision: str | None = None
    """The git commit of that repo."""
    etag: str | None = None
    """What the server said of the content's version, or DVC's checksum of it."""


class Unknown(UnknownView, Record):
    """Fields of ``inputs`` and ``build`` that nothing states and no stage shows, and why."""

    fields: tuple[str, ...]
    """Their names, such as ``model_package`` or ``build.built_at``."""
    reason: str


class StatementFile(Record):
    """The file in which the producer states what an artifact was made from."""

    name: str
    """Path in the data repo, with forward slashes."""
    sha256: HexSha256
    format: StatementFormat


class Package(Record):
    """A Python package that the build used, installed where the manifest was written."""

    name: str
    version: str
    wheel_sha256: HexSha256 | None = None
    git_sha: GitCommit | None = None
    data_build_fingerprint: str | None = None
    installed_from: str | None = None
    """``git``, ``editable``, ``directory`` or ``archive``, where it is not from an index."""
    known_from: Literal["lockfile", "statement"] | None = None
    """What says that the build used it, where it was not installed."""
    locked_version: str | None = None
    """What the lock file pins, where that is not what was installed."""
    unlocked_reason: str | None = None
    """Why that was accepted, as the settings say."""


class InputFile(Record):
    """A file that the build read, by the sha256 of its bytes.

    A directory is one entry, its name ending in ``/``: the sha256 is of the lines that
    ``sha256sum`` prints for its files, ``<sha256>  <path inside it>``, sorted by path.
    """

    name: str
    """Path in the data repo, with forward slashes; of one that is stated, the producer's name."""
    sha256: HexSha256
    source: Origin | None = None
    """Where DVC imported it from."""


class CalibrationTargets(Record):
    """The snapshot of targets that weights were calibrated to."""

    snapshot_id: str
    sha256: HexSha256


class Inputs(Record):
    """What the artifact was made from.

    ``composite_digest`` is the sha256 of the RFC 8785 canonical JSON of the other fields: it can
    be queried ("same recipe?") and is never an identity, since one recipe may give other bytes.
    """

    data_vintage: str | None = None
    model_package: Package | None = None
    core_package: Package | None = None
    raw_inputs: tuple[InputFile, ...] = ()
    """Data from outside: added to DVC, or made by a stage that reads no data, as a download."""
    code: tuple[InputFile, ...] = ()
    """Files that stages read and git tracks: build scripts, mostly."""
    calibration_targets: CalibrationTargets | None = None
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Parameters of DVC, seeds among them, as ``{file: {key: value}}``."""
    lockfile_sha256: HexSha256 | None = None
    python_version: str | None = None
    packages: dict[str, str] = Field(default_factory=dict, exclude_if=is_empty)
    """Versions of further Python packages, where the producer states them."""
    source: Origin | None = None
    """Where DVC imported the artifact itself from."""
    unknown: tuple[Unknown, ...] = Field(default=(), exclude_if=is_empty)
    composite_digest: HexSha256 | None = None

    def digest(self) -> Sha256:
        """Return what ``composite_digest`` must be."""
        rest = self.model_dump(mode="json", exclude_none=True, exclude={"composite_digest"})
        return canonical_digest(rest)


class Build(BuildView, Record):
    """When and where: the one part that differs between two builds of one recipe.

    Of a build that no stage of the repo ran, what its producer states; else None.
    """

    git_commit: GitCommit | None = None
    """HEAD when the build ran: the parent of the commit that holds the manifest."""
    git_dirty: bool | None = None
    """Whether files differed from it that neither ``inputs`` nor DVC's own files record."""
    built_at: UtcTime | None = None
    built_in: Literal["ci", "local"] | None = None
    repository: str | None = None
    """The git repository of ``git_commit``, where it is stated."""
    builder: str | None = None
    build_id: str | None = None
    statement: StatementFile | None = None
    """What states all this."""
