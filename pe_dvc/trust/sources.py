"""Several stores that show one country's channels, none of which need be trusted.

Each is asked what it shows, all at once. The newest root that any of them shows counts for all,
so that no store can hide a change of keys; then the store with the highest timestamp is read
first. What it shows is verified by TUF as of one store, on one state that all of them share.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    FormatError,
    PeDvcError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.store.several import all_failed
from pe_dvc.trust.at_once import at_once
from pe_dvc.trust.fetcher import StoreFetcher
from pe_dvc.trust.forks import Forks, Seen
from pe_dvc.trust.lineages import HISTORY, MAX_LINKS, roots_in
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import DownloadHTTPError, Metadata, Root
from pe_dvc.trust.tuf_errors import TUF_FAILURES, explain
from pe_dvc.trust.verify import check_root_chain, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pe_dvc.store.several import SeveralStores
    from pe_dvc.trust.refresh import Refresh

GRACE = 5.0
"""Seconds that the other stores are waited for once one has answered."""


@dataclass
class _Shown:
    """What one store shows: its timestamp, and the root after the newest one that is known."""

    fetcher: StoreFetcher
    timestamp: bytes | None = None
    root: bytes | None = None
    error: PeDvcError | None = None

    @property
    def claimed(self) -> int:
        """The version that the timestamp claims; nothing is verified yet."""
        try:
            version = read_json(self.timestamp or b"", what="metadata")["signed"]["version"]
        except (FormatError, KeyError, TypeError):
            return -1
        return version if type(version) is int else -1


class Sources:
    """The stores of ``store``. Call it under the state's lock."""

    def __init__(self, store: SeveralStores, country: str, state_dir: Path) -> None:
        self._store, self._country, self._state_dir = store, country, state_dir
        self.fetchers = [StoreFetcher(one, country) for one in store.stores]
        self._forks = Forks(state_dir, country)
        self._shown: list[_Shown] = []

    def root(self, version: int) -> bytes:
        """Return a version of the root from the first store that has one, unverified."""
        for fetcher in self.fetchers:
            try:
                return fetcher.root(version)
            except (PeDvcError, *TUF_FAILURES):
                continue
        raise DownloadHTTPError(f"no store shows root {version} of {self._country}", 404)

    def ranked(self, lineage: Path, trusted: Sequence[bytes]) -> list[StoreFetcher]:
        """Return the stores that answer, highest timestamp first; raises if none does.

        Roots that follow from the trusted ones are kept in ``lineage``, from any store. Raises
        EquivocationError for two that do.
        """
        newest = _newest_kept(lineage, trusted)
        self._shown = self._ask(newest.signed.version + 1, timestamps=True)
        self._adopt_roots(lineage, newest)
        for shown in self._shown:
            if shown.error is not None:
                self.failed(shown.fetcher, shown.error)
        answered = [shown for shown in self._shown if shown.timestamp is not None]
        if not answered:
            raise all_failed([shown.error for shown in self._shown if shown.error is not None])
        for shown in answered:
            shown.fetcher.shown["timestamp.json"] = shown.timestamp or b""
        return [one.fetcher for one in sorted(answered, key=lambda one: -one.claimed)]

    def after(self, first: StoreFetcher) -> list[StoreFetcher]:
        """Return all stores, ``first`` first."""
        return [first, *(one for one in self.fetchers if one is not first)]

    def failed(self, fetcher: StoreFetcher, error: PeDvcError) -> None:
        """Say that a store failed or lied, once."""
        self._store.failed(fetcher.store, error)

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

        found = at_once(fetchers, ask, grace=0, limit=GRACE, is_enough=lambda data: False)
        return [
            Seen(data, fetchers[number].store.url)
            for number, data in sorted(found.items())
            if isinstance(data, bytes)
        ]

    def _adopt_roots(self, lineage: Path, newest: Metadata[Root]) -> None:
        shown = self._shown
        for _ in range(MAX_LINKS):
            following = [
                (root, one)
                for one in shown
                if one.root is not None and (root := _successor(newest, one.root)) is not None
            ]
            if not following:
                return
            (root, first), *others = following
            for other, where in others:
                if other.signed_bytes != root.signed_bytes:
                    raise self._forks.error(
                        "root",
                        root.signed.version,
                        Seen(first.root or b"", first.fetcher.store.url),
                        Seen(where.root or b"", where.fetcher.store.url),
                    )
            name = f"{HISTORY}/{root.signed.version}.root.json"
            ConfinedTree(lineage, modes=PRIVATE).write(name, first.root or b"", durable=True)
            newest = root
            shown = self._ask(newest.signed.version + 1, timestamps=False)

    def _ask(self, next_root: int, *, timestamps: bool) -> list[_Shown]:
        """Ask all stores at once; who falls silent is not waited for once another answered."""

        def ask(fetcher: StoreFetcher) -> _Shown:
            shown = _Shown(fetcher)
            # Another fetcher: one that answers too late must not touch what is read by then.
            asking = StoreFetcher(fetcher.store, self._country)
            if timestamps:
                shown.timestamp, shown.error = _download(
                    asking, "timestamp.json", "timestamp", self._state_dir
                )
            if shown.error is None:
                shown.root, _ = _download(asking, f"{next_root}.root.json", "root", self._state_dir)
            return shown

        return _all_at_once(self.fetchers, ask)


