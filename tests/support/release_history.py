"""A data repo in git, with keys and a bucket, whose history a test writes commit by commit."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.manifest import Manifest
from pe_dvc.documents.sidecar_files import sidecar_file
from pe_dvc.primitives.digest import chunk_digests
from pe_dvc.project.release import Releases
from pe_dvc.usecases.publish.cache_objects import CacheObject
from pe_dvc.usecases.publish.objects import ManifestToPublish, publish_objects
from tests.support.commands import run
from tests.support.environment import own_directories, own_home
from tests.support.factories import manifest_of, pointer_to
from tests.support.sidecars import with_sidecars
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pe_dvc.store.port import Store

PYPROJECT = """
[tool.pe_dvc]
country = "us"

[tool.pe_dvc.release]
data_package = "policyengine-us-data"
repo_id = "policyengine/policyengine-us-data"
repo_type = "dataset"
default_datasets = {national = "cps_2024"}
region_datasets = {state = {path_template = "data/states/{state_code}.parquet"}}
compatible_model_packages = [{name = "policyengine-us", specifier = ">=1.700,<2"}]
preservation_mirrors = [
  {kind = "zenodo", url = "https://zenodo.example.org/{version}/{path}", doi = "10.5281/zenodo.1"},
]
"""

DATASETS = {"cps_2024": b"the nation", "states/AL": b"alabama", "states/WY": b"wyoming"}

INPUTS: dict[str, Any] = {
    "data_vintage": "cps_asec_2024",
    "model_package": {
        "name": "policyengine-us",
        "version": "1.690.0",
        "wheel_sha256": "a" * 64,
        "git_sha": "b" * 40,
        "data_build_fingerprint": "sha256:f00d",
    },
    "core_package": {"name": "policyengine-core", "version": "3.33.3"},
    "raw_inputs": [{"name": "raw/asec.csv", "sha256": "c" * 64}],
    "calibration_targets": {"snapshot_id": "us-2026-03-01", "sha256": "d" * 64},
    "params": {"params.yaml": {"seed": 7}},
    "lockfile_sha256": "e" * 64,
    "python_version": "3.13.1",
}

NO_FIELDS: Mapping[str, Mapping[str, Any]] = {}
NO_SIDECARS: Mapping[str, bytes] = {}

# Git's own clock: a test that runs over midnight must not make other bytes.
MOMENT = "2026-04-20T12:00:00+02:00"


class History:
    """A clone with keys, a bucket, and what the maintainers of the data do with them."""

    def __init__(self, base: Path, *, thresholds: Mapping[str, int] | None = None) -> None:
        self.base, self.root = base, base / "us-data"
        self.bucket = base / "bucket"
        self.store: Store = LocalStore(self.bucket)
        self.keys = base / "keys"
        self.signed = SignedChannels(self.root / "channels", self.keys, now=datetime.now(UTC))
        self.environment = {
            **os.environ,
            **own_directories(base),
            "GIT_AUTHOR_DATE": MOMENT,
            "GIT_COMMITTER_DATE": MOMENT,
        }
        self.root.mkdir(parents=True)
        self.git("init", "--quiet")
        self.write("pyproject.toml", PYPROJECT)
        self.write(".gitignore", "/data\n")
        self.write(".dvc/config", f"[core]\nremote = b\n['remote \"b\"']\nurl = {self.bucket}/us\n")
        self.signed.create(thresholds=thresholds)
        self.manifests: dict[str, Manifest] = {}

    def git(self, *arguments: str, **environment: str) -> str:
        changed = {**self.environment, **environment}
        return run("git", *arguments, cwd=self.root, environment=changed).stdout.strip()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def build(
        self,
        datasets: Mapping[str, bytes] = DATASETS,
        inputs: Mapping[str, Any] = INPUTS,
        fields: Mapping[str, Mapping[str, Any]] = NO_FIELDS,
        sidecars: Mapping[str, bytes] = NO_SIDECARS,
    ) -> None:
        """Write what `dvc repro` and `pe-dvc manifest write` would write, and publish it.

        ``fields`` are of the section ``artifact``, by dataset, such as its kind and its path.
        ``sidecars`` are those of every dataset, by kind, such as its profile.
        """
        self.manifests = {}
        for name, data in datasets.items():
            artifact = {"name": name, "path": f"data/{name}.parquet", **fields.get(name, {})}
            described = _described(manifest_of(data, **artifact), inputs)
            self.manifests[name] = with_sidecars(described, sidecars)
        for name, manifest in self.manifests.items():
            self.write(f"manifests/{name}.json", manifest.to_bytes())
            for kind, data in sidecars.items():
                self.write(sidecar_file(f"manifests/{name}.json", kind), data)
        self.write("dvc.yaml", _pipeline(self.manifests))
        self.write("dvc.lock", _lock(self.manifests))
        self._publish(datasets, sidecars)

    def sign(self, *channels: str) -> None:
        """Point channels at what was built, and sign them with the keys at hand."""
        for channel in channels or ("latest", "next"):
            pointers = [pointer_to(manifest, channel) for manifest in self.manifests.values()]
            self.signed.point(channel, pointers)

    def commit(self, message: str = "Build") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def publish_release(self, tag: str) -> None:
        """Register the release of a tag that is there, commit that, and publish it."""
        releasing = Releases(self.root)
        releasing.create(tag)
        self.commit("Release")
        releasing.push(tag)

    def release(
        self,
        tag: str,
        datasets: Mapping[str, bytes] = DATASETS,
        fields: Mapping[str, Mapping[str, Any]] = NO_FIELDS,
    ) -> str:
        """Build, sign, commit and tag."""
        self.build(datasets, fields=fields)
        self.sign()
        commit = self.commit(f"Build {tag}")
        self.git("tag", tag)
        return commit

    def publish_channels(self) -> None:
        self.signed.publish_to(self.store)

    def _publish(self, datasets: Mapping[str, bytes], sidecars: Mapping[str, bytes]) -> None:
        cache = self.base / "dvc-cache"
        cache.mkdir(exist_ok=True)
        payloads, described = [], []
        for name, data in datasets.items():
            held = {**sidecars, "chunks": chunk_digests([data])}
            md5 = hashlib.md5(data).hexdigest()
            (cache / md5).write_bytes(data)
            payloads.append(CacheObject(what=name, md5=md5, path=cache / md5))
            described.append(
                ManifestToPublish(
                    manifest=self.manifests[name],
                    data=self.manifests[name].to_bytes(),
                    sidecar=lambda named, held=held: held[named.kind],  # type: ignore[misc]
                )
            )
        publish_objects(self.store, "us", payloads, described)


def _described(manifest: Manifest, inputs: Mapping[str, Any]) -> Manifest:
    return Manifest.model_validate_json(json.dumps({**manifest.to_json(), "inputs": dict(inputs)}))


def _pipeline(manifests: Mapping[str, Manifest]) -> str:
    entities = {"tax_unit": {"key": "RECID"}}
    artifacts = {
        name: {"path": m.artifact.path, "type": "dataset", "meta": {"pe": {"entities": entities}}}
        for name, m in manifests.items()
    }
    outs = [manifest.artifact.path for manifest in manifests.values()]
    stages = {"build": {"cmd": "python build.py", "outs": outs}}
    return yaml.safe_dump({"stages": stages, "artifacts": artifacts})


def _lock(manifests: Mapping[str, Manifest]) -> str:
    outs = [
        {"path": a.path, "hash": "md5", "md5": a.dvc.md5, "size": a.size}
        for a in (manifest.artifact for manifest in manifests.values())
    ]
    stages = {"build": {"cmd": "python build.py", "outs": outs}}
    return yaml.safe_dump({"schema": "2.0", "stages": stages})


@contextmanager
def shared_history(base: Path) -> Iterator[History]:
    """Be the maintainers in a home of their own: what tests share is made before one has a home."""
    (base / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_home(base / "home").items():
            patch.setenv(name, value)
        history = History(base / "made")
        for name, value in history.environment.items():
            patch.setenv(name, value)
        yield history
