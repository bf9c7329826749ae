"""A bucket in memory that is put back in no time: for thousands of pushes from the same start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.store.checks import check_upload
from tests.support.simulator import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pe_dvc.store.port import Progress


class WholeMemoryStore(MemoryStore):
    """The simulator's bucket, for payloads too."""

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        data = path.read_bytes()
        digest = sha256_bytes(data)
        check_upload(key, expected=sha256, actual=digest, source=str(path))
        if progress is not None:
            progress(len(data))
        self.overwrite(key, data)
        return digest

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)
