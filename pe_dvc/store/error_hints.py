"""Stores whose errors say what a reader can do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pe_dvc.primitives.errors import (
    NotFoundError,
    PeDvcError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.store.several import SeveralStores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectInfo, Progress, ReadableStore


WAYS_ROUND = (
    "What this machine has verified before can be read with --offline (in Python: offline=True), "
    "and a mirror of the bucket by naming it in another --store."
)


def with_access_contact(store: ReadableStore, contact: Callable[[], str]) -> ReadableStore:
    """Return ``store``, whose refusals end with a sentence that says who grants access."""

    def explain(error: PeDvcError) -> PeDvcError:
        if not isinstance(error, StorePermissionError):
            return error
        remedy = f"{error.remedy or ''} {contact()}".strip()
        return StorePermissionError(
            error.message, operation=error.operation, key=error.key, remedy=remedy
        )

    return _explaining(store, explain)


def with_ways_round(store: ReadableStore) -> ReadableStore:
    """Return ``store``, which says what else can be read where it cannot be reached."""

    def explain(error: PeDvcError) -> PeDvcError:
        if not isinstance(error, StoreUnavailableError):
            return error
        return StoreUnavailableError(
            error.message,
            operation=error.operation,
            key=error.key,
            remedy=f"{error.remedy or ''} {WAYS_ROUND}".strip(),
        )

    return _explaining(store, explain)


def with_offline_hint(store: ReadableStore, message: str, remedy: str) -> ReadableStore:
    """Return an offline ``store`` that says ``message``, and ``remedy``, of what is not here."""

    def explain(error: PeDvcError) -> PeDvcError:
        if not isinstance(error, StoreError):
            return error
        return StoreUnavailableError(
            message, operation=error.operation, key=error.key, remedy=remedy
        )

    return _explaining(store, explain)


def with_reason_if_missing(store: ReadableStore, ask: Callable[[], object]) -> ReadableStore:
    """Return ``store``, which calls ``ask`` before it says that an object is missing.

    That may raise why: an artifact was withdrawn meanwhile. Of several stores it is called once,
    when all lack the object.
    """
    if isinstance(store, SeveralStores):
        return store.asking_if_missing(ask)

    def explain(error: PeDvcError) -> PeDvcError:
        if isinstance(error, NotFoundError):
            ask()
        return error

    return _explaining(store, explain)


def _explaining(store: ReadableStore, explain: Callable[[PeDvcError], PeDvcError]) -> ReadableStore:
    if isinstance(store, SeveralStores):
        return store.each(lambda one: _ExplainingStore(one, explain))
    return _ExplainingStore(store, explain)


class _ExplainingStore:
    """Reads from a store, and raises what ``explain`` makes of its errors."""

    def __init__(self, store: ReadableStore, explain: Callable[[PeDvcError], PeDvcError]) -> None:
        self._store, self._explain, self.url = store, explain, store.url

    def head(self, key: str) -> ObjectInfo:
        """See ReadableStore.head."""
        try:
            return self._store.head(key)
        except (StoreError, NotFoundError) as error:
            self._raise(error)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See ReadableStore.read."""
        try:
            return self._store.read(key, limit=limit)
        except (StoreError, NotFoundError) as error:
            self._raise(error)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See ReadableStore.read_range."""
        try:
            return self._store.read_range(key, start, length)
        except (StoreError, NotFoundError) as error:
            self._raise(error)

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See ReadableStore.download."""
        try:
            return self._store.download(key, path, size=size, progress=progress)
        except (StoreError, NotFoundError) as error:
            self._raise(error)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ReadableStore.list."""
        try:
            yield from self._store.list(prefix)
        except (StoreError, NotFoundError) as error:
            self._raise(error)

    def _raise(self, error: PeDvcError) -> NoReturn:
        explained = self._explain(error)
        if explained is error:
            raise error
        raise explained from error
