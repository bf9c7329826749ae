"""Stores of an attacker, or in trouble, that stand beside a country's own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import StoreUnavailableError
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path

    from pe_dvc.adapters.stores.local_store import LocalStore
    from tests.support.stores import Result


class Mirror:
    """A second store with the same objects, in the hands of an attacker."""

    def __init__(self, url: str, objects: MutableMapping[str, bytes]) -> None:
        self.url, self.objects = url, objects

    def copy(self, bucket: Path) -> None:
        for path in sorted(bucket.rglob("*")):
            key = path.relative_to(bucket).as_posix()
            if path.is_file() and self.objects.get(key) != path.read_bytes():
                self.objects[key] = path.read_bytes()


class Files(dict[str, bytes]):
    """The objects of a directory, written past pe_dvc."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def __setitem__(self, key: str, data: bytes) -> None:
        super().__setitem__(key, data)
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(data)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        (self.root / key).unlink()


class Down(WrappedStore):
    """Cannot be reached."""

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        raise StoreUnavailableError(f"{self.url} is down", operation=operation, key=key)


class Hangs(WrappedStore):
    """Answers nothing for a long time."""

    def __init__(self, inner: LocalStore) -> None:
        super().__init__(inner)
        self.go_on = threading.Event()

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        self.go_on.wait(60)
        raise StoreUnavailableError(f"{self.url} is down", operation=operation, key=key)


class HangsOn(WrappedStore):
    """Answers nothing about one kind of object, from one number of requests on."""

    def __init__(self, inner: LocalStore, what: str, after: int = 0) -> None:
        super().__init__(inner)
        self.what, self.left, self.go_on = what, after, threading.Event()

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if self.what in key:
            self.left -= 1
            if self.left < 0:
                self.go_on.wait(20)
        return work()


class Slow(WrappedStore):
    """Takes some seconds for its first answer, as one that is opened does."""

    def __init__(self, inner: LocalStore, seconds: float) -> None:
        super().__init__(inner)
        self.seconds = seconds

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        seconds, self.seconds = self.seconds, 0
        time.sleep(seconds)
        return work()


def evidence_of(tmp_path: Path) -> list[Path]:
    """The documents of a fork that a reader kept."""
    return sorted((tmp_path / "reader/state/equivocation/us").glob("*.json"))
