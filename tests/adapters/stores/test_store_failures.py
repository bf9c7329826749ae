"""What goes wrong with a store, and that the error says what, where and what to do."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    DiskFullError,
    FormatError,
    NotFoundError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.project.stores import open_store
from tests.support.servers import answering, free_port
from tests.support.store_operations import KEY, every_operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.store.port import Store
    from tests.support.servers import S3Bucket

SECRET = "do-not-tell"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "FIRST_PAUSE", timedelta(milliseconds=1))


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[None]:
    """Act as somebody to whom ``closed`` in the test's directory is."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield
        closed.chmod(0o700)


def s3_at(endpoint: str) -> Store:
    keys = {"access_key_id": "key", "secret_access_key": SECRET, "region": "eu-west-2"}
    return open_store("s3://policyengine-data", options={"endpointurl": endpoint, **keys})


OPERATIONS = [
    *("head", "read", "range", "create", "swap", "overwrite", "upload"),
    *("upload in parts", "download", "list", "delete"),
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_a_permission_error(tmp_path: Path, operation: str, status: int) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    with answering(status, body) as server:
        with pytest.raises(StorePermissionError, match="us/4e") as caught:
            every_operation(s3_at(server.endpoint), tmp_path)[operation]()
        assert len(server.requests) == 1 or operation == "download", "refusals are not retried"
    assert "credentials" in (caught.value.remedy or "")
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_that_keeps_failing_is_unavailable(tmp_path: Path, operation: str) -> None:
    body = b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"
    with answering(503, body) as server:
        with pytest.raises(StoreUnavailableError, match="HTTP 503") as caught:
            every_operation(s3_at(server.endpoint), tmp_path)[operation]()
        assert 2 <= len(server.requests) <= 12, "retried, within bounds: 3 ranges, 4 times each"
    assert caught.value.key.startswith("us/4e")
    assert caught.value.key in str(caught.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path, operation: str) -> None:
    store = s3_at(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailableError, match="us/4e") as caught:
        every_operation(store, tmp_path)[operation]()
    assert "endpointurl" in (caught.value.remedy or "")


@pytest.mark.parametrize("server", ["s3_bucket", "moto_bucket"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_missing_bucket_is_named(
    request: pytest.FixtureRequest, tmp_path: Path, operation: str, server: str
) -> None:
    bucket: S3Bucket = request.getfixturevalue(server)
    store = open_store("s3://no-such-bucket", options=bucket.server.options)
    # A HEAD has no body that could tell a missing bucket from a missing object.
    kind = NotFoundError if operation == "head" else StoreUnavailableError
    with pytest.raises(kind, match="s3://no-such-bucket") as caught:
        every_operation(store, tmp_path)[operation]()
    assert operation == "head" or "bucket's name" in (caught.value.remedy or "")


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(StoreUnavailableError, match=KEY):
        s3_at("https://nowhere.invalid").head(KEY)


def test_no_more_than_the_limit_is_transferred() -> None:
    """A server that says 10 bytes and sends without end gets to send little."""
    sent: list[int] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        head = 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\nETag: "x"\r\n'
        connection.sendall(f"{head}Content-Length: {2**40}\r\n\r\n".encode())
        try:
            while sum(sent) < 64 * MIB:
                sent.append(connection.send(bytes(65536)))
        except OSError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        store = s3_at(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(FormatError, match="at most 9 bytes"):
            store.read(KEY, limit=9)
        thread.join()
    assert sum(sent) < 16 * MIB


@pytest.fixture
def spoiling_proxy(s3_bucket: S3Bucket) -> Iterator[str]:
    """Relay TCP to the S3 server, with ``spoilt`` for every ``intact`` on the way up."""
    target = urlsplit(s3_bucket.server.endpoint)

    def relay(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(MIB):
                sink.sendall(data.replace(b"intact", b"spoilt"))
            sink.shutdown(socket.SHUT_WR)

    def connect(client: socket.socket) -> None:
        with client, socket.create_connection((target.hostname, target.port)) as server:
            down = threading.Thread(target=relay, args=(server, client), daemon=True)
            down.start()
            relay(client, server)
            down.join()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=connect, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("size", [6, 20 * MIB])
def test_what_the_network_spoils_on_the_way_up_never_appears(
    s3_bucket: S3Bucket, spoiling_proxy: str, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "payload"
    path.write_bytes(b"intact".rjust(size))
    behind = {**s3_bucket.server.options, "endpointurl": spoiling_proxy}
    with pytest.raises(StoreUnavailableError, match="BadDigest"):
        open_store(s3_bucket.url, options=behind).upload(KEY, path)
    with pytest.raises(StoreUnavailableError, match="BadDigest"):
        open_store(s3_bucket.url, options=behind).create(KEY, b"intact")
    assert list(open_store(s3_bucket.url, options=s3_bucket.server.options).list("")) == []


def test_an_aborted_upload_leaves_no_parts_behind(moto_bucket: S3Bucket, tmp_path: Path) -> None:
    path = tmp_path / "payload"
    path.write_bytes(os.urandom(20 * MIB))
    store = open_store(moto_bucket.url, options=moto_bucket.server.options)
    with pytest.raises(DigestMismatchError):
        store.upload(KEY, path, sha256=sha256_bytes(b"other"))
    uploads = moto_bucket.server.client().list_multipart_uploads(Bucket=moto_bucket.name)
    assert "Uploads" not in uploads


def test_too_many_open_files_say_how_to_allow_more(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create(KEY, b"x")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = [os.open(tmp_path, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 1, before[1]))
    try:
        with pytest.raises(StoreUnavailableError, match="Too many open files") as caught:
            store.read(KEY, limit=10)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        os.close(opened[0])
    assert "ulimit -n" in str(caught.value.remedy)


def test_a_full_disk_while_downloading(tmp_path: Path) -> None:
    """The device /dev/full refuses every write, as a full disk does."""
    store = LocalStore(tmp_path)
    store.create(KEY, bytes(100_000))
    with pytest.raises(DiskFullError, match="/dev/full: No space left") as caught:
        store.download(KEY, Path("/dev/full"), size=100_000)
    assert "space" in (caught.value.remedy or "")


def test_a_file_that_may_not_grow_while_downloading(s3_bucket: S3Bucket, tmp_path: Path) -> None:
    store = open_store(s3_bucket.url, options=s3_bucket.server.options)
    store.create(KEY, bytes(100_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(DiskFullError, match="copy: File too large"):
            store.download(KEY, tmp_path / "copy", size=100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_directory_that_may_not_be_written() -> None:
    with pytest.raises(StorePermissionError, match=rf"write /sys/store/{KEY}") as caught:
        LocalStore(Path("/sys/store")).create(KEY, b"")
    assert "permissions" in (caught.value.remedy or "")


def test_a_directory_that_may_not_be_read(tmp_path: Path, unprivileged: None) -> None:
    store = LocalStore(tmp_path / "closed")
    for operation in every_operation(store, Path(tempfile.mkdtemp())).values():
        with pytest.raises(StorePermissionError):
            operation()


def test_a_file_where_a_directory_has_to_be_is_a_conflict(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("us", b"")
    with pytest.raises(ConflictError, match="a part of its path is a file"):
        store.create("us/x", b"")
    store.create("uk/x", b"")
    with pytest.raises(ConflictError, match="directory of that name"):
        store.overwrite("uk", b"")


def test_what_killed_writers_leave_is_not_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    writer = "import sys,time; from pathlib import Path\n"
    writer += "from pe_dvc.adapters.stores.local_store import *\n"
    writer += "def stuck(n): print('writing', flush=True); time.sleep(60)\n"
    writer += (
        f"LocalStore(Path({str(tmp_path)!r})).upload('us/x', Path(sys.executable), progress=stuck)"
    )
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert [path for path in tmp_path.rglob("*") if path.is_file()], "it was killed too late"
    (tmp_path / "us").mkdir()
    (tmp_path / "us" / ".abc.tmp").write_bytes(b"of a killed dvc push")
    assert list(store.list("")) == []
    assert store.create("us/x", b"1").size == 1


def test_of_eight_processes_that_create_one_wins(tmp_path: Path) -> None:
    writer = (
        "import sys; from pathlib import Path; from pe_dvc.adapters.stores.local_store import *\n"
    )
    writer += f"LocalStore(Path({str(tmp_path)!r})).create('us/x', sys.argv[1].encode() * 100000)"
    command = [sys.executable, "-c", writer]
    processes = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.DEVNULL) for number in range(8)
    ]
    codes = [process.wait() for process in processes]
    winner = codes.index(0)
    assert sorted(codes) == [0] + [1] * 7
    assert LocalStore(tmp_path).read("us/x", limit=MIB)[0] == str(winner).encode() * 100000


def test_of_swaps_with_one_etag_one_wins(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    etag = store.create(KEY, b"0").etag

    def swap(number: int) -> bool:
        with contextlib.suppress(ConflictError):
            return bool(LocalStore(tmp_path).compare_and_swap(KEY, str(number).encode(), etag))
        return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(swap, range(16))) == 1
