"""``hf://`` URIs as PolicyEngine's repos write them, and what a hub says of a file.

Four forms are in use: ``hf://dataset/o/r@rev/path`` (release manifests), ``hf://o/r/path@rev``
(bundles, without the type), ``hf://datasets/o/r/path@rev`` and, huggingface_hub's own,
``hf://datasets/o/r@rev/path``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_inside
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from pe_dvc.primitives.digest import Sha256

DATASET = "dataset"
_TYPES = {"dataset": "dataset", "datasets": "dataset", "model": "model", "models": "model"}
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REVISION = r"[A-Za-z0-9][A-Za-z0-9._%-]*"
_URI = re.compile(
    rf"hf://(?:(?P<type>{'|'.join(_TYPES)})/)?(?P<repo>{_PART}/{_PART})"
    rf"(?:@(?P<before>{_REVISION}))?(?:/(?P<path>[^@]+?))?(?:@(?P<after>{_REVISION}))?"
)
_REVISION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FORMS = "expected hf://dataset/OWNER/REPO@REVISION/PATH"


@dataclass(frozen=True, kw_only=True)
class HubPlace:
    """A repo on a hub. ``repo_type`` is ``dataset`` or ``model``."""

    repo_type: str
    repo_id: str

    def __str__(self) -> str:
        return f"{self.repo_type} {self.repo_id}"

    @property
    def uri(self) -> str:
        """The URI of the repo, of no revision."""
        return f"hf://{self.repo_type}/{self.repo_id}"

    @property
    def page(self) -> str:
        """Where people read about the repo, and ask for access."""
        prefix = "datasets/" if self.repo_type == DATASET else ""
        return f"https://huggingface.co/{prefix}{self.repo_id}"


@dataclass(frozen=True, kw_only=True)
class HubLocation:
    """A file of one commit of a hub, wherever the hub is (``HF_ENDPOINT``)."""

    place: HubPlace
    commit: str
    path: str

    def __str__(self) -> str:
        return f"{self.revision}/{self.path}"

    @property
    def revision(self) -> str:
        """The URI of the commit."""
        return f"{self.place.uri}@{self.commit}"


@dataclass(frozen=True, kw_only=True)
class HubManifest:
    """A release manifest on a hub, at a commit or a tag: it names files by their sha256."""

    place: HubPlace
    revision: str
    path: str

    def __str__(self) -> str:
        return f"{self.place.uri}@{self.revision}/{self.path}"


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """What a hub says of a file: its size in bytes, and of large ones the sha256."""

    size: int
    sha256: Sha256 | None


@dataclass(frozen=True, kw_only=True)
class HubUri:
    """A URI of a repo, a revision or a file. The type is None where it was not said."""

    repo_type: str | None
    repo_id: str
    revision: str | None
    path: str | None


def parse_hub_uri(text: str) -> HubUri:
    """Read any of the forms in use. Raises FormatError."""
    found = _URI.fullmatch(text)
    if (
        found is None
        or (found["before"] and found["after"])
        or (not found["type"] and found["repo"].partition("/")[0] in _TYPES)
    ):
        raise FormatError(f"{text!r} is not a URI of the hub: {_FORMS}")
    path = found["path"]
    if path is not None:
        check_inside(path, where=text)
    revision = found["before"] or found["after"]
    return HubUri(
        repo_type=_TYPES[found["type"]] if found["type"] else None,
        repo_id=found["repo"],
        revision=revision.replace("%2F", "/") if revision else None,
        path=path,
    )


def parse_hub_repo(text: str) -> HubPlace:
    """Read the URI of a repo, such as ``hf://dataset/OWNER/REPO``. Raises FormatError."""
    uri = parse_hub_uri(text)
    if uri.path is not None or uri.revision is not None or uri.repo_type is None:
        raise FormatError(f"{text!r} is not a repo of the hub: expected hf://dataset/OWNER/REPO")
    return HubPlace(repo_type=uri.repo_type, repo_id=uri.repo_id)


def is_revision(text: str) -> bool:
    """Tell whether a text can be a revision: a commit, a tag or a branch."""
    return bool(_REVISION_NAME.fullmatch(text)) and ".." not in text


def parse_release(text: str, *, where: str | None = None) -> HubManifest:
    """Read the address of a release manifest on a hub, which must say its type and revision.

    Raises FormatError.
    """
    try:
        uri = parse_hub_uri(text)
        if uri.repo_type is None or uri.revision is None or uri.path is None:
            raise FormatError(f"{text!r} names no file of a revision")
        if not uri.path.endswith(".json") or not is_revision(uri.revision):
            raise FormatError(f"{text!r} names no release manifest")
    except FormatError as error:
        raise FormatError(
            error.message,
            where=where,
            remedy="Expected the release manifest of a release, which says what lies where: "
            "hf://dataset/OWNER/REPO@TAG/releases/TAG/release_manifest.json",
        ) from None
    place = HubPlace(repo_type=uri.repo_type, repo_id=uri.repo_id)
    return HubManifest(place=place, revision=uri.revision, path=uri.path)


def parse_location(text: str, *, where: str | None = None) -> HubLocation:
    """Read where a payload lies: ``hf://dataset/OWNER/REPO@COMMIT/PATH``. Raises FormatError.

    A branch or a tag is none: what is there may become another file.
    """
    try:
        uri = parse_hub_uri(text)
        commit, path = uri.revision or "", uri.path
        if uri.repo_type is None or path is None or not _COMMIT.fullmatch(commit):
            raise FormatError("it names no file of a commit")
        found = HubLocation(
            place=HubPlace(repo_type=uri.repo_type, repo_id=uri.repo_id), commit=commit, path=path
        )
        if str(found) != text:
            raise FormatError(f"it would be written {found}")
    except FormatError as error:
        raise FormatError(
            f"{brief(repr(text))} is no location of a file: {error.message}",
            where=where,
            remedy="Expected hf://dataset/OWNER/REPO@COMMIT/PATH, with all 40 digits of the "
            "commit. If a newer pe_dvc wrote it, upgrade.",
        ) from None
    return found
