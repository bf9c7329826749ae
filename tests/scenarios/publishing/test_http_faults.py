"""A push over HTTP, with one request of it going wrong: retried, or told and completed by a rerun.

Beneath the store port: what obstore retries, and what it makes of answers that were lost.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.primitives.errors import PeDvcError, StoreUnavailableError, VerificationError
from pe_dvc.project.stores import open_store
from pe_dvc.store import together
from pe_dvc.usecases.publish import objects, publication
from tests.support import proxy
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.counters import Tally
    from tests.support.proxy import Proxy, Trick
    from tests.support.servers import S3Bucket

REFUSALS = {
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalError",
    503: "SlowDown",
}
STRIKES: list[tuple[str, int]] = [
    *((f"refuse {moment}", status) for moment in ("before", "after") for status in REFUSALS),
    *((f"{how} {moment}", 0) for how in ("hang up", "reset") for moment in ("before", "after")),
    *((trick, 0) for trick in ("truncate", "repeat")),
]
STEP = 1 if os.environ.get("SOAK") else 10
"""Every how many requests are struck, each trick starting at another one."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(retry_policy, "FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr(objects, "TRANSFERS", 1)
    monkeypatch.setattr(together, "NEAR", {"s3"})
    monkeypatch.setattr(publication, "FIRST_PAUSE", 0)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))


class Line:
    """A repo, a bucket on a real server, and the proxy through which the repo is pushed."""

    def __init__(self, base: Path, bucket: S3Bucket, proxy: Proxy, seen: S3Bucket) -> None:
        self.base, self.proxy = base, proxy
        self.direct = open_store(bucket.url, options=bucket.server.options)
        self.through = open_store(seen.url, options=seen.server.options)
        self.repo = HandMadeRepo(base / "repo", base / "keys")
        self.repo.create("cps_2024")
        self.round = 0
        self.build()
        self.repo.push(self.direct)

    def build(self) -> None:
        self.round += 1
        self.repo.build("cps_2024", f"round {self.round}".encode())
        self.repo.update_latest()

    def read(self) -> dict[str, bytes]:
        home = self.base / "readers" / str(self.round)
        return self.repo.reader(self.direct, home).datasets()

    def push_struck(self, trick: str, status: int, at: int) -> PeDvcError | None:
        first = len(self.proxy.requests)
        self.proxy.status, self.proxy.code = status, REFUSALS.get(status, "")
        self.proxy.trick = lambda number, method, path: (
            cast("Trick", trick) if number - first == at else None
        )
        try:
            self.repo.push(self.through)
        except PeDvcError as error:
            return error
        finally:
            self.proxy.trick = lambda number, method, path: None
        return None


@pytest.fixture
def line(tmp_path: Path, s3_bucket: S3Bucket) -> Iterator[Line]:
    with proxy.before(s3_bucket) as (running, seen):
        yield Line(tmp_path, s3_bucket, running, seen)


def requests_of_a_push(line: Line) -> int:
    before = len(line.proxy.requests)
    line.build()
    line.repo.push(line.through)
    return len(line.proxy.requests) - before


def test_one_request_going_wrong(line: Line, tally: Tally) -> None:
    requests = requests_of_a_push(line)
    told: dict[str, int] = {}
    for number, (trick, status) in enumerate(STRIKES):
        for at in range(number % STEP, requests, STEP):
            line.build()
            old, new = f"round {line.round - 1}".encode(), f"round {line.round}".encode()
            error = line.push_struck(trick, status, at)
            assert line.read()["cps_2024"] in ([old, new] if error else [new])
            if error:
                told[f"{trick} {status}"] = told.get(f"{trick} {status}", 0) + 1
                line.repo.push(line.direct)
                assert line.read()["cps_2024"] == new
            tally("requests spoilt, survived", 1)
    transient = {
        *(f"refuse before {status}" for status in (429, 500, 503)),
        *(f"{how} {moment} 0" for how in ("hang up", "reset") for moment in ("before", "after")),
    }
    assert not transient & told.keys(), "what passes by itself is retried"


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "TooManyRequests"), (503, "SlowDown"), (409, "ConditionalRequestConflict")],
)
def test_throttling_that_goes_on_names_operation_and_object(
    line: Line, status: int, code: str
) -> None:
    line.build()
    line.proxy.status, line.proxy.code = status, code
    line.proxy.trick = lambda number, method, path: (
        "refuse before" if method == "PUT" and ".manifest.json" in path else None
    )
    first = len(line.proxy.requests)
    with pytest.raises(
        StoreUnavailableError, match=rf"cannot write .*\.manifest\.json: HTTP {status}.*{code}"
    ) as caught:
        line.repo.push(line.through)
    assert caught.value.operation == "write"
    tried = [
        request
        for request in line.proxy.requests[first:]
        if "PUT" in request and ".manifest.json" in request
    ]
    assert 2 <= len(tried) <= 5, "retried, within a bound"


@pytest.mark.parametrize("name", ["2.root", "timestamp", "snapshot", "targets", "latest"])
def test_endless_data_over_http(line: Line, name: str, tmp_path: Path) -> None:
    """A metadata file of 10 GB, which the server really goes on sending."""
    line.proxy.trick = lambda number, method, path: "never end" if f"{name}.json" in path else None
    with pytest.raises(
        VerificationError, match=f"{name}.json: expected at most .* it was not read"
    ):
        line.repo.reader(line.through, tmp_path / "reader").datasets()
    assert line.proxy.sent < 32 * 1024 * 1024, "what fits into buffers, and no more"
    line.proxy.trick = lambda number, method, path: None
    assert line.repo.reader(line.through, tmp_path / "reader").datasets() == line.read()
