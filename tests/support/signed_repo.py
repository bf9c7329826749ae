"""A data repo laid out by hand, as `dvc add` and `dvc repro` would leave it, in milliseconds.

Publishing reads DVC's files, DVC's cache, the manifests and the channels. These are all that is
here: no pipeline. That real ones are the same is held by the tests of sandboxes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pe_dvc.documents.keys import chunks_key, payload_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.reference import Reference
from pe_dvc.project.push import Pushed, push_to
from pe_dvc.project.repo import DataRepo
from pe_dvc.trust.client import ChannelClient
from pe_dvc.usecases.read.resolve import resolve
from tests.support.commands import run
from tests.support.factories import manifest_of, pointer_to
from tests.support.sidecars import manifest_files
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.channel.update import ChannelUpdate

DVC_FILE = "outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {name}\n"
DECLARED = """  {name}:
    path: data/{name}.parquet
    type: dataset
    meta: {{pe: {{country: us, entities: {{tax_unit: {{key: RECID}}}}, vintage: cps_asec_2014}}}}
"""


@dataclass(frozen=True)
class HandMadeRepo:
    """A data repo in ``root``, whose country's keys lie in ``keys``."""

    root: Path
    keys: Path

    def create(self, *names: str) -> None:
        """Lay out git, DVC and channels; ``names`` are the datasets declared, none built yet."""
        self.root.mkdir(parents=True)
        run("git", "init", "--quiet", cwd=self.root)
        (self.root / ".dvc").mkdir()
        (self.root / ".dvc/config").write_text("[core]\n    remote = policyengine\n")
        (self.root / "pyproject.toml").write_text('[tool.pe_dvc]\ncountry = "us"\n')
        self.declare(*names)
        self.channels.create()

    def declare(self, *names: str) -> None:
        """Declare these datasets, and no others."""
        declared = "".join(DECLARED.format(name=name) for name in names)
        (self.root / "dvc.yaml").write_text(f"artifacts:\n{declared}")

    def clone(self, root: Path) -> HandMadeRepo:
        """Return another checkout, of somebody who has the same keys."""
        shutil.copytree(self.root, root)
        return HandMadeRepo(root, self.keys)

    @property
    def channels(self) -> SignedChannels:
        return SignedChannels(self.root / "channels", self.keys)

    def build(self, name: str, content: bytes) -> None:
        """Write a dataset, as a pipeline, DVC and ``pe-dvc manifest write`` do."""
        self._track(f"data/{name}.parquet", content)
        manifest = manifest_of(content, name=name, path=f"data/{name}.parquet")
        path = self.root / "manifests" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(manifest.to_bytes())

    def add_directory(self, path: str, files: dict[str, bytes]) -> None:
        """Write a directory and track it as ``dvc add`` does."""
        listing = [{"md5": self._cache(data), "relpath": name} for name, data in files.items()]
        data = json.dumps(listing).encode()
        self._point(path, self._cache(data, suffix=".dir"), len(data))
        self.ignore(path)

    def _track(self, path: str, content: bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)
        self._point(path, self._cache(content), len(content))
        self.ignore(path)

    def ignore(self, path: str) -> None:
        """Keep a file that DVC tracks out of git, as ``dvc add`` does."""
        file = (self.root / path).parent / ".gitignore"
        known = file.read_text() if file.exists() else ""
        line = f"/{Path(path).name}\n"
        if line not in known:
            file.write_text(known + line)

    def _point(self, path: str, md5: str, size: int) -> None:
        name = Path(path).name
        text = DVC_FILE.format(md5=md5, size=size, name=name)
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / f"{path}.dvc").write_text(text)

    def _cache(self, content: bytes, suffix: str = "") -> str:
        md5 = hashlib.md5(content).hexdigest()
        path = self.root / ".dvc/cache/files/md5" / md5[:2] / f"{md5[2:]}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"{md5}{suffix}"

    def update_latest(self, *, bins: bool | None = None) -> ChannelUpdate:
        """Do what ``pe-dvc channel update latest`` does."""
        manifests = (path.read_bytes() for path in manifest_files(self.root / "manifests"))
        return self.channels.point(
            "latest", [pointer_to(Manifest.from_bytes(data)) for data in manifests], bins=bins
        )

    def push(self, store: Store) -> Pushed:
        """Do what ``pe-dvc push`` does, with the keys that ``PE_DVC_KEYS_DIR`` names."""
        return push_to(DataRepo(self.root), store, uncommitted=True)

    @property
    def root_of_trust(self) -> bytes:
        return self.channels.root

    def reader(self, store: Store, home: Path) -> Researcher:
        """Return somebody who has no clone and keeps what was verified in ``home``."""
        return Researcher(store, self.root_of_trust, home)


class NoCache:
    """Remembers no manifest: what the bucket lacks must show."""

    def read_manifest(self, sha256: Sha256) -> None:
        return None

    def keep_manifest(self, sha256: Sha256, data: bytes) -> None:
        return None


@dataclass(frozen=True)
class Researcher:
    """Reads from a store, with a memory of what was verified and no cache."""

    store: Store
    root_of_trust: bytes
    home: Path

    def pointers(self) -> list[Pointer]:
        """Return what ``latest`` says now, verified."""
        return self._client().pointers("latest")

    def datasets(self) -> dict[str, bytes]:
        """Return every dataset of ``latest`` as the bucket holds it now, all of it verified."""
        client, read = self._client(), {}
        for pointer in client.pointers("latest"):
            reference = Reference.parse(f"us/{pointer.name}@latest")
            resolved = resolve(
                reference,
                store=self.store,
                channels=client,
                cache=cast("Cache", NoCache()),
                refuse=lambda *_: None,
            )
            md5 = resolved.manifest.artifact.dvc.md5
            data, _ = self.store.read(payload_key("us", md5), limit=pointer.size)
            assert sha256_bytes(data) == resolved.sha256
            artifact = resolved.manifest.artifact
            if artifact.implied_parts is None:
                chunks, _ = self.store.read(chunks_key("us", resolved.sha256), limit=10_000)
                assert sha256_bytes(chunks) == artifact.parts_sha256
            read[pointer.name] = data
        return read

    def version(self) -> int:
        """Return the version of ``latest``."""
        return self._client().channel_version("latest")

    def _client(self) -> ChannelClient:
        return ChannelClient(self.store, "us", self.root_of_trust, self.home / "state")
