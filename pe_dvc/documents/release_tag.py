"""Which git tags are releases: ``1.78.2``, ``v1.78.2``, and GTO's ``name@v1.2.3``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pe_dvc.primitives.errors import FormatError, ReleaseError
from pe_dvc.primitives.names import check_name
from pe_dvc.primitives.reference import is_release


@dataclass(frozen=True, kw_only=True)
class ReleaseTag:
    """A git tag that is a release. ``version`` is without its ``v``.

    ``dataset`` is the one dataset that a tag of GTO's releases, None for the whole repo.
    """

    tag: str
    version: str
    dataset: str | None = None

    def __str__(self) -> str:
        return self.tag


def read_tag(tag: str) -> ReleaseTag | None:
    """Return the release that a git tag names, None for a tag of another kind."""
    dataset, at, version = tag.rpartition("@")
    if not is_release(version) or (at and not re.match("v", version)):
        return None
    if at:
        try:
            check_name(dataset)
        except FormatError:
            return None
    return ReleaseTag(tag=tag, version=version.removeprefix("v"), dataset=dataset or None)


def check_tag(tag: str) -> ReleaseTag:
    """Return the release that a git tag names. Raises ReleaseError for a tag of another kind."""
    found = read_tag(tag)
    if found is None:
        raise ReleaseError(
            f"the tag {tag!r} is not a release: expected the form of 1.78.2, v1.78.2 or GTO's "
            "name@v1.2.3",
            remedy="Tag the commit with a version: git tag 1.78.2",
        )
    return found


def candidates(name: str, release: str) -> tuple[str, ...]:
    """Return the tags that ``pe-data://…/{name}@{release}`` may mean, the first one first.

    The tag as it is written, GTO's tag of that dataset, and the tag with or without its ``v``.
    """
    bare = release.removeprefix("v")
    other = bare if release != bare else f"v{bare}"
    return (release, f"{name}@v{bare}", other)
