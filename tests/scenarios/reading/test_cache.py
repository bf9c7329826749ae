"""The cache: what it notices, what it removes and never removes, and what it takes from a clone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.sizes import parse_size
from pe_dvc.store import eviction, local_copies
from pe_dvc.store.cache import Cache
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.eviction import entries, prune
from pe_dvc.store.local_copies import LocalCopy
from pe_dvc.usecases.read.fetch import fetch
from tests.scenarios.reading.conftest import MIB, SIZE, new_reader
from tests.support.commands import run, run_pe_dvc
from tests.support.country import LATEST, NAME, Country
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from pe_dvc.project.reader import Reader


def cache_command(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run_pe_dvc("cache", *arguments, code=code)


def age(path: Path, days: float) -> None:
    """Let a file be that old."""
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def overwrite(path: Path, data: bytes) -> None:
    """Write to a read-only file in place, as who owns it can."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(data)
    path.chmod(0o444)


def test_a_file_altered_in_the_cache_is_noticed_and_fetched_again(
    reader: Reader, store: CountingStore, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = reader.fetch(reader.resolve(LATEST))
    overwrite(path, b"altered")
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert store.downloads == 2
    assert "was altered" in caplog.text


def test_a_file_that_was_only_touched_is_hashed_again_and_kept(
    reader: Reader, store: CountingStore
) -> None:
    path = reader.fetch(reader.resolve(LATEST))
    age(path, 3)
    before = path.stat().st_ino
    assert reader.fetch(reader.resolve(LATEST)).stat().st_ino == before
    assert store.downloads == 1


def test_after_a_reboot_what_had_not_reached_the_disk_is_noticed(
    reader: Reader, store: CountingStore, payload: bytes
) -> None:
    path = reader.fetch(reader.resolve(LATEST))
    record = path.with_suffix(".verified")
    written = path.stat()
    overwrite(path, bytes(SIZE))  # zeros, of the same length and time: an unwritten page
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
    stamp, _ = record.read_text().split()
    record.write_text(f"{stamp} the-boot-before\n")
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    stamp, _ = record.read_text().split()
    record.write_text(f"{stamp} the-boot-before\n")
    reader.fetch(reader.resolve(LATEST))
    assert record.read_text() == f"{stamp} durable\n"
    assert store.downloads == 2


def test_ls_verify_and_prune(reader: Reader, country: Country, payload: bytes) -> None:
    path = reader.fetch(reader.resolve(LATEST))
    sha256 = path.stem
    (listed,) = json.loads(cache_command("ls", "--json").stdout)
    assert (listed["sha256"], listed["size"], listed["state"]) == (sha256, SIZE, "whole")
    assert sha256 in cache_command("ls").stdout
    assert json.loads(cache_command("verify", "--json").stdout)[0]["altered"] is False
    overwrite(path, b"altered")
    done = cache_command("verify", "--json", code=1)
    assert json.loads(done.stdout)[0]["altered"] is True
    assert f"altered, removed: {path}" in done.stderr
    assert json.loads(cache_command("ls", "--json").stdout) == []
    assert json.loads(cache_command("prune", "--max-size", "0", "--json").stdout) == []
    assert "PE_DVC_CACHE_LIMIT" in cache_command("prune", code=2).stderr
    assert json.loads(cache_command("dir", "--json").stdout)["dir"] == str(reader.cache.directory)


def three(country: Country, store: CountingStore) -> tuple[Cache, list[Path]]:
    """Fetch three datasets in another process's name; the oldest use comes first."""
    country.publish({name: name.encode() * 1000 for name in ("aa", "bb", "cc")})
    program = (
        "import pe_dvc\n"
        "for name in ('aa', 'bb', 'cc'): print(pe_dvc.fetch(f'pe-data://us/{name}@latest'))"
    )
    paths = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    for days, path in zip((3, 2, 1), paths, strict=True):
        age(Path(path).with_suffix(".verified"), days)
    return Cache(Path(paths[0]).parents[2]), [Path(path) for path in paths]


def test_the_least_recently_used_goes_first(country: Country, store: CountingStore) -> None:
    cache, (oldest, middle, newest) = three(country, store)
    reader = new_reader(store)
    reader.fetch(reader.resolve("us/aa@latest"))  # used now, and leased by this process
    assert [entry.path for entry in entries(cache)] == [middle, newest, oldest]
    removed = prune(cache, 4000)
    assert [entry.path for entry in removed] == [middle]
    assert (oldest.exists(), newest.exists()) == (True, True)


def test_what_another_process_reads_is_never_removed(
    country: Country, store: CountingStore
) -> None:
    cache, paths = three(country, store)
    program = (
        "import sys, pe_dvc\n"
        "path = pe_dvc.fetch('pe-data://us/aa@latest')\n"
        "file = pe_dvc.open('pe-data://us/bb@latest')\n"
        "print('ready', flush=True); sys.stdin.read(1)\n"
        "assert path.read_bytes() == b'aa' * 1000 and file.read() == b'bb' * 1000\n"
        "file.close()\n"
        "print('closed', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    assert [entry.path for entry in prune(cache, 0)] == [paths[2]]
    process.stdin.write("x")
    process.stdin.flush()
    assert process.stdout.readline() == "closed\n"
    assert [entry.path for entry in prune(cache, 0)] == [paths[1]], "fetched paths stay"
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert [entry.path for entry in prune(cache, 0)] == [paths[0]]


def test_a_part_that_is_being_read_stays(reader: Reader) -> None:
    with reader.open(reader.resolve(LATEST)) as file:
        file.read(10)
        assert prune(reader.cache, 0) == []
    (removed,) = prune(reader.cache, 0)
    assert (removed.state, removed.size) == ("partial", MIB)


def test_a_limit_makes_room_before_a_download(
    country: Country, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (oldest, middle, newest) = three(country, store)
    country.publish({"dd": b"dd" * 1000})
    monkeypatch.setenv("PE_DVC_CACHE_LIMIT", "6.5 kB")
    reader = new_reader(store)
    reader.fetch(reader.resolve("us/dd@latest"))
    assert [path.exists() for path in (oldest, middle, newest)] == [False, True, True]


def test_a_cache_with_room_is_not_measured_at_every_fetch(
    country: Country, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"n{number:02}" for number in range(30)]
    country.publish({name: name.encode() * 1000 for name in names})  # 3 kB each
    monkeypatch.setenv("PE_DVC_CACHE_LIMIT", "60 kB")
    measured: list[Cache] = []
    measure = eviction.entries

    def counted(cache: Cache) -> list[eviction.CacheEntry]:
        measured.append(cache)
        return measure(cache)

    monkeypatch.setattr(eviction, "entries", counted)
    reader = new_reader(store)
    for number, name in enumerate(names):
        resolved = reader.resolve(f"us/{name}@latest")
        path = reader.fetch(resolved)
        reader.cache.leases.release(resolved.sha256)
        age(path.with_suffix(".verified"), len(names) - number)
        assert sum(entry.size for entry in measure(reader.cache)) <= 60_000
    assert len(measured) == 1 + 10, "once, and for each artifact that there was no room for"


def test_abandoned_parts_and_left_overs_are_reclaimed(
    reader: Reader, country: Country, store: CountingStore
) -> None:
    with reader.open(reader.resolve(LATEST)) as file:
        file.read(10)
    partial = next((reader.cache.directory / "partial").iterdir())
    left_over = reader.cache.directory / "manifests/aa/.tmpx"
    left_over.parent.mkdir(exist_ok=True)
    left_over.write_bytes(b"half of a manifest")
    country.publish({"aa": b"aa", "bb": b"bb"})
    reader = new_reader(store)
    reader.fetch(reader.resolve("us/aa@latest"))
    assert partial.exists()
    age(partial, 8)
    age(left_over, 1)
    reader = new_reader(store)  # one that has looked within the hour does not look again
    reader.fetch(reader.resolve("us/bb@latest"))
    prune(reader.cache, 10**9)
    assert not partial.exists()
    assert not left_over.exists()


@pytest.mark.parametrize("broken", ["unset", "group"])
def test_the_cache_is_its_users_alone_unless_its_directory_is_a_groups(
    reader: Reader, store: CountingStore, country: Country, broken: str
) -> None:
    directory = reader.cache.directory
    if broken == "group":
        directory.mkdir(parents=True)
        directory.chmod(0o2770)
    old = os.umask(0o077)
    try:
        with reader.open(reader.resolve(LATEST)) as file:
            file.read(1)
        reader.fetch(reader.resolve(LATEST))
        country.publish({NAME: b"small"})
        again = new_reader(store)
        again.fetch(again.resolve(LATEST))
    finally:
        os.umask(old)
    assert stat.S_IMODE(directory.stat().st_mode) == (0o2770 if broken == "group" else 0o700)
    if broken == "group":
        for path in directory.rglob("*"):
            wanted = 0o070 if path.is_dir() else 0o040
            assert path.stat().st_mode & wanted == wanted, path
        for name in ("leases", "downloads"):
            assert (directory / "locks" / name).stat().st_mode & 0o060 == 0o060


# What lies in a clone is taken rather than downloaded.


@pytest.fixture
def dvc_object(tmp_path: Path, payload: bytes) -> Path:
    """An object as DVC keeps it: read-only."""
    path = tmp_path / "dvc-object"
    path.write_bytes(payload)
    path.chmod(0o444)
    return path


def fetched_from(reader: Reader, source: LocalCopy) -> Path:
    resolved = reader.resolve(LATEST)
    return fetch(resolved, store=reader.store, cache=reader.cache, copies=[source])


@pytest.mark.parametrize("root", [False, True], ids=["user", "root"])
def test_an_object_of_dvcs_cache_is_linked_not_downloaded(
    reader: Reader,
    store: CountingStore,
    dvc_object: Path,
    payload: bytes,
    tmp_path: Path,
    root: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For root it is copied: h5py and pandas open files to append, and root may write to all."""
    monkeypatch.setattr(local_copies, "_is_root", lambda: root)
    path = fetched_from(reader, LocalCopy(path=dvc_object, immutable=True))
    assert path.read_bytes() == payload
    assert store.downloads == 0
    with ConfinedTree(tmp_path).parent("probe") as (folder, name):
        shared = local_copies.try_link(local_copies.reflink, dvc_object, name, folder)
    linked = path.stat().st_ino == dvc_object.stat().st_ino
    assert linked == (not root and not shared)


@pytest.mark.parametrize(("immutable", "mode"), [(False, 0o644), (False, 0o444), (True, 0o644)])
def test_a_file_that_may_be_edited_in_place_is_never_hard_linked(
    reader: Reader,
    store: CountingStore,
    dvc_object: Path,
    payload: bytes,
    immutable: bool,
    mode: int,
) -> None:
    dvc_object.chmod(mode)
    path = fetched_from(reader, LocalCopy(path=dvc_object, immutable=immutable))
    assert path.stat().st_ino != dvc_object.stat().st_ino
    overwrite(dvc_object, b"edited by its user")
    assert path.read_bytes() == payload
    assert store.downloads == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_a_hard_linked_object_that_was_altered_is_noticed(
    reader: Reader,
    store: CountingStore,
    dvc_object: Path,
    payload: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_copies, "_is_root", lambda: False)
    path = fetched_from(reader, LocalCopy(path=dvc_object, immutable=True))
    overwrite(dvc_object, b"dvc unprotect, done wrong")
    assert reader.fetch(reader.resolve(LATEST)) == path
    assert path.read_bytes() == payload


def test_a_link_that_fails_is_a_copy(
    reader: Reader, store: CountingStore, dvc_object: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_copies, "try_link", lambda *_: False)
    path = fetched_from(reader, LocalCopy(path=dvc_object, immutable=True))
    assert path.stat().st_ino != dvc_object.stat().st_ino
    assert store.downloads == 0


def test_other_bytes_nearby_are_not_taken(
    reader: Reader, store: CountingStore, dvc_object: Path, payload: bytes
) -> None:
    overwrite(dvc_object, b"other")
    assert fetched_from(reader, LocalCopy(path=dvc_object, immutable=True)).read_bytes() == payload
    assert store.downloads == 1
    assert list((reader.cache.directory / "partial").iterdir()) == []


def test_inside_a_clone_its_dvc_cache_is_found(
    country: Country, tmp_path: Path, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    run("git", "init", "--quiet", cwd=clone)
    run("dvc", "init", "--quiet", cwd=clone)
    (clone / "pyproject.toml").write_text('[tool.pe_dvc]\ncountry = "us"\n')
    (clone / f"{NAME}.parquet").write_bytes(payload)
    run("dvc", "add", "--quiet", f"{NAME}.parquet", cwd=clone)
    monkeypatch.chdir(clone)
    store = CountingStore(LocalStore(tmp_path / "bucket"))
    reader = new_reader(store)
    assert reader.fetch(reader.resolve(LATEST)).read_bytes() == payload
    assert store.downloads == 0
    with reader.open(reader.resolve(LATEST)) as file:
        assert file.read(10) == payload[:10]
    assert store.ranges == []
    status = run("dvc", "status", cwd=clone).stdout
    assert "up to date" in status


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("500000", 500000), ("20GB", 20 * 10**9), ("1.5 GiB", 3 * 2**29), ("2m", 2_000_000)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1iB", "ten", "1 XB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(FormatError, match=r"PE_DVC_CACHE_LIMIT: .* is not a size"):
        parse_size(text, where="PE_DVC_CACHE_LIMIT")
