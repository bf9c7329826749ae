"""What a producer states about a build that DVC did not run, whatever the format of its file.

Formats: the ``build_manifest.json`` of PolicyEngine's pipelines, and SLSA provenance v1 as an
in-toto statement. Nothing in them is verified here but that they are about the artifact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.documents.provenance import InputFile, utc_time
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from pe_dvc.documents.provenance import CalibrationTargets, StatementFormat


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What is stated; None and empty where it is not.

    ``subjects`` are the files that the statement is about: name and sha256. ``packages`` is the
    version of each Python package, by its name as indexes compare names, and ``details`` what else
    is stated of it, by the fields of ``Package``. ``unstated`` are inputs that are named without a
    digest.
    """

    format: StatementFormat
    subjects: tuple[tuple[str, str], ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    details: dict[str, dict[str, str]] = field(default_factory=dict)
    python_version: str | None = None
    lockfile_sha256: str | None = None
    raw_inputs: tuple[InputFile, ...] = ()
    calibration_targets: CalibrationTargets | None = None
    params: dict[str, Any] = field(default_factory=dict)
    repository: str | None = None
    git_commit: str | None = None
    git_dirty: bool | None = None
    built_at: str | None = None
    built_in: Literal["ci", "local"] | None = None
    builder: str | None = None
    build_id: str | None = None
    unstated: tuple[str, ...] = ()


def not_a_statement(fault: str, where: str) -> FormatError:
    """Return the error of a file that states nothing pe_dvc can read."""
    return FormatError(
        f"states no provenance: {fault}",
        where=where,
        remedy="Name a build_manifest.json or release_manifest.json of PolicyEngine's pipelines, "
        "or an in-toto statement with SLSA provenance v1 (also in a DSSE envelope or a Sigstore "
        "bundle).",
    )


def text(value: Any) -> str | None:
    """Return a stated text without what is secret by its shape, None for what is no text."""
    return redact_text(value) if isinstance(value, str) and value.strip() else None


def moment(value: Any) -> str | None:
    """Return an ISO 8601 time with its offset as manifests have it, None for anything else."""
    try:
        found = datetime.fromisoformat(value)
        moved = found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return utc_time(moved) if found.tzinfo and moved.year >= 1000 else None


def digest(value: Any, length: str = "64") -> str | None:
    """Return a stated digest in lower-case hex, with ``length`` digits, else None."""
    plain = value.removeprefix("sha256:").lower() if isinstance(value, str) else ""
    return plain if re.fullmatch("[0-9a-f]+", plain) and str(len(plain)) in length.split() else None


def exact(value: Any) -> Any:
    """Return a stated value with whole numbers that JSON cannot hold exactly as texts."""
    if isinstance(value, dict):
        return {str(key): exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return str(value) if type(value) is int and abs(value) >= 2**53 else value


def input_file(name: str, sha256: Any) -> InputFile | None:
    """Return an input that is stated with its sha256, None without one."""
    found = digest(sha256)
    return InputFile(name=redact_text(name), sha256=found) if found else None
