"""A published data repo of which something is withdrawn, and the way into its bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import chunks_key, payload_key, tombstone_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.project.fsck import fsck
from pe_dvc.project.push import Pushed, push
from pe_dvc.project.revoke import Revoked, Statement, revoke
from pe_dvc.project.stores import open_store
from tests.support.kept_repo import NAMES, KeptRepo
from tests.support.s3_objects import S3Objects
from tests.support.stores import RecordingStore
from tests.support.thief import DirectoryObjects

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    import pytest

    from tests.support.servers import S3Bucket

NAME, OTHER = NAMES
SAID = Statement(reason="The licence ended.", authority="Census Bureau", contact="x@example.org")


STORES = ("directory", "s3")


def bench_on(
    store: str, request: pytest.FixtureRequest, base: Path, patch: pytest.MonkeyPatch
) -> Bench:
    """Return a bench whose bucket is one of ``STORES``."""
    kept = KeptRepo(base, patch)
    if store == "directory":
        kept.store = open_store(str(base / "bucket"))
        return Bench(kept, DirectoryObjects(base / "bucket"))
    bucket: S3Bucket = request.getfixturevalue("s3_bucket")
    kept.store = open_store(bucket.url, options=bucket.server.options)
    return Bench(kept, S3Objects(bucket))


class Bench:
    """A published repo, and the way into its bucket that attackers have."""

    def __init__(self, kept: KeptRepo, objects: MutableMapping[str, bytes]) -> None:
        self.kept, self.objects = kept, objects
        self.store = RecordingStore(kept.store, objects)
        kept.store = self.store
        kept.build("first")
        kept.push()
        manifest = json.loads((kept.files.root / f"manifests/{NAME}.json").read_bytes())
        self.sha256 = Sha256(manifest["artifact"]["sha256"])
        self.payload = payload_key("us", manifest["artifact"]["dvc"]["md5"])
        self.chunks, self.tombstone = (of("us", self.sha256) for of in (chunks_key, tombstone_key))
        self.objects[self.chunks] = bytes.fromhex(self.sha256)  # as earlier versions pushed it
        self.pin = f"us/{NAME}@sha256:{self.sha256}"

    def revoke(self, *references: str, **options: object) -> Revoked:
        return revoke(self.kept.repo, references or [self.pin], SAID, **options)  # type: ignore[arg-type]

    def publish(self) -> Pushed:
        self.kept.commit("Withdraw")
        return push(self.kept.repo)

    def faults(self) -> list[tuple[str, str]]:
        return [(one.fault, one.key) for one in fsck(self.kept.repo).report.findings]
