"""Workers of a Dask cluster read what the client resolved: once, and without its credentials."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import cloudpickle
import dask.dataframe as dd
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

import pe_dvc
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import RevokedError, RollbackError
from pe_dvc.project import reader_snapshot, revocations
from pe_dvc.project.stores import open_store
from tests.support.country import LATEST, NAME, Country, reader_at
from tests.support.environment import own_directories
from tests.support.factories import manifest_of
from tests.support.proxy import before as proxy_before

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.usecases.read.resolve import Resolved
    from tests.support.proxy import Proxy
    from tests.support.servers import S3Bucket

ROWS = 200_000
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN")


def table(first: int) -> bytes:
    """Return a table in four row groups, larger than what is fetched whole."""
    random = np.random.default_rng(first)
    columns = {"income": np.arange(first, first + ROWS, dtype=np.int64)}
    for number in range(8):
        columns[f"e{number}"] = random.integers(2**62, size=ROWS)
    buffer = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        buffer,
        compression="none",
        use_dictionary=False,
        row_group_size=ROWS // 4,
    )
    return buffer.getvalue()


OLD, NEW = table(0), table(ROWS)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two worker processes and the client of their scheduler, on loopback."""
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2,
            threads_per_worker=2,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def _set_variables(variables: dict[str, str]) -> None:
    """Let a worker begin as a new process does."""
    os.environ.update(variables)
    reader_snapshot._readers.clear()
    revocations.FRESH = 60.0


class Fleet:
    """A country in a bucket behind a proxy that counts, its client here, and its workers."""

    def __init__(self, country: Country, proxy: Proxy, directory: Path, client: Client) -> None:
        self.country, self.proxy, self.directory = country, proxy, directory
        self.client: Any = client

    def settle(self) -> None:
        """Give each worker places of its own, with no root pinned, and credentials of its own."""
        workers = self.client.scheduler_info()["workers"]
        for number, worker in enumerate(workers):
            own = own_directories(self.directory / f"worker{number}-{time.monotonic_ns()}")
            aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
            variables = {**aws, **own, "PE_DVC_STORE": "s3://this-is-another-bucket"}
            self.client.run(_set_variables, variables, workers=[worker])

    @property
    def channel_requests(self) -> list[str]:
        """The requests so far for metadata, which alone says what a reference means."""
        return [line for line in self.proxy.requests if "/channels/" in line]

    @contextmanager
    def no_channel_is_asked(self) -> Iterator[None]:
        before = len(self.channel_requests)
        yield
        assert self.channel_requests[before:] == []

    def cut_off_channels(self) -> None:
        """Let nobody reach the metadata from now on; payloads and manifests are there still."""
        self.proxy.instead = lambda method, path, headers, body: (
            (503, b"") if "/channels/" in path else None
        )


@pytest.fixture
def fleet(
    client: Client, s3_bucket: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    reader_at(tmp_path / "client", monkeypatch)
    monkeypatch.chdir(tmp_path)
    for name, value in s3_bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    country = Country(tmp_path / "maintainer", open_store(s3_bucket.url))
    country.publish({NAME: OLD, "small": b"a small one"})
    country.trust(tmp_path / "client/config")
    with proxy_before(s3_bucket) as (proxy, bucket):
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server.endpoint)
        monkeypatch.setenv("PE_DVC_STORE", bucket.url)
        PeDataFileSystem.clear_instance_cache()
        made = Fleet(country, proxy, tmp_path, client)
        made.settle()
        yield made


def digest_of(build: Resolved, _: int = 0) -> str:
    """What a task does: read all."""
    with pe_dvc.open(build) as file:
        return sha256_bytes(file.read())


def rest_of(file: BinaryIO) -> tuple[int, str]:
    with file:
        return file.tell(), sha256_bytes(file.read())


def first_incomes(files: Any, path: str, _: int) -> list[int]:
    with files.open(path) as file:
        groups = pq.ParquetFile(file)
        found: list[int] = groups.read_row_group(0, columns=["income"])["income"][:3].to_pylist()
        return found


def test_tasks_read_the_version_that_was_resolved_once_though_the_channel_moves(
    fleet: Fleet,
) -> None:
    build = pe_dvc.resolve(LATEST)
    assert sum("timestamp.json" in line for line in fleet.channel_requests) == 1
    fleet.country.publish({NAME: NEW})
    with fleet.no_channel_is_asked():
        found = fleet.client.gather(fleet.client.map(digest_of, [build] * 8, range(8), pure=False))
    assert set(found) == {sha256_bytes(OLD)} == {build.sha256}
    assert pe_dvc.resolve(LATEST).sha256 == sha256_bytes(NEW)


def test_a_dask_dataframe_is_of_one_version_though_the_channel_moves(fleet: Fleet) -> None:
    frame = dd.read_parquet(LATEST, columns=["income"], split_row_groups=True)
    assert frame.npartitions == 4
    fleet.country.publish({NAME: NEW})
    with fleet.no_channel_is_asked():
        assert fleet.client.compute(frame.income.sum()).result() == sum(range(ROWS))


def test_workers_bring_only_the_columns_that_they_read(fleet: Fleet) -> None:
    files = fsspec.filesystem("pe-data")
    files.resolve(LATEST)
    with fleet.no_channel_is_asked():
        futures = fleet.client.map(
            lambda number: first_incomes(files, LATEST, number), range(4), pure=False
        )
        assert fleet.client.gather(futures) == [[0, 1, 2]] * 4
    whole = [line for line in fleet.proxy.requests if line.startswith("GET") and "/files/" in line]
    assert whole, "payloads come from the bucket"
    for places in fleet.directory.glob("worker*"):
        assert list(places.glob("cache/artifacts/*/*.parquet")) == []


