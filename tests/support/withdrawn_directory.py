"""A bucket with a directory that stewards have withdrawn, and artifacts beside it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import manifest_key, members_key, payload_key
from pe_dvc.documents.manifest import ManifestHead
from pe_dvc.documents.members import MemberFile, list_sorted
from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from tests.support.factories import manifest_of
from tests.support.faults import Killed
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECRET = {"a.csv": b"secret a", "b.csv": b"secret b"}


def md5_of(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


class CutStore(MemoryStore):
    """A bucket that removes ``purges`` more objects, one by one, and then the process is killed."""

    purges: int | None = None

    def purge(self, keys: Iterable[str]) -> None:
        for key in sorted(keys):
            if self.purges is not None:
                if not self.purges:
                    raise Killed
                self.purges -= 1
            self.delete([key])


class Directory:
    """A directory of ``files`` as it is published into ``store``."""

    def __init__(self, store: MemoryStore, files: Mapping[str, bytes], name: str = "tree") -> None:
        listed = [MemberFile(p, sha256_bytes(b), len(b), md5_of(b)) for p, b in files.items()]
        members = list_sorted(sorted(listed), where="x")
        listing = json.dumps([{"md5": md5_of(b), "relpath": p} for p, b in files.items()]).encode()
        self.md5 = f"{md5_of(listing)}.dir"
        document = json.loads(manifest_of(b"", name=name).to_bytes())
        del document["artifact"]["chunks"]
        document["artifact"] |= {
            "sha256": str(members.dir_hash),
            "size": members.size,
            "dvc": {"hash": "md5", "md5": self.md5},
            "members": {
                "digest": "dirHash",
                "count": members.count,
                "sha256": str(members.sha256),
            },
        }
        self.data = json.dumps(document).encode()
        self.artifact = ManifestHead.from_bytes(self.data, where="x").artifact
        self.sha256 = Sha256(self.artifact.sha256)
        self.manifest = manifest_key("us", self.sha256)
        self.members, self.listing = members_key("us", self.sha256), payload_key("us", self.md5)
        self.files = {payload_key("us", md5_of(data)): data for data in files.values()}
        store.objects |= {
            **self.files,
            self.listing: listing,
            self.members: members.data,
            self.manifest: self.data,
        }

    @property
    def entry(self) -> Revocation:
        """The entry that stewards sign."""
        return entry_of(self.data, dvc_md5=self.md5)


def entry_of(manifest: bytes, **changes: object) -> Revocation:
    """Return the entry that stewards sign for the artifact of a manifest."""
    artifact = ManifestHead.from_bytes(manifest, where="x").artifact
    values: dict[str, object] = {
        "country": "us",
        "name": artifact.name,
        "sha256": Sha256(artifact.sha256),
        "size": artifact.size,
        "reason": "The licence ended.",
        "authority": "Census Bureau",
        "revoked": datetime.now(UTC).replace(microsecond=0),
        "manifest_sha256": sha256_bytes(manifest),
        "dvc_md5": artifact.dvc.md5,
        **changes,
    }
    return Revocation(**values)  # type: ignore[arg-type]


def secrets(store: MemoryStore) -> set[bytes]:
    """Return the withdrawn files that are still in the bucket."""
    return {data for data in store.objects.values() if data.startswith(b"secret")}
