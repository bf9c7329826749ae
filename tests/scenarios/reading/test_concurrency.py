"""Threads, forks and asyncio: what is safe is tested to be."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.leases import Leases
from tests.scenarios.reading.conftest import MIB, SIZE, new_reader
from tests.support.country import LATEST, NAME, Country
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.project.reader import Reader
    from tests.support.servers import S3Bucket
    from tests.support.stores import CountingStore


def test_threads_share_an_open_file_and_fetch_nothing_twice(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    starts = [at * 150_001 % (SIZE - 70_000) for at in range(400)]
    with reader.open(reader.resolve(LATEST)) as file, ThreadPoolExecutor(8) as pool:

        def read(start: int) -> bytes:
            file.seek(start)
            return file.read(70_000)

        assert list(pool.map(read, starts)) == [payload[at : at + 70_000] for at in starts]
    assert store.fetched == SIZE


def test_a_seek_belongs_to_the_thread_that_made_it(reader: Reader, payload: bytes) -> None:
    with reader.open(reader.resolve(LATEST)) as file:
        file.seek(MIB)
        other = threading.Thread(target=file.seek, args=(5 * MIB,))
        other.start()
        other.join()
        assert file.tell() == MIB
        assert file.read(10) == payload[MIB : MIB + 10]
        # One thread may also seek for another.
        file.seek(2 * MIB)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(file.read, 10).result() == payload[2 * MIB :][:10]
        assert file.read(10) == payload[2 * MIB + 10 :][:10]


def test_an_open_file_reads_lines_as_any_file_does(country: Country, store: CountingStore) -> None:
    text = b"".join(b"line %d %s\n" % (number, b"x" * 300) for number in range(20_000))
    country.publish({NAME: text})
    reader = new_reader(store)
    with reader.open(reader.resolve(LATEST)) as file:
        assert list(file) == text.splitlines(keepends=True)
        assert file.read() == b""
        file.seek(0)
        assert file.readline()[:7] == b"line 0 "


def test_asyncio_gives_it_to_threads(country: Country, payload: bytes) -> None:
    async def read(start: int) -> bytes:
        def work() -> bytes:
            with pe_dvc.open(LATEST) as file:
                file.seek(start)
                return file.read(10)

        return await asyncio.to_thread(work)

    async def all_at_once() -> list[bytes]:
        return await asyncio.gather(*(read(at * MIB) for at in range(8)))

    assert asyncio.run(all_at_once()) == [payload[at * MIB :][:10] for at in range(8)]


def test_processes_that_read_side_by_side_fetch_each_chunk_once(
    country: Country, tmp_path: Path, payload: bytes
) -> None:
    program = (
        "import hashlib, sys, pe_dvc\n"
        "from pathlib import Path\n"
        "from pe_dvc.adapters.stores.local_store import LocalStore\n"
        "from tests.support.country import LATEST\n"
        "from tests.support.stores import CountingStore\n"
        "from tests.scenarios.reading.conftest import new_reader\n"
        f"store = CountingStore(LocalStore(Path({str(tmp_path / 'bucket')!r})))\n"
        "reader = new_reader(store)\n"
        "with reader.open(reader.resolve(LATEST)) as file:\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
        "    print(hashlib.sha256(file.read()).hexdigest(), store.fetched)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        process.stdout.readline()
    said = [process.communicate("go\n")[0].split() for process in processes]
    sha256 = pe_dvc.resolve(LATEST).sha256
    assert {digest for digest, _ in said} == {sha256}
    assert sum(int(fetched) for _, fetched in said) == SIZE


def forked(work: str) -> str:
    """Run a program that forks after a fetch; ``work`` runs in the child."""
    program = (
        "import os, sys, pe_dvc\n"
        f"LATEST = {LATEST!r}\n"
        "path = pe_dvc.fetch(LATEST)\n"
        "file = pe_dvc.open(LATEST)\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        f"        {work}\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
        "    sys.stdout.flush()\n"  # which os._exit does not
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_a_forked_child_is_told_that_it_cannot_use_the_bucket(
    tmp_path: Path, s3_bucket: S3Bucket, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pe_dvc.project.stores import open_store
    from tests.support.country import reader_at

    for name, value in s3_bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PE_DVC_STORE", s3_bucket.url)
    monkeypatch.chdir(tmp_path)
    reader_at(tmp_path / "reader", monkeypatch)
    country = Country(
        tmp_path / "maintainer", open_store(s3_bucket.url, options=s3_bucket.server.options)
    )
    country.publish({NAME: payload})
    country.trust(tmp_path / "reader/config")
    said = forked("pe_dvc.resolve(LATEST)")
    assert "StoreUnavailableError" in said
    assert "forked" in said
    assert forked("print(len(path.read_bytes()), file.read(4) == path.read_bytes()[:4])") == (
        f"{SIZE} True\n"
    )


def test_an_error_in_a_worker_process_reaches_its_parent(country: Country) -> None:
    pinned = pe_dvc.resolve(LATEST).pinned
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        asked = pool.apply_async(pe_dvc.fetch, [LATEST], {"offline": True})
        with pytest.raises(StoreUnavailableError, match="are not in the cache") as caught:
            asked.get(timeout=60)
    assert caught.value.remedy == f"Fetch them once online: pe-dvc get {pinned}"


def test_a_directory_store_is_read_after_a_fork_too(country: Country) -> None:
    assert forked("print(len(pe_dvc.open(LATEST).read()))") == f"{SIZE}\n"


def test_a_child_keeps_its_parents_leases_and_gives_back_only_its_own(tmp_path: Path) -> None:
    sha256: Sha256 = "4e" * 32  # type: ignore[assignment]
    files = ConfinedTree(tmp_path)
    leases, pruner = Leases(files, "leases"), Leases(files, "leases")

    def is_free() -> bool:
        with pruner.unless_held(sha256) as free:
            return free

    def in_child(work: object) -> None:
        child = os.fork()
        if child == 0:
            work()  # type: ignore[operator]
            os._exit(0)
        os.waitpid(child, 0)

    leases.hold(sha256)
    assert not is_free()
    in_child(lambda: leases.release(sha256))
    assert not is_free(), "the child's release is not the parent's"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os.read(read, 1)
        os._exit(0)
    leases.release(sha256)
    assert not is_free(), "the child still has it"
    os.write(write, b"x")
    os.waitpid(child, 0)
    assert is_free()
