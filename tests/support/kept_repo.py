"""A data repo laid out by hand with a git history and a bucket in memory, and what its keepers do.

Every command of ``pe-dvc`` that they would type is the library's call of the same name. All of
them get ``store``, so that a test can put another around the bucket.
"""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import Manifest
from pe_dvc.project.channel_log import Channels
from pe_dvc.project.fsck import fsck
from pe_dvc.project.gc import gc
from pe_dvc.project.pull import pull
from pe_dvc.project.push import push
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.verify import verify
from pe_dvc.trust.client import ChannelClient
from pe_dvc.usecases.release.read_published import read_published
from tests.support.commands import run
from tests.support.memory_store import MemoryStore
from tests.support.release_history import INPUTS
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pe_dvc.store.port import Store

NAMES = ("cps_2024", "enhanced_cps_2024")
SETTINGS = """[tool.pe_dvc]
country = "us"

[tool.pe_dvc.release]
data_package = "policyengine-us-data"
repo_id = "policyengine/policyengine-us-data"
default_datasets = {national = "enhanced_cps_2024"}
"""
NO_TABLES = "gates: {keys: false, references: false, weights: false}, vintage:"
"""The datasets are no tables: gates that read their rows are open."""

View = dict[object, Any]


class KeptRepo:
    """A data repo in git, its bucket, and readers who come new or know what was there before."""

    def __init__(self, base: Path, patch: pytest.MonkeyPatch) -> None:
        self.base, self.bucket = base, MemoryStore()
        self.store: Store = self.bucket
        self.files = HandMadeRepo(base / "repo", base / "keys")
        self._readers = 0
        patch.setenv("PE_DVC_KEYS_DIR", str(base / "keys"))
        patch.setenv("PE_DVC_CACHE_DIR", str(base / "here/cache"))
        patch.setenv("PE_DVC_STATE_DIR", str(base / "here/state"))
        patch.setenv("PE_DVC_STORE", self.bucket.url)
        patch.setattr(DataRepo, "open_bucket", lambda _repo, _url: self.store)
        self._lay_out()
        patch.chdir(self.files.root)

    def _lay_out(self) -> None:
        self.files.create(*NAMES)
        pipeline = self.files.root / "dvc.yaml"
        pipeline.write_text(pipeline.read_text().replace("vintage:", NO_TABLES))
        (self.files.root / "pyproject.toml").write_text(SETTINGS)
        (self.files.root / ".dvc/.gitignore").write_text("/cache\n/tmp\n")
        self.commit("Lay out")

    @property
    def repo(self) -> DataRepo:
        """The repo, its files read anew."""
        return DataRepo(self.files.root)

    def git(self, *arguments: str) -> str:
        return run("git", *arguments, cwd=self.files.root).stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def build(self, word: str) -> None:
        """Build each dataset anew and commit, as ``dvc repro`` and ``git commit`` do."""
        for name in NAMES:
            content = f"{word} {name}".encode()
            self.files.build(name, content)
            path = self.files.root / "manifests" / f"{name}.json"
            document = {
                **json.loads(path.read_bytes()),
                "inputs": {**INPUTS, "data_vintage": "cps_asec_2014"},
            }
            path.write_bytes(Manifest.model_validate_json(json.dumps(document)).to_bytes())
        self.files.update_latest()
        self.commit(f"Build the {word} ones")

    def push(self) -> None:
        push(self.repo)

    def reset(self, commit: str) -> None:
        """Go back to a commit, on a machine that remembers nothing."""
        self.git("reset", "--quiet", "--hard", commit)
        self.git("clean", "--quiet", "--force", "-d", "-x", "--exclude", "/.dvc/cache")
        shutil.rmtree(self.base / "here", ignore_errors=True)
        pull(self.repo)

    def view(self, *, known: bool) -> View:
        """Return all that a reader is shown, verified; ``known`` is one who was there before."""
        self._readers += 1
        state = self.base / "readers" / str(self._readers)
        if known:
            shutil.copytree(self.base / "knowing", state)
        return self._view(state)

    def remember(self) -> None:
        """Let the reader who comes back see what is published now."""
        shutil.rmtree(self.base / "knowing", ignore_errors=True)
        self._view(self.base / "knowing")

    def _view(self, state: Path) -> View:
        researcher = self.files.reader(self.bucket, state)
        client = ChannelClient(self.bucket, "us", self.files.root_of_trust, state / "state")
        view: View = {"latest": researcher.datasets(), "released": {}}
        for channel in ("latest", "next"):
            view[channel, "pointers"] = client.pointers(channel)
            for pointer in client.pointers(channel):
                key = f"us/{pointer.sha256[:2]}/{pointer.sha256}.manifest.json"
                assert self.bucket.objects.get(key), f"{channel} promises {key}"
        for tag, released in client.releases().items():
            view["released"][tag] = (released, read_published(self.bucket, released))
        return view

    def check_whole(self) -> None:
        """``channel log``, ``gc``, ``fsck`` and ``verify`` find nothing wrong."""
        for channel in ("latest", "next"):
            broken = Channels("us").log(channel).broken
            assert broken is None, broken
        planned = gc(self.repo, grace=timedelta(0)).plan.unreachable
        assert planned == [], [one.info.key for one in planned]
        report = fsck(self.repo).report
        assert report.findings == [], report.findings
        assert [c for c in verify(self.repo) if not c.ok] == []
