"""Which git tags can be releases: versions, GTO's ``name@v1.2.3``, and labels of people's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import FormatError, ReleaseError
from pe_dvc.primitives.names import check_name
from pe_dvc.primitives.release_names import is_release, is_version
from pe_dvc.primitives.wildcards import fits

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORM = (
    "expected the form of 1.78.2, v1.78.2 or GTO's name@v1.2.3, or a label of 3 to 128 letters, "
    "digits, '.', '_' and '-' that is no channel's name and no bare hash"
)


class ReleaseTag(NamedTuple):
    """A git tag that can be a release. ``version`` is without its ``v``; a label is its own.

    ``dataset`` is the one dataset that a tag of GTO's releases, None for the whole repo.
    """

    tag: str
    version: str
    dataset: str | None = None

    def __str__(self) -> str:
        return self.tag

    @property
    def is_label(self) -> bool:
        """Whether the tag is no version."""
        return self.dataset is None and not is_version(self.tag)

    def unfit(self, patterns: Sequence[str]) -> str | None:
        """Return why a data repo that releases tags of these ``patterns`` does not take this one.

        None if it does. Without patterns, versions are releases and labels are not.
        """
        if not patterns:
            return "is a label, and [tool.pe_dvc.release] names no tags" if self.is_label else None
        if any(fits(self.tag, pattern.split("*")) for pattern in patterns):
            return None
        return f"does not fit the tags of [tool.pe_dvc.release]: {', '.join(patterns)}"


def read_tag(tag: str) -> ReleaseTag | None:
    """Return the release that a git tag may stand for, None for a tag of another form."""
    dataset, at, name = tag.rpartition("@")
    if not at:
        if not is_release(tag):
            return None
        return ReleaseTag(tag=tag, version=tag.removeprefix("v") if is_version(tag) else tag)
    if not is_version(name) or not re.match("v", name):
        return None
    try:
        check_name(dataset)
    except FormatError:
        return None
    return ReleaseTag(tag=tag, version=name.removeprefix("v"), dataset=dataset)


def check_tag(tag: str) -> ReleaseTag:
    """Return the release that a git tag may stand for. Raises ReleaseError for another form."""
    found = read_tag(tag)
    if found is None:
        raise ReleaseError(
            f"the tag {tag!r} is not a release: {_FORM}",
            remedy="Tag the commit with a version: git tag 1.78.2",
        )
    return found


def candidates(name: str, release: str) -> tuple[str, ...]:
    """Return the tags that ``pe-data://…/{name}@{release}`` may mean, the first one first.

    The tag as it is written, and for a version GTO's tag of that dataset, and the tag with or
    without its ``v``.
    """
    gto = () if not is_version(release) else (f"{name}@v{release.removeprefix('v')}",)
    return (release, *gto, *spellings(release)[1:])


def spellings(release: str) -> tuple[str, ...]:
    """Return a release's name and, for a version, the same with or without its ``v``."""
    if not is_version(release):
        return (release,)
    bare = release.removeprefix("v")
    return (release, bare if release != bare else f"v{bare}")
