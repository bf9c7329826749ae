"""A connection that breaks before the answer: what was asked is done once, and is not an error."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.primitives.errors import ConflictError, NotFoundError, StoreUnavailableError
from pe_dvc.project.stores import open_store
from tests.support import proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pe_dvc.store.port import Store
    from tests.support.proxy import Proxy, Trick
    from tests.support.servers import S3Bucket

BROKEN: list[Trick] = ["hang up before", "hang up after", "reset before", "reset after"]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "FIRST_PAUSE", timedelta(milliseconds=1))


class Line:
    """A store with an object, the proxy before it, and the store as seen through it."""

    def __init__(self, bucket: S3Bucket, proxy: Proxy, seen: S3Bucket) -> None:
        self.proxy = proxy
        self.direct = open_store(bucket.url, options=bucket.server.options)
        self.store: Store = open_store(seen.url, options=seen.server.options)
        self.etag = self.direct.create("us/there", b"1").etag

    def strike(self, trick: Trick, times: int = 1) -> None:
        """Spoil the next requests but reads."""
        left = iter(range(times))
        self.proxy.trick = lambda number, method, path: (
            trick if method != "GET" and next(left, None) is not None else None
        )


@pytest.fixture
def line(s3_bucket: S3Bucket) -> Iterator[Line]:
    with proxy.before(s3_bucket) as (running, seen):
        yield Line(s3_bucket, running, seen)


@pytest.mark.parametrize("trick", BROKEN)
def test_each_write_is_done_once(line: Line, trick: Trick) -> None:
    store, direct = line.store, line.direct
    writes: dict[str, Callable[[], object]] = {
        "us/created": lambda: store.create("us/created", b"new"),
        "us/there": lambda: store.compare_and_swap("us/there", b"new", line.etag),
        "us/over": lambda: store.overwrite("us/over", b"new"),
    }
    for key, write in writes.items():
        line.strike(trick)
        write()
        assert direct.read(key, limit=9)[0] == b"new"
    for keys in (["us/created"], ["us/there", "us/over"]):
        line.strike(trick)
        store.delete(keys)
        for key in keys:
            with pytest.raises(NotFoundError):
                direct.head(key)


@pytest.mark.parametrize("trick", BROKEN)
def test_the_object_of_another_is_no_write_of_ours(line: Line, trick: Trick) -> None:
    line.strike(trick)
    with pytest.raises(ConflictError, match="exists already"):
        line.store.create("us/there", b"2")
    line.direct.overwrite("us/there", b"3")
    line.strike(trick)
    with pytest.raises(ConflictError, match="changed meanwhile"):
        line.store.compare_and_swap("us/there", b"4", line.etag)
    assert line.direct.read("us/there", limit=9)[0] == b"3"


def test_an_object_that_is_there_is_a_conflict_where_no_answer_was_lost(line: Line) -> None:
    with pytest.raises(ConflictError, match="exists already"):
        line.store.create("us/there", b"1")


def test_a_connection_that_breaks_each_time_is_told(line: Line) -> None:
    for ask in (lambda: line.store.create("us/a", b"1"), lambda: line.store.delete(["us/there"])):
        line.strike("reset before", times=99)
        before = len(line.proxy.requests)
        with pytest.raises(StoreUnavailableError, match="connection reset"):
            ask()
        assert len(line.proxy.requests) - before == 1 + retry_policy.ATTEMPTS_AGAIN
