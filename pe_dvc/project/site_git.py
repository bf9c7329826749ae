"""What a data repo has committed, for its site: without a bucket.

Signed versions are those in the commits behind HEAD; manifests and sidecars are found by their
sha256 in these commits, else in the cache of this machine. What is committed may not be published
yet, and may have expired: pages say where they were read from.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.documents.profile import Profile
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.documents.release_target import releases_of
from pe_dvc.documents.revocation import revocations_of
from pe_dvc.documents.sidecar_files import CODEBOOK, PROFILE
from pe_dvc.documents.sidecar_refs import content_sidecars
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import NotFoundError, PeDvcError
from pe_dvc.primitives.reference import CHANNELS, Reference
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.notes import note_once
from pe_dvc.project.reader_trust import trusted_root
from pe_dvc.project.seen import seen_folder
from pe_dvc.project.site_source import Channel, Found
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.files import TreeChannelFiles
from pe_dvc.trust.seen import SeenFile, highest_signed, version_of
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import expiry_days, parse
from pe_dvc.usecases.channel.version import Version, pointers_in
from pe_dvc.usecases.read.describe import Description
from pe_dvc.usecases.read.found_manifest import FoundManifest
from pe_dvc.usecases.read.ls import by_version
from pe_dvc.usecases.read.resolve import described_by
from pe_dvc.usecases.revoked import revoked_error
from pe_dvc.usecases.site.catalog import CatalogRelease

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.adapters.git.tags import GitChange
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.release_target import Released
    from pe_dvc.documents.revocation import Revocation
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.store.cache import Cache
    from pe_dvc.trust.tuf_api import Metadata
    from pe_dvc.usecases.read.resolve import Resolved

_SHALLOW = "this clone of git is shallow, and has no earlier commits"


class GitPublished:
    """What is committed (``pe_dvc.project.site_source.Published``)."""

    name = "git"

    def __init__(self, repo: DataRepo, cache: Cache) -> None:
        self.country = repo.country
        self._repo, self._cache = repo, cache
        self._channels = GitChannels(repo)

    @cached_property
    def root(self) -> bytes:
        """See Published. Raises UntrustedError in a clone of another root than the pinned one."""
        self._repo.check_root(required=True)
        return trusted_root(self.country, self._repo)

    @property
    def seen(self) -> bytes | None:
        """See Published: the newest publication that is committed in ``seen/``."""
        try:
            url = self._repo.own_store_url
        except NotFoundError:
            return None
        root = self._repo.signed_metadata().root.signed
        seen = highest_signed(self._seen_files(), root, self.country, url)
        return None if seen is None else seen.for_pages()

    def _seen_files(self) -> Iterator[SeenFile]:
        tree, folder = self._git.head(), seen_folder(self._repo)
        for name in tree.entries(folder)[0]:
            version, path = version_of(name), f"{folder}/{name}"
            if version is not None:
                read = partial(tree.read_signed, path)
                yield SeenFile(version=version, place=tree.where(path), read=read)

    @cached_property
    def today(self) -> Mapping[str, Channel]:
        """See Published: the newest version of each channel that was committed signed."""
        found: dict[str, Channel] = {}
        for name in CHANNELS:
            newest = self._newest(name)
            if newest is None:
                continue
            pointers = pointers_in(newest, self.country, name, self._where(name))
            expires = newest.signed.expires
            found[name] = Channel(version=newest.signed.version, expires=expires, pointers=pointers)
            if expires <= datetime.now(UTC):
                note_once(f"{name} of {self.country} has expired in git: it may be an old state")
        if not found:
            raise NotFoundError(
                f"no commit behind HEAD has a signed channel of {self.country}",
                remedy="Commit channels/ once it is signed, or build from the bucket.",
            )
        return found

    @cached_property
    def history(self) -> tuple[Mapping[str, Sequence[Version]], str | None]:
        """See Published."""
        found = {}
        for name, channel in self.today.items():
            held = self._channels.versions(name)
            numbers = sorted(number for number in held if number <= channel.version)
            found[name] = [self._version(name, *held[number]) for number in numbers]
        return found, _SHALLOW if self._git.is_shallow else None

    def _version(self, channel: str, change: GitChange, data: bytes) -> Version:
        """Return a version that was verified, by the targets of the same commit."""
        folder = self._repo.settings.channels
        targets = SignedMetadata(TreeChannelFiles(change.tree, folder, self.country)).targets
        where = self._where(channel)
        metadata = parse(Targets, data, where=where)
        expires = metadata.signed.expires
        return Version(
            channel=channel,
            version=metadata.signed.version,
            signed_at=expires - timedelta(days=expiry_days(targets.signed, channel)),
            expires=expires,
            signers=(),
            pointers=pointers_in(metadata, self.country, channel, where),
            data=data,
        )

    @cached_property
    def releases(self) -> Sequence[CatalogRelease]:
        """See Published."""
        newest = self._newest("releases")
        if newest is None:
            return ()
        where = self._where("releases")
        found = releases_of(plain(newest.signed), country=self.country, where=where)
        return [self._release(found[tag]) for tag in sorted(found, key=by_version)]

    def _release(self, released: Released) -> CatalogRelease:
        """Release manifests are not committed: one that was read here is in the cache."""
        data = self._cache.read_manifest(released.sha256)
        if data is None:
            return CatalogRelease(released=released, lacks="git does not have its manifest")
        where = f"release {released.tag}"
        return CatalogRelease(
            released=released, manifest=ReleaseManifest.from_bytes(data, where=where)
        )

    @cached_property
    def withdrawn(self) -> Mapping[Sha256, Revocation]:
        """See Published. Raises SignatureError for a role that never was signed by enough."""
        newest = self._newest("revoked")
        if newest is None and self._repo.channel_files.exists("revoked"):
            newest = self._repo.signed_metadata().verified("revoked")
        if newest is None:  # a country of an older pe_dvc
            return {}
        where = self._where("revoked")
        return revocations_of(plain(newest.signed), country=self.country, where=where)

    def read(self, pointers: Sequence[Pointer]) -> Sequence[Found | PeDvcError]:
        """See Published."""
        manifests = self._committed({pointer.manifest_sha256 for pointer in pointers})
        resolved = [self._resolved(pointer, manifests) for pointer in pointers]
        named = [
            sidecar.sha256
            for one in resolved
            if not isinstance(one, PeDvcError)
            for sidecar in content_sidecars(one.manifest).values()
        ]
        sidecars = self._committed(set(named))
        return [one if isinstance(one, PeDvcError) else _found(one, sidecars) for one in resolved]

    def _resolved(
        self, pointer: Pointer, manifests: Mapping[Sha256, bytes]
    ) -> Resolved | PeDvcError:
        reference = Reference.pinned(self.country, pointer.name, pointer.sha256)
        if pointer.sha256 in self.withdrawn:
            return revoked_error(self.withdrawn[pointer.sha256], asked=str(reference))
        digest = pointer.manifest_sha256
        data = manifests.get(digest) or self._cache.read_manifest(digest)
        if data is None:
            return NotFoundError(f"git has no manifest of sha256:{digest}")
        try:
            found = described_by(
                reference, pointer.sha256, FoundManifest(data, "a manifest"), pointer
            )
            _ = found.manifest  # read here: it may be malformed
        except PeDvcError as error:
            return error
        return found

    def _committed(self, digests: set[Sha256]) -> dict[Sha256, bytes]:
        """Return documents by their sha256, those that are in git or in the cache."""
        found: dict[Sha256, bytes] = {}
        for data in self._git.files_behind_head(self._repo.settings.manifests):
            if len(found) == len(digests):
                break
            digest = sha256_bytes(data)
            if digest in digests:
                found[digest] = data
        for digest in digests - found.keys():
            cached = self._cache.read_sidecar(digest)
            if cached is not None:
                found[digest] = cached
        return found

    def _newest(self, role: str) -> Metadata[Targets] | None:
        newest = self._channels.newest(role)
        return parse(Targets, newest.data, where=newest.where) if newest.data else None

    def _where(self, role: str) -> str:
        return f"{role} of {self.country} in git"

    @cached_property
    def _git(self) -> GitTags:
        return GitTags(self._repo.root, root=self._repo.root)

    def said(self, error: PeDvcError) -> str:
        """See Published."""
        return error.message


def _found(resolved: Resolved, sidecars: Mapping[Sha256, bytes]) -> Found | PeDvcError:
    named = content_sidecars(resolved.manifest)
    here = {kind: sidecars.get(named[kind].sha256) for kind in (CODEBOOK, PROFILE) if kind in named}
    try:
        known, figures = here.get(CODEBOOK), here.get(PROFILE)
        profile = None if figures is None else Profile.from_bytes(figures, where="a profile")
        dataset = Description(resolved=resolved, codebook_document=known).dataset
    except PeDvcError as error:
        return error
    lacks = tuple(kind for kind, data in here.items() if data is None)
    return Found(dataset=replace(dataset, profile=profile), lacks=lacks)
