"""A note in the bucket: which process is at work there, renewed for as long as it runs."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
)
from pe_dvc.primitives.interruption import undone_on_exit
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.process_identity import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import ObjectInfo, Store

RENEWED_EVERY = timedelta(minutes=10)
"""How often a process that runs writes its note again."""
EXPIRES_AFTER = timedelta(hours=2)
"""Age, by the store's clock, from which a note that was not renewed counts no more."""
_LIMIT = 4096
_NO_PID = 2**31
_UNREADABLE = (ArithmeticError, ValueError, TypeError, KeyError, FormatError, NotFoundError)


class Note(NamedTuple):
    """Another process's note as it was found; ``process`` is None in those of an older pe_dvc."""

    since: str
    process: ProcessIdentity | None

    @classmethod
    def read(cls, store: Store, info: ObjectInfo) -> Self:
        """Read a note, which anyone who can write to the bucket may have written."""
        process, since = None, f"{info.modified:%Y-%m-%d %H:%M} UTC" if info.modified else "unknown"
        with contextlib.suppress(*_UNREADABLE):
            found = read_json(store.read(info.key, limit=_LIMIT)[0], what="a note")
            since = f"{datetime.fromisoformat(found['since']).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            fields = {name: str(found[name]) for name in ("host", "boot")}
            pid = int(found["pid"])
            if 0 < pid < _NO_PID:
                process = ProcessIdentity(**fields, pid=pid, start=int(found["start"]))
        return cls(since=since, process=process)

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended: it ran here."""
        return self.process is not None and self.process.is_gone()

    @property
    def author(self) -> str:
        """Who wrote it, for messages."""
        if self.process is None:
            return f"a process of an older pe_dvc, since {self.since}"
        return f"process {self.process.pid} on host {self.process.host}, since {self.since}"


@contextlib.contextmanager
def noted(store: Store, key: str) -> Iterator[None]:
    """Keep a note of this process at ``key`` within. Raises ConflictError if there is one."""
    own = ProcessIdentity.own()
    note = {**own._asdict(), "since": datetime.now(UTC).isoformat(), "by": uuid.uuid4().hex}
    data = json.dumps(note).encode()
    try:
        store.create(key, data)
    except ConflictError:
        # Our own, if the answer to a first request was lost and the request sent again.
        if store.read(key, limit=_LIMIT)[0] != data:
            raise
    ended = threading.Event()

    def remove() -> None:
        ended.set()
        store.delete([key])

    renewal = threading.Thread(target=_renew, args=(store, key, data, ended), daemon=True)
    renewal.start()
    try:
        with undone_on_exit(remove):
            yield
    finally:
        ended.set()
        renewal.join()  # it must not write the note again once that is removed
        # A publisher may have no right to delete: then its note expires.
        with contextlib.suppress(StorePermissionError):
            store.delete([key])


def _renew(store: Store, key: str, data: bytes, ended: threading.Event) -> None:
    while not ended.wait(RENEWED_EVERY.total_seconds()):
        with contextlib.suppress(PeDvcError):  # the next time, then
            store.overwrite(key, data)
