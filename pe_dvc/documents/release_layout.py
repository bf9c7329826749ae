"""What the files of a release are called: its id, paths in it, and paths on a hub.

Both producers lay a release out alike in a Hugging Face repo: its documents, diagnostics and
evidence below ``releases/{id}``, all else at the root. Certification reads it so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.documents.release_settings import ReleaseSettings
    from pe_dvc.documents.release_tag import ReleaseTag

RELEASE_SCOPED = ("diagnostics", "evidence")
"""The kinds of artifact whose path is relative to the directory of the release."""

_UNQUOTED = re.compile(r"[^A-Za-z0-9._~/-]")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def release_id(settings: ReleaseSettings, tag: ReleaseTag, commit: str) -> str | None:
    """Return the id of a release by its settings: of a label, unless they say else, the label.

    None for a version without settings, whose build id is made of the data package's name.
    """
    if settings.id is None:
        return tag.tag if tag.is_label else None
    return settings.id.format(tag=tag.tag, version=tag.version, commit=commit[:12])


def is_safe_id(text: str) -> bool:
    """Tell whether an id can be one directory."""
    return _SAFE_ID.fullmatch(text) is not None and ".." not in text


def published_path(settings: ReleaseSettings, name: str, path: str) -> str:
    """Return the path of a dataset in its releases, ``path`` being the one in the data repo."""
    if name in settings.publish_as:
        return settings.publish_as[name]
    return path.removeprefix(settings.strip_prefix or "")


def release_directory(release_id: str) -> str:
    """Return the directory of a release on a hub."""
    return f"releases/{release_id}"


def hub_path(release_id: str, kind: str, path: str) -> str:
    """Return where a hub has an artifact that is ``path`` in its release."""
    directory = release_directory(release_id)
    if kind in RELEASE_SCOPED and not path.startswith(f"{directory}/"):
        return f"{directory}/{path}"
    return path


def hub_uri(repo_type: str, repo_id: str, revision: str, path: str) -> str:
    """Return the URI by which policyengine's producers name a file of a hub."""
    return f"hf://{repo_type}/{repo_id}@{revision}/{path}"


def hub_url(repo_type: str, repo_id: str, revision: str, path: str) -> str:
    """Return where a browser gets a file of Hugging Face's hub."""
    prefix = "datasets/" if repo_type == "dataset" else ""
    place = f"{repo_id}/resolve/{_quoted(revision).replace('/', '%2F')}/{_quoted(path)}"
    return f"https://huggingface.co/{prefix}{place}"


def _quoted(text: str) -> str:
    return _UNQUOTED.sub(lambda found: "".join(f"%{b:02X}" for b in found[0].encode()), text)
