"""Several stores that show one country's channels, none of which need be trusted.

Each is asked what it shows, all at once. The newest root that any of them shows counts for all,
so that no store can hide a change of keys; then the store with the highest timestamp is read
first. What it shows is verified by TUF as of one store, on one state that all of them share.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.primitives.errors import EquivocationError, NotPublishedError, PeDvcError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.store.several import PASSED_OVER, SeveralStores, all_failed
from pe_dvc.trust.client_state import HISTORY
from pe_dvc.trust.concurrent_queries import ask_all
from pe_dvc.trust.fetcher import StoreFetcher
from pe_dvc.trust.forks import Forks, Seen
from pe_dvc.trust.lineages import MAX_LINKS, roots_in
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.trust.store_answer import (
    StoreAnswer,
    answer_of,
    download,
    is_signed,
    next_root,
    successor,
)
from pe_dvc.trust.tuf_api import Metadata, Root
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.refresh import Refresh

T = TypeVar("T")

GRACE = 5.0
"""Seconds that the other stores are waited for once one has answered."""

ROOTS_GRACE = 15.0
"""Seconds that late stores are waited for in all, while roots are followed."""


class Sources:
    """The stores of ``store``, which all are asked first, then read one after another."""

    def __init__(self, store: SeveralStores, country: str, state_dir: Path) -> None:
        self._store, self._country, self._state_dir = store, country, state_dir
        self.fetchers = [StoreFetcher(one, country) for one in store.stores]
        self._forks = Forks(state_dir, country)
        self._shown: list[StoreAnswer] = []
        self._roots: dict[int, Seen] = {}
        """Roots that follow from the newest that was known when the stores were asked."""

    def ask(self, newest: Metadata[Root]) -> None:
        """Ask all stores what they show. Not under the lock: others may read meanwhile.

        Raises EquivocationError for two roots that follow from ``newest``, and if no store answers.
        """
        self._roots = {}
        self._shown = self._ask(self.fetchers, newest)
        self._follow_roots(newest)
        for shown in self._shown:
            if shown.error is not None:
                self.failed(shown.store, shown.error)
        if not any(shown.may_be_read for shown in self._shown):
            raise all_failed([shown.error for shown in self._shown if shown.error is not None])

    def adopt_roots(self, lineage: Path) -> None:
        """Keep the roots that follow, from any store. Call it under the lock."""
        kept = roots_in(lineage)
        for version, seen in sorted(self._roots.items()):
            if version not in kept:
                name = f"{HISTORY}/{version}.root.json"
                ConfinedTree(lineage, modes=PRIVATE).write(name, seen.data, durable=True)
                continue
            root = parse(Root, seen.data, where=seen.place)
            if root.signed_bytes != kept[version].signed_bytes:
                mine = Seen(kept[version].to_bytes(), f"what was verified here ({lineage})")
                raise self._two_roots(root, mine, seen)

    def begin(self, load: Callable[[StoreFetcher], T]) -> T:
        """Return what ``load`` gives with the highest timestamp that verifies.

        What the timestamp's own store does not show of the files that it promises, another may:
        whose they are, their signatures and hashes tell.
        """
        silent = [one.error for one in self._shown if one.error and not one.may_be_read]
        errors: list[PeDvcError] = []
        own = {id(shown.store): shown.timestamp for shown in self._shown}
        tried: set[tuple[bytes | None, int]] = set()
        for shown in sorted(self._shown, key=lambda one: (one.is_late, -one.claimed)):
            for store in self._first(shown.store) if shown.may_be_read else ():
                if (shown.timestamp, id(store)) in tried:
                    continue
                tried.add((shown.timestamp, id(store)))
                fetcher = StoreFetcher(store, self._country)
                if shown.timestamp is not None:
                    fetcher.shown["timestamp.json"] = shown.timestamp
                try:
                    return load(fetcher)
                except (NotPublishedError, EquivocationError):
                    raise  # so it is signed: no other store can tell better
                except PASSED_OVER as error:
                    if own[id(store)] == shown.timestamp:  # who lags has promised none of it
                        self.failed(store, error)
                        errors.append(error)
                if fetcher.last[0].endswith(("timestamp.json", ".root.json")):
                    break  # its timestamp or root is refused: no other store can help
        raise all_failed([*errors, *silent])

    def go_on(self, fetcher: StoreFetcher, load: Callable[[], T]) -> T:
        """Return what ``load`` gives in a view that is begun, by ``fetcher``, from any store."""
        errors: list[PeDvcError] = []
        chosen = fetcher.store
        for store in self._first(chosen):
            fetcher.store = store
            try:
                return load()
            except NotPublishedError:
                raise
            except PASSED_OVER as error:
                if store is chosen:  # it has promised the view; the others lag at most
                    self.failed(store, error)
                errors.append(error)
        fetcher.store = chosen
        raise all_failed(errors)

    def _first(self, store: ReadableStore) -> list[ReadableStore]:
        return [store, *(one for one in self._store.in_order() if one is not store)]

    def failed(self, store: ReadableStore, error: PeDvcError) -> None:
        """Say that a store failed or lied, once."""
        self._store.failed(store, error)

    def check_agree(self, lineage: Path, refresh: Refresh) -> None:
        """Compare what was verified with what all stores showed. Raises EquivocationError."""
        root = max(roots_in(lineage).items())[1].signed
        kept = self._seen(refresh["timestamp"], lineage / "timestamp.json")
        others: dict[StoreFetcher, int] = {}
        for shown in self._shown:
            if shown.timestamp is not None:
                other = Seen(shown.timestamp, shown.fetcher.store.url)
                version = self._forks.check_timestamps(root, kept, other)
                if version is not None:
                    others[shown.fetcher] = version
        snapshot = Seen(refresh["snapshot"], kept.place)
        for other in self._snapshots(others):
            self._forks.check_snapshots(root, snapshot, other)

    def signed_otherwise(self, root: Root, timestamp: bytes) -> list[ShownLog]:
        """Return the other timestamps that stores showed, of those that ``root``'s keys signed."""
        shown = {
            one.timestamp: one.fetcher.store.url
            for one in self._shown
            if one.timestamp not in (None, timestamp)
        }
        return [
            ShownLog(data, b"", place)
            for data, place in shown.items()
            if data is not None and self._forks.is_timestamp(root, Seen(data, place))
        ]

    def _seen(self, timestamp: bytes, kept: Path) -> Seen:
        """Return the timestamp that counts, with the store that shows it now, if one does."""
        for shown in self._shown:
            if shown.timestamp == timestamp:
                return Seen(timestamp, shown.fetcher.store.url)
        day = datetime.fromtimestamp(kept.stat().st_mtime, UTC)
        return Seen(timestamp, f"what was verified here on {day:%Y-%m-%d} ({kept})")

    def _snapshots(self, versions: dict[StoreFetcher, int]) -> list[Seen]:
        """Return the snapshots of these versions; a store that has none in time proves nothing."""
        fetchers = [*versions]

        def ask(fetcher: StoreFetcher) -> bytes:
            return StoreFetcher(fetcher.store, self._country).snapshot(versions[fetcher])

        found = ask_all(fetchers, ask, grace=0, limit=GRACE, is_enough=lambda data: False)
        return [
            Seen(data, fetchers[number].store.url)
            for number, data in sorted(found.items())
            if isinstance(data, bytes)
        ]

    def _ask(self, fetchers: Sequence[StoreFetcher], newest: Metadata[Root]) -> list[StoreAnswer]:
        """Ask stores at once for the timestamp and the root after ``newest``.

        Only what is validly signed starts the clock for the others, and who was found unavailable
        before is not waited for.
        """

        def ask(fetcher: StoreFetcher) -> StoreAnswer:
            shown, state, began = StoreAnswer(fetcher), self._state_dir, time.monotonic()
            # Another fetcher: one that answers too late must not touch what is read by then.
            asking = StoreFetcher(fetcher.store, self._country)
            shown.timestamp, shown.error = download(asking, "timestamp.json", "timestamp", state)
            if shown.error is None:
                shown.root = next_root(asking, newest, state)
            if shown.answers and time.monotonic() - began < GRACE:
                self._store.answered(fetcher.store)  # also where this is not waited for
            return shown

        found = ask_all(
            fetchers,
            ask,
            grace=GRACE,
            is_enough=lambda shown: is_signed(shown, newest),
            is_waited_for=lambda fetcher: not self._store.is_unavailable(fetcher.store),
        )
        return [
            answer_of(fetcher, found.get(number), GRACE) for number, fetcher in enumerate(fetchers)
        ]

    def _follow_roots(self, newest: Metadata[Root]) -> None:
        """Keep in mind the roots that follow; who is too late with one is asked for no more."""
        end, shown = time.monotonic() + ROOTS_GRACE, self._shown
        for _ in range(MAX_LINKS):
            following = [
                (root, one)
                for one in shown
                if one.root is not None and (root := successor(newest, one.root)) is not None
            ]
            if not following:
                return
            (root, first), *others = following
            for other, where in others:
                if other.signed_bytes != root.signed_bytes:
                    raise self._two_roots(root, first.seen_root(), where.seen_root())
            self._roots[root.signed.version] = first.seen_root()
            newest, asked = root, [one.fetcher for one in shown if one.error is None]
            shown = self._ask_roots(asked, newest, max(0.0, end - time.monotonic()))

    def _ask_roots(
        self, fetchers: Sequence[StoreFetcher], newest: Metadata[Root], left: float
    ) -> list[StoreAnswer]:
        def ask(fetcher: StoreFetcher) -> StoreAnswer:
            asking = StoreFetcher(fetcher.store, self._country)
            return StoreAnswer(fetcher, root=next_root(asking, newest, self._state_dir))

        found = ask_all(
            fetchers, ask, grace=min(GRACE, left), is_enough=lambda _: True, limit=GRACE + left
        )
        return [shown for shown in found.values() if isinstance(shown, StoreAnswer)]

    def _two_roots(self, root: Metadata[Root], one: Seen, other: Seen) -> EquivocationError:
        return self._forks.error("root", root.signed.version, one, other)


def sources_of(store: ReadableStore, country: str, state_dir: Path) -> Sources | None:
    """Return the sources of several stores, None for one."""
    return Sources(store, country, state_dir) if isinstance(store, SeveralStores) else None
