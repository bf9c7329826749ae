"""A data repo's git tags as releases: trees read from git, wired to the use cases.

Works on any clone, bare ones too, and for any tag: nothing is checked out, and the work tree is
not looked at.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.documents.manifest import Manifest, ManifestHead
from pe_dvc.documents.provenance import utc_time
from pe_dvc.documents.release_build import TaggedCommit
from pe_dvc.documents.release_tag import check_tag, read_tag
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError, ReleaseError
from pe_dvc.project.repo_files import expanded, read_manifests
from pe_dvc.project.root import FILE, nearest_dvc_repo, working_directory
from pe_dvc.project.seen import seen_in_tree
from pe_dvc.project.settings import parse_settings
from pe_dvc.trust.files import TreeChannelFiles
from pe_dvc.trust.seen import FOLDER
from pe_dvc.usecases.release.derive import Locked, Release, TaggedTree, derive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.adapters.git.tag_signatures import TagSignature
    from pe_dvc.adapters.git.tags import GitTag
    from pe_dvc.adapters.git.trees import GitTree
    from pe_dvc.documents.release_tag import ReleaseTag
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.project.settings import Settings
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.seen import SeenFile


class ReleaseRepo:
    """The releases that a git repo's tags stand for."""

    def __init__(self, place: Path | None = None) -> None:
        """Open the git repo at or around ``place`` (here). Raises NotFoundError.

        The data repo is the nearest DVC repo at or above ``place``, else the top of the git repo.
        """
        start = (place or working_directory()).resolve()
        self.git = GitTags(start, root=nearest_dvc_repo(start))

    def tags(self) -> list[tuple[ReleaseTag, GitTag]]:
        """Return every tag that is a release for the settings in its own tree, by time.

        Their time is the tag's, of a light tag its commit's: labels have no other order.
        """
        return [(release, tag) for release, tag, _ in self._sorted_out() if release is not None]

    def passed_over(self) -> list[tuple[GitTag, str]]:
        """Return every other tag, by time, and why it is no release."""
        return [(tag, reason) for release, tag, reason in self._sorted_out() if release is None]

    def _sorted_out(self) -> Iterator[tuple[ReleaseTag | None, GitTag, str]]:
        patterns_of = cache(_patterns)
        for tag in self.git.tags():
            release = read_tag(tag.name)
            if release is None:
                yield None, tag, "cannot be the name of a release"
                continue
            try:
                pyproject = self.git.tree(tag.commit, name=tag.name).read(FILE)
            except NotFoundError:
                pyproject = b""
            unfit = release.unfit(patterns_of(pyproject))
            yield None if unfit else release, tag, unfit or ""

    def release(self, tag: str, *, channel: ChannelName = "next") -> Release:
        """Return the release of a tag.

        Raises NotFoundError without such a tag, and ReleaseError where it cannot be a release:
        see ``pe_dvc.usecases.release.derive.derive``; a signature that is wrong counts as well.
        """
        release_tag = check_tag(tag)
        git_tag = self.git.tag(tag)
        return derive(self._read(release_tag, git_tag), channel=channel)

    def manifests(self, tag: str) -> dict[str, Manifest]:
        """Return the manifests in a tag's tree, by dataset name, released or not.

        Raises NotFoundError, ReleaseError and FormatError.
        """
        tree = self.git.tree(self.git.tag(tag).commit, name=tag)
        found = read_manifests(tree, _settings(tree, tag), Manifest)
        return {name: manifest for name, (manifest, _) in found.items()}

    def signature(self, tag: str) -> TagSignature:
        """Return what git says of a tag's signature. Raises ReleaseError if it is wrong."""
        signature = self.git.signature(tag)
        if signature.verdict == "bad":
            raise ReleaseError(
                f"the signature of the tag {tag} is invalid: {signature.detail}",
                remedy="The tag was changed: compare it with another clone.",
            )
        return signature

    def settings(self) -> Settings:
        """Return the settings at HEAD. Raises NotFoundError, FormatError."""
        return _settings(self.git.head(), "HEAD")

    def channels(self) -> ChannelFiles:
        """Return the signed metadata at HEAD."""
        tree, settings = self.git.head(), self.settings()
        return TreeChannelFiles(tree, settings.channels, settings.country)

    def seen_files(self) -> list[SeenFile]:
        """Return what was published, as HEAD says; nothing where HEAD is no data repo."""
        with suppress(PeDvcError):
            return _seen(self.git.head(), self.settings())
        return []

    def _read(self, release_tag: ReleaseTag, git_tag: GitTag) -> TaggedTree:
        tree = self.git.tree(git_tag.commit, name=git_tag.name)
        settings = _settings(tree, git_tag.name)
        tagged = TaggedCommit(
            tag=release_tag, commit=git_tag.commit, moment=utc_time(git_tag.moment)
        )
        return TaggedTree(
            tagged=tagged,
            country=settings.country,
            settings=settings.release_settings,
            declared=_declared(tree, settings),
            manifests=read_manifests(tree, settings, ManifestHead),
            channels=TreeChannelFiles(tree, settings.channels, settings.country),
            seen=_seen(tree, settings),
        )


def _seen(tree: GitTree, settings: Settings) -> list[SeenFile]:
    return seen_in_tree(tree, f"{settings.channels}/{settings.country}/{FOLDER}")


def _settings(tree: GitTree, what: str) -> Settings:
    try:
        return parse_settings(tree.read(FILE), where=tree.where(FILE))
    except NotFoundError:
        raise ReleaseError(
            f"{what} is not a pe_dvc data repo: commit {tree.commit[:12]} has no {FILE}",
            remedy="Tag a commit of a data repo.",
        ) from None


def _patterns(pyproject: bytes) -> tuple[str, ...]:
    """Return the patterns of releases in a pyproject.toml, none in one that cannot be read."""
    try:
        settings = parse_settings(pyproject, where=FILE).release_settings
    except FormatError:
        return ()
    return tuple(settings.tags) if settings is not None else ()


def _declared(tree: GitTree, settings: Settings) -> dict[str, Locked]:
    """Return DVC's record of each dataset, by the few files of DVC's own in the tree."""
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.dvc.lineage import Lineage
    from pe_dvc.documents.declaration import read_declarations

    dvc = expanded(DvcFiles.read(tree), tree, settings)
    lineage = Lineage(dvc)
    locked = {}
    for declaration in read_declarations(dvc.artifacts, country=settings.country):
        output = lineage.output_of(declaration.path)
        inside = None
        if output is not None and output.is_directory and output.path != declaration.path:
            inside = declaration.path.removeprefix(f"{output.path}/")
        locked[declaration.name] = Locked(
            path=declaration.path, md5=output.md5 if output else None, inside=inside
        )
    return locked
