"""A published country and a reader of it, both in directories of the test."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.project import notes
from pe_dvc.project.reader import Reader
from tests.support.country import NAME, Country, reader_at
from tests.support.described import ONE_TABLE
from tests.support.labelled_data import FRAME, parquet_of, publish
from tests.support.mirrors import Files, Mirror
from tests.support.s3_objects import S3Objects
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket

MIB = 1024 * 1024
SIZE = 10 * MIB + 12_345


@pytest.fixture(autouse=True)
def _nothing_was_said() -> None:
    """Each test begins as a process does: no note was said."""
    notes._said.clear()


@pytest.fixture(scope="session")
def payload() -> bytes:
    """Ten chunks and a short one, no two alike."""
    return random.Random(4).randbytes(SIZE)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    """The bucket: a directory."""
    return CountingStore(LocalStore(tmp_path / "bucket"))


@pytest.fixture
def country(
    tmp_path: Path, store: CountingStore, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> Country:
    """A country with one dataset in ``latest``; this process is a reader that trusts it."""
    places = reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "bucket"))
    monkeypatch.chdir(tmp_path)
    made = Country(tmp_path / "maintainer", store, contact="data@example.org")
    made.publish({NAME: payload})
    made.trust(tmp_path / "reader/config")
    assert places["PE_DVC_CONFIG_DIR"] == str(tmp_path / "reader/config")
    return made


@pytest.fixture
def origin(country: Country, tmp_path: Path) -> Path:
    """The bucket of the country, which has one dataset in ``latest``."""
    return tmp_path / "bucket"


@pytest.fixture
def twin(country: Country, origin: Path, tmp_path: Path) -> Country:
    """The same keys, publishing into a second bucket from now on."""
    made = country.copy(tmp_path / "twin", LocalStore(tmp_path / "twin-bucket"))
    Mirror("", Files(tmp_path / "twin-bucket")).copy(origin)
    return made


@pytest.fixture
def labelled(country: Country) -> Country:
    """The same country, whose dataset is a table with labels."""
    publish(country, parquet_of(FRAME), ONE_TABLE)
    return country


@pytest.fixture(params=["directory", "S3"])
def any_store(
    request: pytest.FixtureRequest,
    country: Country,
    tmp_path: Path,
    s3_bucket: S3Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The country's bucket, as a directory and on S3; ``PE_DVC_STORE`` names it."""
    bucket = tmp_path / "bucket"
    if request.param == "directory":
        return str(bucket)
    objects = S3Objects(s3_bucket)
    for path in bucket.rglob("*"):
        if path.is_file():
            objects[path.relative_to(bucket).as_posix()] = path.read_bytes()
    for name, value in s3_bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PE_DVC_STORE", s3_bucket.url)
    return s3_bucket.url


@pytest.fixture
def reader(country: Country, store: CountingStore) -> Reader:
    """A reader whose store counts what is asked of it."""
    return new_reader(store)


def new_reader(store: CountingStore) -> Reader:
    """Return a reader as of a new process; the cache stays."""
    return Reader("us", store=store)
