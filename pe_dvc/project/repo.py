"""A data repo on this machine: its settings, its DVC files, its store and its remotes."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, UntrustedError
from pe_dvc.primitives.line_endings import as_committed
from pe_dvc.project.notes import note_once
from pe_dvc.project.root import find_root

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.adapters.dvc.config import DvcConfig, Remote
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.project.settings import Settings
    from pe_dvc.store.port import Store
    from pe_dvc.trust.draft_files import DraftFiles
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.signed_metadata import SignedMetadata


class DataRepo:
    """A country's data repo. Reads a file only when something of it is asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def find(cls, start: Path | None = None) -> DataRepo:
        """Return the data repo at or above ``start`` (the working directory).

        Raises NotFoundError where there is none, UntrustedError for another user's.
        """
        return cls(find_root(start))

    @classmethod
    def around(cls, start: Path | None = None) -> DataRepo | None:
        """Return the data repo at or above ``start``, None where there is none of pe_dvc's.

        Another user's is passed over, with a note.
        """
        try:
            repo = cls.find(start)
            _ = repo.settings
        except (NotFoundError, FormatError):
            return None
        except UntrustedError as error:
            note_once(f"{error.message}. {error.remedy}")
            return None
        return repo

    @cached_property
    def tree(self) -> RepoTree:
        """The repo's files: those in the work tree."""
        from pe_dvc.adapters.work_tree import WorkTree

        return WorkTree(self.root)

    @cached_property
    def settings(self) -> Settings:
        """The table ``[tool.pe_dvc]``."""
        from pe_dvc.project.settings import read_settings

        return read_settings(self.root)

    @property
    def country(self) -> str:
        """The repo's country."""
        return self.settings.country

    @cached_property
    def git(self) -> GitRepo:
        """The git repo around it. Raises NotFoundError where there is none."""
        from pe_dvc.adapters.git.repo import GitRepo

        return GitRepo(self.root)

    @cached_property
    def dvc(self) -> DvcFiles:
        """What DVC's files say, as of the first time they are asked for."""
        from pe_dvc.project.repo_files import read_dvc_files

        return read_dvc_files(self.root, self.git)

    @cached_property
    def dvc_config(self) -> DvcConfig:
        """DVC's configuration."""
        from pe_dvc.adapters.dvc.config import read_config

        return read_config(self.root)

    @property
    def channels_root(self) -> Path:
        """Directory that holds a directory of signed metadata for each country.

        Raises FormatError where a link is in it, or is it: what is written there stays there.
        """
        from pe_dvc.store.confined import ConfinedTree

        ConfinedTree(self.root).check_entries(self.settings.channels, deep=True)
        return self.root / self.settings.channels

    @property
    def channels_dir(self) -> Path:
        """Directory of the country's signed metadata."""
        return self.channels_root / self.country

    def check_country(self, country: str) -> None:
        """Raise FormatError unless ``country`` is this repo's."""
        if country != self.country:
            raise FormatError(
                f"this is the data repo of {self.country!r}, not of {country!r}",
                where=f"{self.root / 'pyproject.toml'}: tool.pe_dvc.country",
                remedy=f"Use --country {self.country}, or correct the setting.",
            )

    def open_store(self, url: str | None = None) -> Store:
        """Return the store: ``url``, ``PE_DVC_STORE``, the settings', or the DVC remote's.

        Endpoint and credentials are those of the DVC remote where that lies in the same bucket.
        Raises UntrustedError in a clone of another root than the pinned one, or where only the
        clone says that credentials go there (``pe_dvc.project.clone_options``).
        """
        self.check_root()
        return self.open_bucket(self.store_url(url))

    def store_url(self, url: str | None = None) -> str:
        """Return the address of the store that ``open_store`` opens."""
        from pe_dvc.project.stores import one_address

        return one_address(url or os.environ.get("PE_DVC_STORE")) or self.own_store_url

    @property
    def own_store_url(self) -> str:
        """Address of the store that the repo itself names. Raises NotFoundError without one."""
        from pe_dvc.project.stores import split_remote_url

        if self.settings.store:
            return self.settings.store
        if self.remote_name is None:
            raise NotFoundError(
                f"{self.root}: no store is known: neither --store, PE_DVC_STORE, store in "
                "[tool.pe_dvc] nor a default DVC remote",
                remedy=f"Run dvc remote add --default policyengine <bucket>/{self.country}.",
            )
        return split_remote_url(self.dvc_config.remote(self.remote_name).url, self.country)

    def open_bucket(self, url: str) -> Store:
        """Return the store at ``url``, by the DVC remote's options if that is its bucket."""
        from pe_dvc.project.stores import open_store, same_bucket

        remote = self._store_remote()
        if remote is None or not same_bucket(remote.url, url):
            return open_store(url)
        return self._open(url, remote)

    def open_other(self, url: str) -> Store:
        """Return the store at ``url``, by the options of any DVC remote that lies in its bucket.

        Raises UntrustedError as ``open_store``.
        """
        from pe_dvc.project.stores import open_store, same_bucket

        self.check_root()
        for name in sorted(self.dvc_config.remotes):
            remote = self.dvc_config.remote(name)
            if same_bucket(remote.url, url):
                return self._open(url, remote)
        return open_store(url)

    def open_remote(self, name: str) -> Store:
        """Return the store of a DVC remote, whose keys start at ``files/md5``."""
        remote = self.dvc_config.remote(name)
        return self._open(remote.url, remote)

    def _open(self, url: str, remote: Remote) -> Store:
        from pe_dvc.project.clone_options import CloneOptions
        from pe_dvc.project.stores import open_store

        clones = CloneOptions(remote, self.root)
        clones.check_files()
        return open_store(url, options=remote.options, refusals=clones.refusals())

    def _store_remote(self) -> Remote | None:
        """Return the remote that lies in the store, None where none is configured."""
        try:
            return self.dvc_config.remote(self.remote_name) if self.remote_name else None
        except NotFoundError:
            return None

    @property
    def remote_name(self) -> str | None:
        """Name of the DVC remote that lies in the store."""
        return self.settings.remote or self.dvc_config.default_remote

    @property
    def channel_files(self) -> ChannelFiles:
        """The files of the country's signed metadata."""
        from pe_dvc.trust.files import ChannelFiles

        return ChannelFiles(self.channels_root, self.country)

    @property
    def draft_files(self) -> DraftFiles:
        """These, and the drafts that wait for signatures."""
        from pe_dvc.trust.draft_files import DraftFiles

        return DraftFiles(self.channels_root, self.country)

    def signed_metadata(self) -> SignedMetadata:
        """Return the country's signed metadata as it is now.

        Raises UntrustedError in a clone of another root than the pinned one.
        """
        from pe_dvc.trust.signed_metadata import SignedMetadata

        self.check_root(quiet=True)
        return SignedMetadata(self.channel_files)

    def first_root(self) -> bytes | None:
        """Return the root of version 1, by which a bucket is known as this repo's; None without.

        Raises as ``signed_metadata``.
        """
        metadata = self.signed_metadata()
        return metadata.root_files[0] if metadata.files.exists() else None

    def check_root(self, *, required: bool = False, quiet: bool = False) -> None:
        """Raise UntrustedError in a clone of another root than the pinned one.

        See ``pe_dvc.project.clone_root.check_root``.
        """
        from pe_dvc.project.clone_root import check_root

        check_root(self.channel_files, required=required, quiet=quiet)

    def root_of_trust(self) -> bytes | None:
        """Return the root that this clone's git holds, None where there is none."""
        from pe_dvc.store.plain_files import read_document

        path = self.channels_dir / "root.json"
        return as_committed(read_document(path)) if path.exists() else None
