"""A note of a publisher or collector goes with its process, also one that cannot unwind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import collector_lock_key, locks_prefix
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.primitives.interruption import undo_all
from pe_dvc.project.stores import open_store
from pe_dvc.store.process_identity import ProcessIdentity
from pe_dvc.usecases.retention import bucket_note
from pe_dvc.usecases.retention.bucket_lock import collecting, publishing
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pe_dvc.store.port import ObjectInfo, Store
    from tests.support.servers import S3Bucket


@pytest.mark.parametrize("turn", [publishing, collecting])
def test_a_process_that_is_ended_takes_its_note_along(
    turn: Callable[[Store, str], AbstractContextManager[None]],
) -> None:
    store = MemoryStore()
    with turn(store, "us"):
        assert len(list(store.list(locks_prefix("us")))) == 1
        undo_all(5.0)
        assert not list(store.list(locks_prefix("us")))
    undo_all(5.0)
    with turn(store, "us"):
        undo_all(0.0)


# Notes that a killed process left


@pytest.fixture(params=["directory", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "directory":
        return open_store(str(tmp_path / "bucket"))
    s3: S3Bucket = request.getfixturevalue("s3_bucket")
    return open_store(s3.url, options=s3.server.options)


KILLED = """
import os, sys
from pe_dvc.project.stores import open_store
from pe_dvc.cli.signals import end_on_signals
from pe_dvc.usecases.retention.bucket_lock import collecting, publishing
end_on_signals()
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
with {"publishing": publishing, "collecting": collecting}[sys.argv[1]](
    open_store(sys.argv[2], options=options), "us"
):
    print("at work", flush=True)
    sys.stdin.read()
"""


@contextmanager
def at_work(turn: str, store: Store, options: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    words = [word for option in options.items() for word in option]
    command = [sys.executable, "-c", KILLED, turn, store.url, *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        yield process


@pytest.mark.parametrize("turn", ["publishing", "collecting"])
def test_note_of_a_process_killed_on_this_machine_is_passed_over_at_once(
    bucket: Store, turn: str, request: pytest.FixtureRequest
) -> None:
    s3 = bucket.url.startswith("s3")
    options = request.getfixturevalue("s3_bucket").server.options if s3 else {}
    with at_work(turn, bucket, options) as process:
        with pytest.raises(ConflictError) as running, collecting(bucket, "us"):
            pass
        said = f"process {process.pid} on host {socket.gethostname()}, since 20"
        assert said in str(running.value)
        process.send_signal(signal.SIGKILL)
        process.wait()
    (left,) = bucket.list(locks_prefix("us"))
    tool = "aws s3 rm" if s3 else "rm"
    assert f"{tool} {bucket.url}/{left.key}" in str(running.value.remedy)
    if turn == "collecting":
        with publishing(bucket, "us"):
            assert left.key not in {info.key for info in bucket.list(locks_prefix("us"))}
    with collecting(bucket, "us"):
        assert [info.key for info in bucket.list(locks_prefix("us"))] == ["us/locks/gc.json"]


@pytest.mark.parametrize("turn", ["publishing", "collecting"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_end_takes_its_note_along(
    tmp_path: Path, turn: str, number: int
) -> None:
    store = open_store(str(tmp_path / "bucket"))
    with at_work(turn, store, {}) as process:
        assert list(store.list(locks_prefix("us")))
        process.send_signal(number)
        process.wait(30)
    assert not list(store.list(locks_prefix("us")))


ELSEWHERE = {"host": "build-7", "boot": "another/1", "pid": 1, "start": 1, "by": "x"}
NOTES = {
    "elsewhere": {**ELSEWHERE, "since": "2026-01-01T12:30:00+01:00"},
    "older pe_dvc": {"since": "2026-01-01T11:30:00+00:00", "by": "x"},
    "no note": [],
    "odd fields": {**ELSEWHERE, "pid": "one", "since": 7},
}


@pytest.mark.parametrize("kind", NOTES)
def test_note_of_another_machine_expires_by_the_clock_of_the_store(kind: str) -> None:
    store = MemoryStore()
    key = collector_lock_key("us")
    store.create(key, json.dumps(NOTES[kind]).encode())
    with pytest.raises(ConflictError, match="since ") as running, publishing(store, "us"):
        pass
    if kind == "elsewhere":
        assert "process 1 on host build-7, since 2026-01-01 11:30 UTC" in str(running.value)
    assert "counts for 2 hours" in str(running.value.remedy)
    store.shift(key, timedelta(hours=-2, minutes=1))
    with pytest.raises(ConflictError), publishing(store, "us"):
        pass
    store.shift(key, timedelta(minutes=-2))
    with publishing(store, "us"):
        assert key not in store.objects


def is_old(info: ObjectInfo) -> bool:
    assert info.modified is not None
    return datetime.now(UTC) - info.modified > timedelta(hours=1)


def test_a_process_at_work_renews_its_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_note, "RENEWED_EVERY", timedelta(milliseconds=20))
    store = MemoryStore()
    with publishing(store, "us"):
        (note,) = store.list(locks_prefix("us"))
        store.shift(note.key, timedelta(hours=-3))
        deadline = time.monotonic() + 30
        while is_old(next(iter(store.list("us")))):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    time.sleep(0.1)
    assert not store.objects, "a renewal came after the removal"


def test_pid_of_another_boot_is_not_taken_for_one_of_this() -> None:
    own = ProcessIdentity.own()
    assert not own.is_gone()
    assert own._replace(start=own.start + 1).is_gone(), "the number was used again"
    assert not own._replace(boot="another", pid=2**22 + 1).is_gone()
    assert not own._replace(host="another", pid=2**22 + 1).is_gone()
    assert own._replace(pid=2**22 + 1).is_gone()
