"""A repo on Hugging Face's hub: its revisions and files, commits, branches and tags.

The endpoint and the token are huggingface_hub's affair (``HF_ENDPOINT``, ``HF_TOKEN``, ``hf auth
login``): pe_dvc neither reads nor shows a token.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.hub.hub_errors import hub_errors
from pe_dvc.documents.hub_uri import HubFile, HubPlace
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Hub:
    """One repo of the hub."""

    def __init__(self, place: HubPlace) -> None:
        self.place = place

    @cached_property
    def _api(self) -> Any:
        try:
            from huggingface_hub import HfApi
            from huggingface_hub.utils.tqdm import disable_progress_bars
        except ModuleNotFoundError:
            raise PeDvcError(
                "hf:// needs the Python package huggingface_hub, which is not installed here",
                remedy="Install it: pip install huggingface_hub",
            ) from None
        disable_progress_bars()
        # Read now: huggingface_hub reads it once, when it is imported.
        return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="pe_dvc")

    @cached_property
    def _repo(self) -> dict[str, str]:
        return {"repo_id": self.place.repo_id, "repo_type": self.place.repo_type}

    def commit_of(self, revision: str) -> str | None:
        """Return the commit of a branch, tag or commit, None for what is none."""
        api = self._api
        try:
            with hub_errors(self.place, "read", revision):
                return str(api.repo_info(**self._repo, revision=revision).sha)
        except NotFoundError as error:
            if "no such revision" in error.message:
                return None
            raise

    def files(self, revision: str) -> dict[str, HubFile]:
        """Return all files of a revision, by path, with what the hub says of them."""
        api = self._api
        with hub_errors(self.place, "list", revision):
            tree = list(api.list_repo_tree(**self._repo, revision=revision, recursive=True))
        return {
            entry.path: HubFile(
                size=int(entry.lfs.size if entry.lfs else entry.size),
                sha256=Sha256(entry.lfs.sha256) if entry.lfs else None,
            )
            for entry in tree
            if hasattr(entry, "blob_id")
        }

    def download(self, path: str, revision: str, directory: Path) -> Path:
        """Download a file of a revision below ``directory``, and return where it is."""
        api = self._api
        with hub_errors(self.place, "read", path):
            found = api.hf_hub_download(
                **self._repo, filename=path, revision=revision, local_dir=directory
            )
        return Path(found)

    def start_branch(self, branch: str, commit: str) -> None:
        """Start a branch at a commit; one that is there already stays where it is."""
        api = self._api
        with hub_errors(self.place, "write", branch):
            api.create_branch(**self._repo, branch=branch, revision=commit, exist_ok=True)

    def commit(
        self,
        branch: str,
        files: Mapping[str, Path | bytes],
        message: str,
        *,
        parent: str,
        copied: Mapping[str, str] | None = None,
    ) -> str:
        """Commit files on a branch whose head must be ``parent``; return the new commit.

        ``copied`` are paths whose files are taken from other revisions. Raises MovedError if the
        head is another.
        """
        api = self._api
        from huggingface_hub import CommitOperationAdd, CommitOperationCopy

        operations = [
            *(CommitOperationCopy(p, p, src_revision=r) for p, r in (copied or {}).items()),
            *(
                CommitOperationAdd(path, str(data) if isinstance(data, Path) else data)
                for path, data in files.items()
            ),
        ]
        with hub_errors(self.place, "write", branch):
            done = api.create_commit(
                **self._repo,
                operations=operations,
                commit_message=message,
                revision=branch,
                parent_commit=parent,
            )
        return str(done.oid)

    def create_tag(self, tag: str, commit: str) -> None:
        """Tag a commit. Raises ConflictError for a tag that is there already."""
        api = self._api
        with hub_errors(self.place, "write", tag):
            api.create_tag(**self._repo, tag=tag, revision=commit, exist_ok=False)

    def delete_branch(self, branch: str) -> None:
        """Delete a branch, if it is there."""
        api = self._api
        try:
            with hub_errors(self.place, "delete", branch):
                api.delete_branch(**self._repo, branch=branch)
        except NotFoundError:
            return
