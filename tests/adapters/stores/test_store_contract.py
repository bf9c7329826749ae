"""What every store promises (pe_dvc.store.port), held against every store there is."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
)
from pe_dvc.project.stores import open_store
from tests.support.file_systems import without_hard_links
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.azure_server import AzureServer
    from tests.support.google_server import GoogleServer
    from tests.support.servers import S3Bucket

KEY = "us/4e/4e92.manifest.json"
MIB = 1024 * 1024
# One request, one range to the byte, several ranges or parts with an odd tail.
SIZES = [0, 1, 200_000, 8 * MIB, 8 * MIB + 1, 40 * MIB + 4321]


@pytest.fixture(
    params=[
        *("local", "local-without-hard-links", "memory"),
        *("s3-ministack", "s3-moto", "s3-prefix", "google", "azure"),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param.startswith("local"):
        if request.param != "local":
            without_hard_links(request.getfixturevalue("monkeypatch"))
        return LocalStore(tmp_path / "store")
    if request.param == "memory":
        return MemoryStore()
    if request.param == "google":
        google: GoogleServer = request.getfixturevalue("google_server")
        return open_store(f"gs://{google.new_bucket()}/a", options=google.options(tmp_path))
    if request.param == "azure":
        azure: AzureServer = request.getfixturevalue("azure_server")
        options = {"connection_string": azure.connection}
        return open_store(f"{azure.new_container()}/a", options=options)
    name = "moto_bucket" if request.param == "s3-moto" else "s3_bucket"
    bucket: S3Bucket = request.getfixturevalue(name)
    prefix = "/some/prefix" if request.param == "s3-prefix" else ""
    return open_store(bucket.url + prefix, options=bucket.server.options)


@pytest.fixture(scope="module")
def random_bytes() -> bytes:
    return os.urandom(40 * MIB + 4321)


@pytest.fixture
def payload(tmp_path: Path, random_bytes: bytes) -> Path:
    path = tmp_path / "payload.parquet"
    path.write_bytes(random_bytes)
    return path


def test_what_is_created_is_read_back(store: Store) -> None:
    written = store.create(KEY, "höhe ≥ 1 m\n".encode())
    data, info = store.read(KEY, limit=100)
    assert data.decode() == "höhe ≥ 1 m\n"
    assert info == written == store.head(KEY)
    assert (info.key, info.size) == (KEY, len(data))


def test_an_empty_object_is_an_object(store: Store) -> None:
    store.create(KEY, b"")
    assert store.read(KEY, limit=0)[0] == b""
    assert store.head(KEY).size == 0
    assert store.read_range(KEY, 0, 10) == b""


def test_create_never_replaces_even_by_the_same_bytes(store: Store) -> None:
    store.create(KEY, b"first")
    for again in (b"first", b"second"):
        with pytest.raises(ConflictError, match=KEY):
            store.create(KEY, again)
    assert store.read(KEY, limit=10)[0] == b"first"


def test_of_sixteen_creators_one_wins(store: Store) -> None:
    def create(number: int) -> int | None:
        try:
            store.create(KEY, str(number).encode() * 1000)
        except ConflictError:
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        winners = [number for number in pool.map(create, range(16)) if number is not None]
    assert len(winners) == 1
    assert store.read(KEY, limit=10_000)[0] == str(winners[0]).encode() * 1000


def test_compare_and_swap_replaces_what_was_seen_and_nothing_else(store: Store) -> None:
    first = store.compare_and_swap(KEY, b"1", None)
    second = store.compare_and_swap(KEY, b"2", first.etag)
    assert second.etag != first.etag
    for stale in (first.etag, None):
        with pytest.raises(ConflictError, match=KEY):
            store.compare_and_swap(KEY, b"3", stale)
    assert store.read(KEY, limit=1) == (b"2", second)


def test_compare_and_swap_of_a_removed_object_is_a_conflict(store: Store) -> None:
    etag = store.create(KEY, b"1").etag
    store.delete([KEY])
    with pytest.raises(ConflictError):
        store.compare_and_swap(KEY, b"2", etag)
    with pytest.raises(NotFoundError):
        store.head(KEY)


def test_etags_of_quick_successive_writes_of_one_size_differ(store: Store) -> None:
    etags = [store.overwrite(KEY, f"{number:04}".encode()).etag for number in range(20)]
    assert max(Counter(etags).values()) == 1
    assert store.head(KEY).etag == etags[-1]


def test_the_time_of_writing_is_told(store: Store) -> None:
    # Some stores keep whole seconds.
    before = datetime.now(UTC).replace(microsecond=0)
    store.create(KEY, b"1")
    _, read = store.read(KEY, limit=1)
    told = [store.head(KEY), read, *store.list("us")]
    for info in told:
        assert info.modified is not None
        assert before <= info.modified <= datetime.now(UTC) + timedelta(seconds=1)


def test_read_refuses_what_is_longer_than_the_limit(store: Store) -> None:
    store.create(KEY, b"12345")
    assert store.read(KEY, limit=5)[0] == b"12345"
    with pytest.raises(FormatError, match=r"at most 4 bytes.*") as caught:
        store.read(KEY, limit=4)
    assert KEY in str(caught.value)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 3, b"012"), (7, 3, b"789"), (8, 100, b"89"), (10, 1, b""), (99, 1, b""), (2, 0, b"")],
)
def test_read_range(store: Store, start: int, length: int, expected: bytes) -> None:
    store.create(KEY, b"0123456789")
    assert store.read_range(KEY, start, length) == expected


@pytest.mark.parametrize("size", SIZES)
def test_a_file_goes_up_and_comes_down(store: Store, payload: Path, size: int) -> None:
    os.truncate(payload, size)
    digest = Sha256(hashlib.sha256(payload.read_bytes()).hexdigest())
    sent: list[int] = []
    received: list[int] = []
    assert store.upload(KEY, payload, sha256=digest, progress=sent.append) == digest
    assert store.head(KEY).size == size
    copy = payload.with_name("copy")
    copy.write_bytes(b"x" * 100)  # what was there before does not shine through
    assert store.download(KEY, copy, size=size, progress=received.append) == digest
    assert copy.read_bytes() == payload.read_bytes()
    assert sum(sent) == sum(received) == size


@pytest.mark.parametrize("size", [10, 40 * MIB + 4321])
def test_upload_of_other_bytes_than_promised_leaves_nothing(
    store: Store, payload: Path, size: int
) -> None:
    os.truncate(payload, size)
    with pytest.raises(DigestMismatchError, match=str(payload)):
        store.upload(KEY, payload, sha256=sha256_bytes(b"something else"))
    with pytest.raises(NotFoundError):
        store.head(KEY)
    assert list(store.list("")) == []


def test_a_refused_upload_keeps_what_was_there(store: Store, payload: Path) -> None:
    store.create(KEY, b"before")
    with pytest.raises(DigestMismatchError):
        store.upload(KEY, payload, sha256=sha256_bytes(b"something else"))
    assert store.read(KEY, limit=10)[0] == b"before"


def test_upload_replaces(store: Store, payload: Path) -> None:
    store.create(KEY, b"before")
    os.truncate(payload, 20)
    digest = store.upload(KEY, payload)
    assert sha256_bytes(store.read(KEY, limit=20)[0]) == digest


@pytest.mark.parametrize("size", SIZES)
def test_blocks_become_an_object(store: Store, size: int) -> None:
    data = os.urandom(size)
    store.create(KEY, b"before")
    store.write_blocks(KEY, _blocks_of(data), size=size)
    assert store.read(KEY, limit=size)[0] == data


@pytest.mark.parametrize("size", [10, 20 * MIB])
@pytest.mark.parametrize("before", [None, b"before"])
def test_blocks_that_end_in_an_error_leave_what_was_there(
    store: Store, size: int, before: bytes | None
) -> None:
    if before is not None:
        store.create(KEY, before)

    def failing() -> Iterator[bytes]:
        yield from _blocks_of(bytes(size))
        raise DigestMismatchError(what="it", expected="a", actual="b", source="there")

    with pytest.raises(DigestMismatchError):
        store.write_blocks(KEY, failing(), size=size)
    assert [info.key for info in store.list("")] == ([KEY] if before else [])
    assert before is None or store.read(KEY, limit=10)[0] == before


@pytest.mark.parametrize("count", [1, 200])
def test_a_batch_of_objects(store: Store, count: int) -> None:
    objects = {f"us/{n % 7}/{n}": os.urandom(n) for n in range(count)}
    store.create("us/0/0", b"before")
    with store.batch() as batch, ThreadPoolExecutor(8) as pool:
        writing = [
            pool.submit(batch.write_blocks, key, [data], size=len(data))
            for key, data in objects.items()
        ]
        for one in writing:
            one.result()
    assert {info.key for info in store.list("")} == objects.keys()
    assert {key: store.read(key, limit=count)[0] for key in objects} == objects


def test_a_batch_that_ends_in_an_error_leaves_whole_objects_only(store: Store) -> None:
    store.create(KEY, b"before")

    def write() -> None:
        with store.batch() as batch:
            batch.write_blocks("us/a", [b"whole"], size=5)
            batch.write_blocks(KEY, _failing(), size=10)

    with pytest.raises(DigestMismatchError):
        write()
    held = {info.key: store.read(info.key, limit=10)[0] for info in store.list("")}
    assert held in ({KEY: b"before"}, {KEY: b"before", "us/a": b"whole"})


def test_an_error_for_one_object_of_a_batch_keeps_the_others(store: Store) -> None:
    with store.batch() as batch:
        batch.write_blocks("us/a", [b"a"], size=1)
        with pytest.raises(DigestMismatchError):
            batch.write_blocks(KEY, _failing(), size=10)
        batch.write_blocks("us/b", [b"b"], size=1)
    assert [info.key for info in store.list("")] == ["us/a", "us/b"]


def _failing() -> Iterator[bytes]:
    yield b"half"
    raise DigestMismatchError(what="it", expected="a", actual="b", source="there")


def _blocks_of(data: bytes) -> Iterator[bytes]:
    yield from (data[start : start + 3 * MIB] for start in range(0, len(data), 3 * MIB))


def test_upload_of_a_missing_file_names_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.parquet"):
        store.upload(KEY, tmp_path / "gone.parquet")


@pytest.mark.parametrize("promised", [0, 9, 11, 9 * MIB])
def test_download_of_another_length_than_promised(
    store: Store, tmp_path: Path, promised: int
) -> None:
    store.create(KEY, b"0123456789")
    with pytest.raises(DigestMismatchError) as caught:
        store.download(KEY, tmp_path / "copy", size=promised)
    assert caught.value.what == f"the length of {KEY}"
    assert (caught.value.expected, caught.value.actual) == (f"{promised} bytes", "10 bytes")


def test_download_of_a_truncated_object_of_many_ranges(store: Store, payload: Path) -> None:
    os.truncate(payload, 20 * MIB)
    store.upload(KEY, payload)
    with pytest.raises(DigestMismatchError, match="length"):
        store.download(KEY, payload.with_name("copy"), size=40 * MIB)


def test_list_yields_what_lies_below_a_prefix_in_key_order(store: Store) -> None:
    keys = ["us", "us-1/x", "us.json/x", "us/b", "us/a-b", "us/a/z", "us/a.b", "usa/x", "us/é"]
    # "us" and "us/b" cannot both be files of a directory.
    keys = keys[1:] if isinstance(store, LocalStore) else keys
    for number, key in enumerate(keys):
        store.create(key, b"x" * number)
    assert [info.key for info in store.list("")] == sorted(keys)
    below = [key for key in sorted(keys) if key.startswith("us/")]
    assert [info.key for info in store.list("us")] == below
    alone = [store.head(key) for key in below]
    listed = list(store.list("us/"))
    if not store.url.startswith(("gs:", "az:")):  # whose lists tell of no generation, no quotes
        assert listed == alone
    assert [(info.key, info.size) for info in listed] == [(i.key, i.size) for i in alone]
    assert list(store.list("us/")) == listed
    assert list(store.list("us/a/z")) == []
    assert list(store.list("nothing/here")) == []


def test_list_of_more_objects_than_a_page_holds(store: Store) -> None:
    keys = [f"us/{number:04}" for number in range(1100)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.create(key, b""), keys))
    assert [info.key for info in store.list("us")] == keys
    store.delete(keys)
    assert list(store.list("us")) == []


def test_delete_removes_and_minds_nothing_that_is_missing(store: Store) -> None:
    for key in ("us/a", "us/b", "us/c"):
        store.create(key, b"")
    store.delete(["us/a", "us/missing", "gone/altogether", "us/c", "us/b/below"])
    assert [info.key for info in store.list("")] == ["us/b"]
    store.delete([])
    store.delete(["us/missing"])


def test_what_does_not_exist_is_not_found(store: Store, tmp_path: Path) -> None:
    for read in (
        lambda: store.head(KEY),
        lambda: store.read(KEY, limit=10),
        lambda: store.read_range(KEY, 0, 10),
        lambda: store.read_range(KEY, 0, 0),
        lambda: store.download(KEY, tmp_path / "copy", size=10),
        lambda: store.download(KEY, tmp_path / "copy", size=0),
    ):
        with pytest.raises(NotFoundError, match=KEY):
            read()


@pytest.mark.parametrize(
    "key",
    ["", "/", "/us", "us//a", "us/", "../us", "us/../../x", "us/.", "a\\b", "a\nb", ".pe_dvc/x"],
)
def test_a_key_that_could_lead_elsewhere_is_refused(store: Store, tmp_path: Path, key: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for use in (
        lambda: store.head(key),
        lambda: store.read(key, limit=1),
        lambda: store.read_range(key, 0, 1),
        lambda: store.create(key, b""),
        lambda: store.compare_and_swap(key, b"", "etag"),
        lambda: store.overwrite(key, b""),
        lambda: store.upload(key, file),
        lambda: store.download(key, file, size=1),
        lambda: store.delete([key]),
    ):
        with pytest.raises(FormatError, match="key"):
            use()


def test_keys_of_unusual_characters(store: Store) -> None:
    keys = ["us/états/Ain", "us/a b+c&d=e", "us/100%25", "us/a~b#c?d*e", "us/日本"]
    for key in keys:
        store.create(key, key.encode())
    assert [info.key for info in store.list("us")] == sorted(keys)
    for key in keys:
        assert store.read(key, limit=100)[0] == key.encode()
    store.delete(keys)
    assert list(store.list("")) == []