def test_a_file_system_travels_with_all_that_it_resolved(fleet: Fleet) -> None:
    files = fsspec.filesystem("pe-data")
    for path in (LATEST, "us/small@latest"):
        files.resolve(path)
    once = len(fleet.channel_requests)
    fleet.country.publish({NAME: NEW, "small": b"another"})
    futures = [
        fleet.client.submit(files.cat_file, path, pure=False)
        for path in [LATEST, "us/small@latest"] * 3
    ]
    assert fleet.client.gather(futures) == [OLD, b"a small one"] * 3
    requests = [r for r in fleet.channel_requests[once:] if r.startswith("GET")]
    assert requests == []


def test_an_open_file_travels_with_its_position(fleet: Fleet) -> None:
    for file in (pe_dvc.open(LATEST), fsspec.filesystem("pe-data").open(LATEST)):
        with file:
            file.seek(1000)
            fleet.country.publish({NAME: NEW})
            with fleet.no_channel_is_asked():
                found = fleet.client.submit(rest_of, file, pure=False).result()
            assert found == (1000, sha256_bytes(OLD[1000:]))
            assert file.tell() == 1000
        fleet.country.publish({NAME: OLD})
        PeDataFileSystem.clear_instance_cache()


def test_a_worker_that_reaches_no_channel_reads_what_was_resolved(fleet: Fleet) -> None:
    build = pe_dvc.resolve(LATEST)
    fleet.cut_off_channels()
    assert fleet.client.submit(digest_of, build, pure=False).result() == build.sha256


def test_what_was_resolved_is_fetched_and_got_like_a_reference(fleet: Fleet) -> None:
    build = pe_dvc.resolve(LATEST)
    fleet.country.publish({NAME: NEW})
    assert pe_dvc.fetch(build).read_bytes() == OLD
    found = pe_dvc.get(pickle.loads(pickle.dumps(build)), offline=True)
    assert (found.sha256, found.manifest_verified) == (build.sha256, True)


def test_pickles_hold_no_credentials(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, os.environ.get(name) or f"secret-of-{name}")
    files = fsspec.filesystem("pe-data")
    files.resolve(LATEST)
    with pe_dvc.open(LATEST) as file, files.open(LATEST) as other:
        for what in (pe_dvc.resolve(LATEST), files, file, other):
            data = pickle.dumps(what)
            for name in SECRETS:
                assert os.environ[name].encode() not in data
            assert b"Bearer" not in data
            assert str(fleet.directory).encode() not in data


def test_roots_and_caches_are_those_of_the_machine_where_they_arrive(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots, cache = pickle.dumps(pe_dvc.TrustedRoots()), pickle.dumps(pe_dvc.Cache())
    assert list(pickle.loads(roots).fingerprints()) == ["us"]
    reader_at(tmp_path / "elsewhere", monkeypatch)
    assert pickle.loads(roots).fingerprints() == {}
    assert pickle.loads(cache).directory == tmp_path / "elsewhere/cache"


def withdraw(country: Country) -> None:
    country.revoke(manifest_of(OLD, name=NAME, path=f"data/{NAME}.parquet"))


def test_a_task_learns_of_a_withdrawal_as_a_running_reader_does(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = pe_dvc.resolve(LATEST)
    travelling = pickle.dumps(build)
    withdraw(fleet.country)
    fleet.client.run(_age_what_is_known)
    monkeypatch.setattr(revocations, "FRESH", 0.0)  # as a minute later
    with pytest.raises(RevokedError, match="its licence ended"):
        fleet.client.submit(digest_of, build, pure=False).result()
    with pytest.raises(RevokedError):
        digest_of(pickle.loads(travelling))


def _age_what_is_known() -> None:
    """Let a worker ask at each read, as it does a minute later."""
    revocations.FRESH = 0.0


def test_attack_old_metadata_shown_to_a_new_worker_hides_no_withdrawal(
    fleet: Fleet, s3_bucket: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(s3_bucket.url)
    before = {i.key: store.read(i.key, limit=2**20)[0] for i in store.list("channels/")}
    withdraw(fleet.country)
    build = pe_dvc.resolve("us/small@latest")
    travelling = pickle.dumps(build)
    for key, data in before.items():
        fleet.country.write(key, data)
    reader_at(tmp_path / "new-worker", monkeypatch)
    reader_snapshot._readers.clear()
    monkeypatch.setattr(revocations, "FRESH", 0.0)
    with pytest.raises(RollbackError, match="the reader that this one goes on for"):
        digest_of(pickle.loads(travelling))


def _spawned(task: bytes, answer: Any) -> None:
    function, argument = cloudpickle.loads(task)
    answer.put(function(argument))


def test_spawned_processes_and_cloudpickle_as_ray_uses_them(fleet: Fleet) -> None:
    build = pe_dvc.resolve(LATEST)
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    task = cloudpickle.dumps((digest_of, build))
    with fleet.no_channel_is_asked():
        process = context.Process(target=_spawned, args=(task, answer))
        process.start()
        assert answer.get(timeout=60) == build.sha256
        process.join()
