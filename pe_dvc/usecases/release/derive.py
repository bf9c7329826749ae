"""From what a tag's tree holds to a release, or to the reason why the tag cannot be one.

No store is touched, nothing is written, no clock is read: the same tag gives the same bytes on
every machine. What is wrong is named. ADR 0007.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.in_toto import Stated, statements_of
from pe_dvc.documents.pointer import pointers_of
from pe_dvc.documents.release_build import SignedIn, TaggedCommit, build_release
from pe_dvc.documents.release_layout import hub_path
from pe_dvc.documents.tro import build_tro
from pe_dvc.documents.tro_2023 import build_older_tro
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    ReleaseError,
    VerificationError,
)
from pe_dvc.primitives.names import country_code
from pe_dvc.trust.seen import newest_signed
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import verify_signed_by
from pe_dvc.usecases.release.settings_faults import directory_id, fault_of_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.documents.release_settings import ReleaseSettings
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.seen import SeenFile

_AMEND = "Correct [tool.pe_dvc.release] in pyproject.toml, commit, and tag that commit."
_TAG_AGAIN = "tag that commit"
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Locked:
    """DVC's record of a declared dataset: its md5, or that of the directory that holds it.

    ``inside`` is the file's path in that directory, None for a file of its own; ``md5`` is None
    where dvc.lock has no record.
    """

    path: str
    md5: str | None
    inside: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaggedTree:
    """What the tree of a tag holds, as plain data. ``declared`` is by dataset name."""

    tagged: TaggedCommit
    country: str
    settings: ReleaseSettings | None
    declared: Mapping[str, Locked]
    manifests: Mapping[str, tuple[ManifestHead, bytes]]
    channels: ChannelFiles
    seen: Sequence[SeenFile] = ()


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release and its documents. ``manifests`` are those of its artifacts, by name.

    ``pointers`` are what the channel at that commit says of them.

    ``country`` is the data repo's; policyengine.py's ``country_id`` is its code alone.
    ``directory_id`` names the directory that it has on a hub.
    """

    country: str
    manifest: ReleaseManifest
    directory_id: str
    data: bytes
    tro: bytes
    manifests: Mapping[str, tuple[ManifestHead, bytes]]
    declared: Mapping[str, Locked]
    pointers: Mapping[str, Pointer]

    @cached_property
    def statements(self) -> list[bytes]:
        """The in-toto statements of its artifacts, which are signed one by one."""
        stated = {
            name: Stated(head=head, manifest_sha256=sha256_bytes(data), pointer=self.pointers[name])
            for name, (head, data) in self.manifests.items()
        }
        return statements_of(self.manifest, stated)

    @property
    def tag(self) -> str:
        """The git tag."""
        return self.manifest.tag

    @property
    def older_tro(self) -> bytes:
        """The TRO in the terms of 2023/05, which is not signed."""
        return build_older_tro(self.manifest, self.data, self.directory_id)

    def hub_path(self, name: str) -> str:
        """Return where a hub has an artifact of the release."""
        artifact = self.manifest.artifacts[name]
        return hub_path(self.directory_id, artifact.kind, artifact.path)

    @property
    def sha256(self) -> Sha256:
        """The sha256 of the release manifest."""
        return sha256_bytes(self.data)


def derive(tree: TaggedTree, *, channel: ChannelName = "next") -> Release:
    """Return the release of a tag.

    ``channel`` is the one whose signed pointers must hold every artifact at that commit; anything
    but ``next`` is for data repos without review, and is recorded. Raises ReleaseError for a tree
    that is incomplete, does not agree with itself, or holds what was not signed.
    """
    settings = tree.settings
    if settings is None:
        raise _refusal(
            tree,
            "its pyproject.toml has no [tool.pe_dvc.release]",
            _starter(tree),
        )
    _check_tag(tree, settings)
    manifests = _complete_manifests(tree, settings.without)
    signed_in, pointers = _check_signed(tree, manifests, channel)
    manifest = build_release(tree.tagged, signed_in, settings, manifests, _published(tree))
    fault = fault_of_settings(settings, manifest, tree.declared)
    if fault is not None:
        raise _refusal(tree, fault, _AMEND)
    data = manifest.to_bytes()
    return Release(
        country=tree.country,
        manifest=manifest,
        directory_id=directory_id(settings, manifest),
        data=data,
        tro=build_tro(manifest, data),
        manifests=manifests,
        declared={name: tree.declared[name] for name in manifests},
        pointers={name: pointers[name] for name in manifests},
    )


def _starter(tree: TaggedTree) -> str:
    """Return the settings that most releases need, to paste: names are of this repo."""
    package = f"policyengine-{country_code(tree.country)}-data"
    dataset = min(tree.declared, default="enhanced_cps_2024")
    return (
        "Add it, with your names, commit, and tag that commit:\n"
        "  [tool.pe_dvc.release]\n"
        f'  data_package = "{package}"\n'
        f'  repo_id = "policyengine/{package}"\n'
        f'  default_datasets = {{national = "{dataset}"}}\n'
        "docs/releasing.md of pe_dvc has the others."
    )


def _check_tag(tree: TaggedTree, settings: ReleaseSettings) -> None:
    unfit = tree.tagged.tag.unfit(settings.tags)
    if unfit is not None:
        raise _refusal(
            tree,
            f"it {unfit}",
            'Write the pattern of your tags, as tags = "populace-us-*", in [tool.pe_dvc.release] '
            "of pyproject.toml, commit, and tag that commit.",
        )


