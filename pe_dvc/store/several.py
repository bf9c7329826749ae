"""Several stores of one country: what one lacks, or has wrong, is read from the next.

None of them is trusted. The use case that reads something also verifies it. So it is the use case
that falls over to the next store: ``first_good`` repeats its whole read, checks included, on one
store after another.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    StoreError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.store.outages import is_out, note_answer, note_outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectInfo, ObjectSource, Progress, ReadableStore

log = logging.getLogger(__name__)
T = TypeVar("T")

PASSED_OVER = (VerificationError, FormatError, NotFoundError, StoreError)
"""Errors after which the next store is tried. A full disk or a withdrawn artifact is not one."""


class SeveralStores:
    """Stores with the same content, to read from: the first one that succeeds gives the result.

    A store that failed, or gave wrong bytes, is asked last from then on, and ``note`` is told so.
    All readers of this process share which stores cannot be reached. With ``offline`` no store is
    asked, and the error says only once that something is not on this machine.
    """

    def __init__(
        self,
        stores: Sequence[ReadableStore],
        note: Callable[[str], None],
        *,
        offline: bool = False,
    ) -> None:
        self.stores, self.offline = tuple(stores), offline
        self.url = ", ".join(store.url for store in stores)
        self._note = note
        self._failed: dict[tuple[int, str], PeDvcError] = {}
        """The last fault of each store that had one, by its number and address."""
        self._lacking: set[tuple[tuple[int, str], str | None]] = set()
        self._on_missing: Callable[[], object] | None = None
        self._lock = threading.Lock()

    def asking_if_missing(self, ask: Callable[[], object]) -> SeveralStores:
        """Return the same stores, which call ``ask`` once all of them lack an object."""
        asking = self.each(lambda store: store)
        asking._on_missing = ask
        return asking

    def each(self, wrap: Callable[[ReadableStore], ReadableStore]) -> SeveralStores:
        """Return the same stores, each wrapped; what is known of their faults is shared."""
        return self._of([wrap(store) for store in self.stores])

    def beside(self, others: Sequence[ReadableStore]) -> SeveralStores:
        """Return the same stores with others after them; what is known of faults is shared."""
        return self._of([*self.stores, *others])

    def _of(self, stores: Sequence[ReadableStore]) -> SeveralStores:
        made = SeveralStores(stores, self._note, offline=self.offline)
        made._failed, made._lock = self._failed, self._lock
        made._lacking, made._on_missing = self._lacking, self._on_missing
        return made

    def in_order(self, key: str | None = None) -> list[ReadableStore]:
        """Return the stores as listed, with those that failed or lack ``key`` moved to the end.

        These are still asked: they may have it by now.
        """
        with self._lock:
            numbered = sorted(
                (((number, one.url), one) for number, one in enumerate(self.stores)),
                key=lambda item: (
                    item[0] in self._failed or is_out(item[1].url),
                    item[0] in self._failed,  # two may have one address
                    (item[0], key) in self._lacking,
                ),
            )
        return [store for _, store in numbered]

    def is_unavailable(self, store: ObjectSource) -> bool:
        """Tell whether a store could not be reached when it was last heard of."""
        return is_out(store.url)

    def answered(self, store: ObjectSource) -> None:
        """Record that a store answers again, so that it is asked in its usual order."""
        note_answer(store.url)
        known_as = self._id(store)
        with self._lock:
            if isinstance(self._failed.get(known_as), StoreUnavailableError):
                del self._failed[known_as]

    def _id(self, store: ObjectSource) -> tuple[int, str]:
        # By its address as well: the number alone changes with the list.
        return next((n, one.url) for n, one in enumerate(self.stores) if one is store)

    def missing(self) -> None:
        """Call what ``asking_if_missing`` was given, which raises if there is a reason."""
        if self._on_missing is not None:
            self._on_missing()

    def failed(self, store: ObjectSource, error: PeDvcError, key: str | None = None) -> None:
        """Record that a store failed or gave wrong bytes, and note each kind once per store.

        A missing object is only logged: a mirror may hold a part.
        """
        known_as = self._id(store)
        if isinstance(error, NotFoundError):
            log.info("%s is passed over: %s", store.url, error.message)
            if key is not None:
                with self._lock:
                    self._lacking.add((known_as, key))
            return
        with self._lock:
            known = self._failed.get(known_as)
            self._failed[known_as] = error
        if not self.offline:
            (note_outage if isinstance(error, StoreUnavailableError) else note_answer)(store.url)
        if type(known) is not type(error) and not self.offline:
            self._note(f"{store.url} is passed over: {error.message}")

    def head(self, key: str) -> ObjectInfo:
        """See ReadableStore.head."""
        return first_good(self, lambda store: store.head(key), key=key)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See ReadableStore.read."""
        return first_good(self, lambda store: store.read(key, limit=limit), key=key)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See ReadableStore.read_range."""
        return first_good(self, lambda store: store.read_range(key, start, length), key=key)

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See ReadableStore.download."""
        return first_good(
            self, lambda store: store.download(key, path, size=size, progress=progress), key=key
        )

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ReadableStore.list."""
        yield from first_good(self, lambda store: [*store.list(prefix)])


def stores_of(store: ObjectSource, key: str | None = None) -> Sequence[ObjectSource]:
    """Return the stores that ``store`` stands for, in the order to ask them: mostly itself."""
    return store.in_order(key) if isinstance(store, SeveralStores) else (store,)


def beside(
    store: ReadableStore, others: Sequence[ReadableStore], note: Callable[[str], None]
) -> SeveralStores:
    """Return ``store``, or several, with others that are asked after it."""
    several = store if isinstance(store, SeveralStores) else SeveralStores([store], note)
    return several.beside(others)


def first_good(
    store: ObjectSource, read: Callable[[ReadableStore], T], *, key: str | None = None
) -> T:
    """Call ``read`` with each store of ``store`` until it succeeds, and return its result.

    ``key`` is the object that it reads: a store that lacks it is asked last for it from then on.

    With a single store this is just ``read(store)``. If all of several fail, it raises the first
    error that is more than NotFoundError, with the messages of the others in its remedy.
    """
    if not isinstance(store, SeveralStores):
        return read(store)  # type: ignore[arg-type]  # a place elsewhere is read, never listed
    errors: list[PeDvcError] = []
    for one in store.in_order(key):
        try:
            return read(one)
        except PASSED_OVER as error:
            store.failed(one, error, key)
            errors.append(error)
    if all(isinstance(error, NotFoundError) for error in errors):
        store.missing()
    raise errors[0] if store.offline else all_failed(errors)


def pass_over(store: ObjectSource, failed: ObjectSource, error: PeDvcError, key: str) -> None:
    """Record that one of several stores failed to give the object ``key``.

    Raises ``error`` if there is only one store.
    """
    if not isinstance(store, SeveralStores):
        raise error
    store.failed(failed, error, key)


def all_failed(errors: Sequence[PeDvcError]) -> PeDvcError:
    """Return the error of reading from several stores, each of which failed."""
    telling = [error for error in errors if not isinstance(error, NotFoundError)]
    lacking = [error for error in errors if isinstance(error, NotFoundError)]
    (first, *others) = [*telling, *lacking] if telling else errors[:1]
    if others:
        said = "\n".join(f"    {error.message}" for error in others)
        first.remedy = f"{first.remedy or ''}\nThe other stores failed, too:\n{said}".strip()
    return first
