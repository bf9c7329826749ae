"""What a data repo declares about its releases: ``[tool.pe_dvc.release]`` of its pyproject.toml.

Read from the tag's tree, so that a release says what was declared when it was tagged. ADR 0007.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from pe_dvc.documents.pydantic_reader import StrictRecord
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_inside

_VERSION = r"v?[0-9][0-9A-Za-z.!+*_-]*"
_SPECIFIERS = re.compile(
    rf"\s*(?:~=|===?|!=|<=?|>=?)\s*{_VERSION}\s*(?:,\s*(?:~=|===?|!=|<=?|>=?)\s*{_VERSION}\s*)*"
)


def _specifier(text: str) -> str:
    if not _SPECIFIERS.fullmatch(text):
        raise ValueError("should be version specifiers of PEP 440, such as >=1.690,<2")
    return text


class CompatibleClaim(StrictRecord):
    """Versions of a package that the publisher vouches for, besides the one at build time."""

    name: str
    specifier: Annotated[str, AfterValidator(_specifier)]


class RegionDatasets(StrictRecord):
    """Where the files of one kind of region lie, such as ``states/{state_code}.h5``."""

    path_template: str


class Mirror(StrictRecord):
    """A durable copy of every artifact. In ``url``, ``{path}``, ``{sha256}``, ``{version}``."""

    kind: str
    url: Annotated[str, Field(pattern=r"^https://[^{}]*(\{(path|sha256|version)\}[^{}]*)*$")]
    doi: str | None = None


_PATTERN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._@/*+-]*")


def _patterns(value: object) -> object:
    """Return ``tags`` as a list: people write one pattern as a text."""
    return [value] if isinstance(value, str) else value


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise ValueError("should be a name of git tags, where * stands for anything")
    return text


def _inside(path: str) -> str:
    try:
        return check_inside(path)
    except FormatError as error:
        raise ValueError(error.message) from None


def _prefix(path: str) -> str:
    _inside(path.removesuffix("/"))
    return path


def _extra(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what would replace what pe_dvc writes; ``metadata`` is added to."""
    for name in ReleaseManifest.model_fields:
        if name in fields and name != "metadata":
            raise ValueError(f"should not have {name}, which pe_dvc writes")
    if not isinstance(fields.get("metadata", {}), dict):
        raise ValueError("should have a table as metadata")
    return fields


class ReleaseSettings(StrictRecord):
    """The table ``[tool.pe_dvc.release]``."""

    tags: Annotated[list[Annotated[str, AfterValidator(_pattern)]], BeforeValidator(_patterns)] = (
        Field(default_factory=list)
    )
    """Patterns of the git tags that are releases, ``*`` being anything; else versions are."""
    data_package: Annotated[str, Field(min_length=1)]
    """Name of the data package, such as ``policyengine-us-data``."""
    repo_id: Annotated[str, Field(pattern=r"^[^/@\s]+/[^/@\s]+$")]
    """Where policyengine.py finds the artifacts: ``owner/name``."""
    repo_type: Literal["model", "dataset"] = "dataset"
    creator: Annotated[str, Field(min_length=1)] | None = None
    """Who made the data, as the TRO names them; else the owner in ``repo_id``."""
    id: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]|\{(tag|version|commit)\})+$")] | None = None
    """The release id, of ``{tag}``, ``{version}`` and ``{commit}``; of a label, the label."""
    cut_tag: bool | None = None
    """Whether the build names its tag as ``cut_tag``; as a rule where ``id`` is a constant."""
    data_package_version: (
        Annotated[str, Field(pattern=r"^([0-9A-Za-z.!+_-]|\{(tag|version)\})+$")] | None
    ) = None
    """The version of the data package, where it is not the tag's."""
    strip_prefix: Annotated[str, Field(pattern=r"^[^/].*/$"), AfterValidator(_prefix)] | None = None
    """A folder of the data repo that paths in the release are without, as ``data/``."""
    publish_as: dict[str, Annotated[str, AfterValidator(_inside)]] = Field(default_factory=dict)
    """Paths in the release by dataset, where they are others than in the data repo."""
    without: list[str] = Field(default_factory=list)
    """Datasets that are in no release: directories cannot be."""
    dataset_role: Annotated[str, Field(min_length=1)] | None = None
    """What a release is for that supplements another, as ``non_default_local_area``."""
    is_default: bool | None = None
    """Whether the release is meant to be a default; one that is not names no default datasets."""
    visibility: Literal["public", "private"] | None = None
    """Who may read ``repo_id``: with it come the fields that uk-data's validator asks for."""
    extra: Annotated[dict[str, JsonValue], AfterValidator(_extra)] = Field(default_factory=dict)
    """Further fields of the release manifest."""
    default_datasets: dict[str, str] = Field(default_factory=dict)
    """Datasets by role; ``national`` is what policyengine.py asks for."""
    region_datasets: dict[str, RegionDatasets] = Field(default_factory=dict)
    compatible_model_packages: list[CompatibleClaim] = Field(default_factory=list)
    compatible_core_packages: list[CompatibleClaim] = Field(default_factory=list)
    preservation_mirrors: list[Mirror] = Field(default_factory=list)
    preservation_dois: list[str] = Field(default_factory=list)