def _complete_manifests(
    tree: TaggedTree, without: Collection[str]
) -> dict[str, tuple[ManifestHead, bytes]]:
    """Return the manifest of each dataset of the release, in order."""
    wanted = _datasets(tree, without)
    unbuilt = [name for name in wanted if tree.declared[name].md5 is None]
    missing = [name for name in wanted if name not in tree.manifests]
    undeclared = [name for name in tree.manifests if name not in tree.declared]
    differing = [
        name
        for name in wanted
        if name in tree.manifests and not _agrees(tree.declared[name], tree.manifests[name][0])
    ]
    rebuild = "Run dvc repro, commit what it writes, and tag that commit."
    _refuse(tree, unbuilt, "declared in dvc.yaml, but dvc.lock has no record of", rebuild)
    _refuse(tree, missing, "in dvc.lock, but without a manifest:", rebuild)
    _refuse(tree, differing, "the manifest's path or md5 is not dvc.lock's for", rebuild)
    directories = [n for n in wanted if _is_directory(tree, n)]
    _refuse(
        tree,
        directories,
        "a release lists files with their sha256, and these datasets are directories:",
        f"Leave them out: without = {json.dumps(directories)} in [tool.pe_dvc.release] of "
        "pyproject.toml. Files of theirs that belong into the release can be datasets as well: "
        "pe-dvc add --each.",
    )
    _refuse(tree, undeclared, "a manifest, but no declaration in dvc.yaml, of", rebuild)
    return {name: tree.manifests[name] for name in wanted}


def _is_directory(tree: TaggedTree, name: str) -> bool:
    return name in tree.manifests and tree.manifests[name][0].artifact.is_directory


def _datasets(tree: TaggedTree, without: Collection[str]) -> list[str]:
    only = tree.tagged.tag.dataset
    wanted = sorted(tree.declared.keys() - set(without))
    if only is None and wanted:
        return wanted
    if only is not None and only in tree.declared:
        return [only]
    declared = ", ".join(sorted(tree.declared)[:_SHOWN]) or "none"
    what = f"its dvc.yaml declares no dataset {only!r}" if only else "it declares no dataset"
    raise _refusal(tree, f"{what} (declared: {declared})", "Tag a commit that has it.")


def _agrees(locked: Locked, manifest: ManifestHead) -> bool:
    """Whether a manifest is of what dvc.lock records; a directory's files are in its listing."""
    artifact = manifest.artifact
    if artifact.path != locked.path:
        return False
    return locked.inside is not None or locked.md5 in (None, artifact.dvc.md5)


def _check_signed(
    tree: TaggedTree, manifests: Mapping[str, tuple[ManifestHead, bytes]], channel: ChannelName
) -> tuple[SignedIn, dict[str, Pointer]]:
    """Refuse any artifact that is not, at that commit, in the signed channel."""
    pointers, version = _signed_pointers(tree, channel)
    unsigned = [
        name
        for name, (manifest, data) in manifests.items()
        if not _is_signed(pointers.get(name), manifest, data)
    ]
    _refuse(
        tree,
        unsigned,
        f"not in the signed channel {channel} at that commit:",
        f"Promote first (pe-dvc channel promote latest next), and tag the commit where {channel} "
        "is signed. Without review: pe-dvc release create --from-latest.",
    )
    return SignedIn(channel=channel, version=version), pointers


def _signed_pointers(tree: TaggedTree, channel: ChannelName) -> tuple[dict[str, Pointer], int]:
    files = tree.channels
    try:
        delegator = SignedMetadata(files).targets.signed
        metadata = files.read(channel, Targets)
        verify_signed_by(delegator, channel, metadata, where=str(files.path(channel)))
        targets = {path: target.to_dict() for path, target in metadata.signed.targets.items()}
        where = str(files.path(channel))
        pointers = pointers_of(targets, country=tree.country, channel=channel, where=where)
    except (FormatError, NotFoundError, VerificationError) as error:
        raise _refusal(tree, error.message, error.remedy) from error
    return pointers, metadata.signed.version


def _published(tree: TaggedTree) -> dict[str, Any] | None:
    """Return what was published last as the tag's tree has it, if its own root vouches for it."""
    if not tree.seen:
        return None
    root = SignedMetadata(tree.channels).root.signed
    seen = newest_signed(tree.seen, root, tree.country)
    return None if seen is None else seen.to_json()


def _is_signed(pointer: Pointer | None, manifest: ManifestHead, data: bytes) -> bool:
    return (
        pointer is not None
        and pointer.sha256 == manifest.artifact.sha256
        and pointer.manifest_sha256 == sha256_bytes(data)
    )


def _refuse(tree: TaggedTree, names: Iterable[str], what: str, remedy: str) -> None:
    found = list(names)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise _refusal(tree, f"{what} {', '.join(found[:_SHOWN])}{more}", remedy)


def _refusal(tree: TaggedTree, message: str, remedy: str | None) -> PeDvcError:
    if remedy and _TAG_AGAIN in remedy:
        remedy = remedy.replace(_TAG_AGAIN, f"{_TAG_AGAIN} (git tag --force {tree.tagged.tag})")
    return ReleaseError(f"{tree.tagged.tag} cannot be released: {message}", remedy=remedy)
