"""What ``pe-dvc cache prune --revoked`` knows of the clone around it, and removes there."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.adapters.directories import members_of_workspace
from pe_dvc.adapters.dvc.cache import DvcListings, object_path
from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.adapters.member_digests import MemberDigests
from pe_dvc.documents.dvc_hash import bare_md5, is_listing
from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.documents.payload import Payload
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError
from pe_dvc.project.repo_files import manifest_files
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document
from pe_dvc.usecases.object_digest import md5_bytes
from pe_dvc.usecases.purge import Held, held_members, purge_files, purge_objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.purge import Contents, Gone, Purged


class Clone:
    """A data repo of whose artifacts those in ``known`` are withdrawn."""

    def __init__(self, repo: DataRepo, known: Sequence[Gone]) -> None:
        self._repo, self._known = repo, known
        self._cache_dir = repo.dvc_config.cache_dir

    @cached_property
    def manifests(self) -> list[bytes]:
        """The manifests of the checkout, whether or not each is one."""
        with suppress(OSError, PeDvcError):
            return [*manifest_files(self._repo.tree, self._repo.settings.manifests).values()]
        return []

    def listed(self, payload: Payload, found: Gone) -> list[Held] | None:
        """Return the files of a directory by what is known of it here, None if nothing is."""
        members = MemberDigests(self._repo.root).members(self._repo.root / payload.path)
        if members is not None and members.dir_hash == payload.sha256:
            return held_members(payload, members)
        # A manifest may be anyone's: DVC's listing counts if it is the one that stewards signed.
        if payload.md5 != found.dvc_md5:
            return None
        place = object_path(self._cache_dir, payload.md5)
        with suppress(OSError, FormatError):
            data = read_document(place, limit=LISTING_LIMIT)
            if md5_bytes(data) == bare_md5(payload.md5):
                files = parse_listing(data, where=str(place), remedy="")
                return [
                    Held(f"{payload.path}/{f.path}", None, f.md5, is_member=True) for f in files
                ]
        return None

    def purge(
        self, contents: Contents, done: Purged, *, workspace: bool, objects: bool = True
    ) -> None:
        """Remove what was withdrawn: ``objects`` of DVC's cache, ``workspace`` files here."""
        files = sorted(contents.files, key=lambda held: held.path)
        # The workspace first: its file may be a link to the object.
        root = self._repo.root
        purge_files(ConfinedTree(root), files, self._tracked, done, workspace=workspace)
        if not workspace:
            # An object that the checkout's file is a link to is that file: it stays as well.
            linked = {held.md5 for held in files if (root / held.path).is_symlink()}
            files = [held for held in files if held.md5 not in linked]
        place = ConfinedTree(self._cache_dir)
        purge_objects(place, self._place, files, self._needed, done, remove=objects)
        done.unlisted += [path for path in sorted(contents.unlisted) if self._may_hold_it(path)]

    def _may_hold_it(self, path: str) -> bool:
        """Tell whether a directory here has files that this checkout does not track in it."""
        folder = self._repo.root / path
        members = members_of_workspace(folder, MemberDigests(self._repo.root))
        return members is not None and any(
            self._tracked(f"{path}/{one.path}") != one.md5 for one in members
        )

    def _tracked(self, path: str) -> str | None:
        """Return DVC's md5 of a file that this checkout tracks and that is not withdrawn."""
        output = self._lineage.output_of(path)
        if output is None or output.md5 in self._gone:
            return None
        with suppress(NotFoundError, FormatError):
            return self._listings.md5_of(output, path)
        return None

    @cached_property
    def _lineage(self) -> Lineage:
        return Lineage(self._repo.dvc)

    @cached_property
    def _listings(self) -> DvcListings:
        return DvcListings(self._cache_dir)

    def _place(self, md5: str) -> str:
        return object_path(self._cache_dir, md5).relative_to(self._cache_dir).as_posix()

    @cached_property
    def _needed(self) -> set[str]:
        """DVC's md5 of all that the checkout tracks and that is not withdrawn."""
        return {
            md5
            for output in self._repo.dvc.outputs.values()
            if output.md5 is not None and output.md5 not in self._gone
            for md5 in self._files_of(output.md5)
        }

    @cached_property
    def _gone(self) -> set[str | None]:
        """DVC's md5 of what is withdrawn, by the entries and by the checkout's manifests."""
        withdrawn = {one.sha256 for one in self._known}
        gone = {one.dvc_md5 for one in self._known}
        for data in self.manifests:
            with suppress(FormatError):
                payload = Payload.of_manifest(data)
                gone |= {payload.md5} if payload.sha256 in withdrawn else set()
        return gone

    def _files_of(self, md5: str) -> Iterator[str]:
        yield md5
        if is_listing(md5):
            with suppress(PeDvcError):  # what is not in the cache has no file in the checkout
                yield from self._listings.files(md5).values()