def _download(
    fetcher: StoreFetcher, name: str, role: str, state: Path
) -> tuple[bytes | None, PeDvcError | None]:
    try:
        return fetcher.download_bytes(f"/{name}", MAX_LENGTH[role]), None
    except PeDvcError as error:
        return None, error
    except TUF_FAILURES as error:
        return None, explain(error, fetcher.last, fetcher.store.url, state)


def _successor(newest: Metadata[Root], data: bytes) -> Metadata[Root] | None:
    """Return a root that follows from ``newest``, None for another."""
    try:
        root = parse(Root, data, where="the next root")
        check_root_chain([newest, root], where="the next root")
    except (FormatError, VerificationError):
        return None
    return root


def _newest_kept(lineage: Path, trusted: Sequence[bytes]) -> Metadata[Root]:
    """Return the newest root that follows from the trusted one, by what is kept in ``lineage``."""
    newest, kept = parse(Root, trusted[-1], where="the trusted root"), roots_in(lineage)
    while (following := kept.get(newest.signed.version + 1)) is not None:
        if _successor(newest, following.to_bytes()) is None:
            break
        newest = following
    return newest


def _all_at_once(
    fetchers: Sequence[StoreFetcher], ask: Callable[[StoreFetcher], _Shown]
) -> list[_Shown]:
    """Return what ``ask`` gives for each, in order; an error for one that is too late."""
    answers: queue.Queue[tuple[int, _Shown]] = queue.Queue()

    def work(number: int, fetcher: StoreFetcher) -> None:
        try:
            answers.put((number, ask(fetcher)))
        except Exception as error:  # noqa: BLE001 - who waits must hear of it
            answers.put(
                (number, _Shown(fetcher, error=PeDvcError(f"{fetcher.store.url}: {error}")))
            )

    # Threads that are not waited for at the end: a pool's would hold the process up.
    for number, fetcher in enumerate(fetchers):
        threading.Thread(target=work, args=(number, fetcher), daemon=True).start()
    found: dict[int, _Shown] = {}
    while len(found) < len(fetchers):
        answered = any(shown.error is None for shown in found.values())
        try:
            number, shown = answers.get(timeout=GRACE if answered else None)
        except queue.Empty:
            break
        found[number] = shown
    late = {n: _late(one) for n, one in enumerate(fetchers) if n not in found}
    return [{**found, **late}[number] for number in range(len(fetchers))]


def _late(fetcher: StoreFetcher) -> _Shown:
    error = StoreUnavailableError(
        f"{fetcher.store.url} did not answer within {GRACE:.0f} seconds of another store",
        operation="read",
        key="timestamp.json",
    )
    return _Shown(fetcher, error=error)
