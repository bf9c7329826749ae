"""A published data repo of which something is withdrawn, and the way into its bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import chunks_key, payload_key, tombstone_key
from pe_dvc.primitives.digest import Sha256
from pe_dvc.project.fsck import fsck
from pe_dvc.project.push import Pushed, push
from pe_dvc.project.revoke import Revoked, Statement, revoke
from tests.support.kept_repo import NAMES, KeptRepo
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from collections.abc import MutableMapping

NAME, OTHER = NAMES
SAID = Statement(reason="The licence ended.", authority="Census Bureau", contact="x@example.org")


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
