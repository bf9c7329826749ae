"""What one of several stores answers about a country's channels, before it is verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    FormatError,
    PeDvcError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.trust.forks import Seen
from pe_dvc.trust.lineages import roots_in
from pe_dvc.trust.roles import MAX_LENGTH
from pe_dvc.trust.tuf_api import Metadata, Root, Timestamp
from pe_dvc.trust.tuf_errors import TUF_FAILURES, explain
from pe_dvc.trust.verify import check_root_chain, parse, verify_signed_by

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.fetcher import StoreFetcher


@dataclass
class StoreAnswer:
    """What one store shows: its timestamp, and the root after the newest one that is known."""

    fetcher: StoreFetcher
    timestamp: bytes | None = None
    root: bytes | None = None
    error: PeDvcError | None = None
    is_late: bool = False

    @property
    def store(self) -> ReadableStore:
        """The store that shows it."""
        return self.fetcher.store

    @property
    def may_be_read(self) -> bool:
        """Whether to try it: one that is late may be honest, and the others may not."""
        return self.is_late or self.timestamp is not None

    @property
    def answers(self) -> bool:
        """Whether the store could be reached, whatever it shows."""
        return not isinstance(self.error, StoreUnavailableError)

    @property
    def claimed(self) -> int:
        """The version that the timestamp claims; nothing is verified yet."""
        try:
            version = read_json(self.timestamp or b"", what="metadata")["signed"]["version"]
        except (FormatError, KeyError, TypeError):
            return -1
        return version if type(version) is int else -1

    def seen_root(self) -> Seen:
        """The root with its place."""
        return Seen(self.root or b"", self.store.url)


def answer_of(
    fetcher: StoreFetcher, answer: StoreAnswer | BaseException | None, grace: float
) -> StoreAnswer:
    """Return an answer, or what there is to say where there is none."""
    if isinstance(answer, StoreAnswer):
        return answer
    if answer is not None:
        return StoreAnswer(fetcher, error=PeDvcError(f"{fetcher.store.url}: {answer}"))
    error = StoreUnavailableError(
        f"{fetcher.store.url} did not answer within {grace:.0f} seconds of another store",
        operation="read",
        key="timestamp.json",
    )
    return StoreAnswer(fetcher, error=error, is_late=True)


def is_signed(shown: StoreAnswer, newest: Metadata[Root]) -> bool:
    """Tell whether a store shows something that the newest root's keys have signed."""
    if shown.root is not None and successor(newest, shown.root) is not None:
        return True
    where = shown.store.url
    try:
        timestamp = parse(Timestamp, shown.timestamp or b"", where=where)
        verify_signed_by(newest.signed, "timestamp", timestamp, where=where)
    except (FormatError, VerificationError):
        return False
    return True


def next_root(fetcher: StoreFetcher, newest: Metadata[Root], state: Path) -> bytes | None:
    """Return the root after ``newest`` if the store shows one, unverified."""
    return download(fetcher, f"{newest.signed.version + 1}.root.json", "root", state)[0]


def download(
    fetcher: StoreFetcher, name: str, role: str, state: Path
) -> tuple[bytes | None, PeDvcError | None]:
    """Return a file, or why there is none."""
    try:
        return fetcher.download_bytes(f"/{name}", MAX_LENGTH[role]), None
    except PeDvcError as error:
        return None, error
    except TUF_FAILURES as error:
        return None, explain(error, fetcher.last, fetcher.store.url, state)


def successor(newest: Metadata[Root], data: bytes) -> Metadata[Root] | None:
    """Return a root that follows from ``newest``, None for another."""
    try:
        root = parse(Root, data, where="the next root")
        check_root_chain([newest, root], where="the next root")
    except (FormatError, VerificationError):
        return None
    return root


def newest_root(lineage: Path, trusted: Sequence[bytes]) -> Metadata[Root]:
    """Return the newest root that follows from the trusted one, by what is kept in ``lineage``."""
    newest, kept = parse(Root, trusted[-1], where="the trusted root"), roots_in(lineage)
    while (following := kept.get(newest.signed.version + 1)) is not None:
        if successor(newest, following.to_bytes()) is None:
            break
        newest = following
    return newest
