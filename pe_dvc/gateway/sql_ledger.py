"""The ledger of reads in a database, shared by all requests of a gateway.

Appends that wait share one transaction: so it is the number of transactions that the disk limits,
and not the number of reads.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.ledger_writer import LedgerWriter
from pe_dvc.primitives.errors import FormatError, LedgerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from pe_dvc.gateway.ledger_entry import LedgerRead
    from pe_dvc.gateway.ledger_key import LedgerSigner
    from pe_dvc.tlog.note import VerifierKey

logger = logging.getLogger(__name__)

_Waiting = tuple["LedgerRead", "bytes | None", "Future[int]"]
_AT_ONCE = 1000
"""Entries of one transaction."""
_MOST_WAITING = 20_000
"""Appends that may wait: more come in than the database takes, so further ones are refused."""


class SqlLedger:
    """A ledger in SQLite or PostgreSQL, as ``pe_dvc.gateway.ledger.Ledger``.

    A checkpoint is kept every ``seconds``, if there were entries, and when it is closed. It is
    a context manager, and any thread or event loop may append.
    """

    def __init__(self, place: str | Path, signer: LedgerSigner, *, seconds: float = 60) -> None:
        """Open the ledger at ``place``, a path or ``postgresql://…``; make it if there is none.

        Raises LedgerUnavailableError if it cannot be used or another key signed it.
        """
        self._database = Database(place, create=True)
        self._writer = LedgerWriter(self._database, signer)
        self._signer, self._seconds = signer, seconds
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(_MOST_WAITING)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    @property
    def key(self) -> VerifierKey:
        """The public key of its checkpoints, for ``pe-dvc audit verify --key``."""
        return self._signer.key(self._writer.origin)

    async def append(self, read: LedgerRead, statement: bytes | None = None) -> int:
        """Return the index of the read's entry, once no crash can lose it; see ``Ledger``.

        Raises LedgerUnavailableError; FormatError for a read that is too large for an entry.
        """
        return await asyncio.wrap_future(self._put(read, statement))

    def checkpoint(self) -> str:
        """Sign and keep a checkpoint of the tree as it is, and return it."""
        return self._writer.checkpoint()

    def close(self) -> None:
        """Wait for the appends that came, keep a checkpoint, and end all connections."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        self._database.close()

    def __enter__(self) -> SqlLedger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _put(self, read: LedgerRead, statement: bytes | None) -> Future[int]:
        kept: Future[int] = Future()
        with self._closing:
            if self._closed:
                raise LedgerUnavailableError("it is closed", where=self._database.where)
            try:
                self._waiting.put_nowait((read, statement, kept))
            except queue.Full:
                reason = f"{_MOST_WAITING} entries wait for its database already"
                raise LedgerUnavailableError(reason, where=self._database.where) from None
        return kept

    def _work(self) -> None:
        """Append what waits, until the end: the one thread that writes."""
        due, changed, more = time.monotonic() + self._seconds, False, True
        while more:
            batch, more = self._next(due)
            if batch:
                self._append(batch)
                changed = True
            if time.monotonic() >= due or not more:
                due = time.monotonic() + self._seconds
                changed = changed and not self._checkpointed()

    def _next(self, due: float) -> tuple[list[_Waiting], bool]:
        """Return what waits, at the latest when a checkpoint is due, and whether more may come."""
        try:
            first = self._waiting.get(timeout=max(due - time.monotonic(), 0.01))
        except queue.Empty:
            return [], True
        batch = list[_Waiting]()
        while first is not None:
            batch.append(first)
            if len(batch) == _AT_ONCE:
                return batch, True
            try:
                first = self._waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _append(self, batch: Sequence[_Waiting]) -> None:
        going = [one for one in batch if one[-1].set_running_or_notify_cancel()]
        statements = {at: one for at, (_, one, _) in enumerate(going) if one is not None}
        try:
            indexes = self._writer.append([read for read, _, _ in going], statements=statements)
        except FormatError as error:
            if len(going) == 1:
                going[0][-1].set_exception(error)
                return
            for one in going:  # so that one that is too large does not stop the others
                self._append_one(*one)
        except Exception as error:  # noqa: BLE001 - those who wait must hear of it
            logger.error("the ledger took no entry: %s", type(error).__name__)
            for *_, kept in going:
                kept.set_exception(error)
        else:
            for (*_, kept), index in zip(going, indexes, strict=True):
                kept.set_result(index)

    def _append_one(self, read: LedgerRead, statement: bytes | None, kept: Future[int]) -> None:
        statements = {} if statement is None else {0: statement}
        try:
            kept.set_result(self._writer.append([read], statements=statements)[0])
        except Exception as error:  # noqa: BLE001 - those who wait must hear of it
            kept.set_exception(error)

    def _checkpointed(self) -> bool:
        try:
            self._writer.checkpoint()
        except LedgerUnavailableError as error:
            logger.warning("no checkpoint of the ledger was kept: %s", error.message)
            return False
        return True
