"""Multipart uploads that ``s3_server`` holds: begun, listed and looked into, as S3 does it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Upload:
    """An upload that was begun: ``id`` also names the file of its parts' bytes."""

    id: str
    bucket: str
    key: str
    cache_control: str
    checksum: str
    begun: float


@dataclass(frozen=True)
class Part:
    """A part that arrived; ``sha256`` as its sender told it."""

    number: int
    size: int
    sha256: str


class Uploads:
    """All unfinished uploads. A file for each, to which each part that arrives adds a line."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "uploads"
        self._folder.mkdir(exist_ok=True)

    def begin(self, upload: Upload) -> None:
        with (self._folder / upload.id).open("w") as file:
            file.write(f"{json.dumps(asdict(upload))}\n")

    def add(self, upload: str, part: Part) -> None:
        """Note a part that arrived. Raises FileNotFoundError if the upload ended meanwhile."""
        file = os.open(self._folder / upload, os.O_WRONLY | os.O_APPEND)
        with os.fdopen(file, "a", encoding="utf-8") as opened:
            opened.write(f"{json.dumps(asdict(part))}\n")

    def find(self, upload: str) -> Upload | None:
        try:
            with (self._folder / upload).open() as file:
                return Upload(**json.loads(file.readline()))
        except FileNotFoundError:
            return None

    def parts(self, upload: str) -> list[Part]:
        """Return the parts by number, of each the last that came."""
        with (self._folder / upload).open() as file:
            parts = [Part(**json.loads(line)) for line in file.readlines()[1:]]
        return [one for _, one in sorted({one.number: one for one in parts}.items())]

    def listed(self, bucket: str, prefix: str) -> Iterator[Upload]:
        found = [self.find(path.name) for path in self._folder.iterdir()]
        for one in sorted(filter(None, found), key=lambda one: (one.key, one.begun)):
            if one.bucket == bucket and one.key.startswith(prefix):
                yield one

    def end(self, upload: str) -> None:
        with suppress(FileNotFoundError):
            (self._folder / upload).unlink()
