"""What code that knows pandas and fsspec only catches: a row for each thing that can go wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import fsspec
import pandas as pd
import pytest

import pe_dvc
from pe_dvc import errors
from pe_dvc.adapters.stores import retry_policy
from pe_dvc.filesystem import PeDataFileSystem
from tests.support.country import LATEST, NAME, Country, payload_of
from tests.support.servers import ACCESS_KEY, SECRET_KEY, answering, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READERS = [
    pytest.param(pd.read_parquet, id="pandas"),
    pytest.param(lambda reference: fsspec.open(reference).open(), id="fsspec"),
    pytest.param(pe_dvc.fetch, id="fetch"),
    pytest.param(pe_dvc.manifest, id="manifest"),
    pytest.param(lambda reference: pd.read_csv(reference), id="csv"),
]
READS_BYTES = [
    pytest.param(pd.read_parquet, id="pandas"),
    pytest.param(lambda reference: fsspec.open(reference).open().read(), id="fsspec"),
    pytest.param(pe_dvc.fetch, id="fetch"),
]


@pytest.fixture(autouse=True)
def _no_earlier_views(country: Country) -> Iterator[None]:
    PeDataFileSystem.clear_instance_cache()
    yield
    PeDataFileSystem.clear_instance_cache()


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("us/enhanced_cps_2042@latest", rf"no dataset 'enhanced_cps_2042'\nDid you mean {NAME}"),
        (f"us/{NAME}@1.2.3", "1.2.3"),
        (f"us/{NAME}@sha256:{'0' * 64}", r"no artifact with that sha256 .+\nCheck the digest"),
    ],
    ids=["dataset", "release", "digest"],
)
def test_what_is_not_there_is_a_missing_file(
    any_store: str, read: Callable[[str], object], asked: str, said: str
) -> None:
    with pytest.raises(FileNotFoundError, match=said) as caught:
        read(f"pe-data://{asked}")
    assert isinstance(caught.value, errors.NotFoundError)
    assert caught.value.remedy is None or caught.value.remedy in str(caught.value)


@pytest.mark.parametrize("read", READERS)
def test_a_malformed_reference_is_a_wrong_value(
    country: Country, read: Callable[[str], object]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        read(f"pe-data://us/{NAME}")


@pytest.mark.parametrize("read", READERS)
def test_a_store_that_refuses_is_a_lack_of_permission(
    country: Country, read: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(403) as server:
        _store_at(server.endpoint, monkeypatch)
        with pytest.raises(PermissionError, match=r"granted by data@example\.org") as caught:
            read(LATEST)
    assert isinstance(caught.value, errors.StorePermissionError)


@pytest.mark.parametrize("read", READERS)
def test_a_store_that_cannot_be_reached_is_a_lost_connection(
    country: Country, read: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_policy, "ANSWERS_RETRIED_FOR", timedelta(seconds=0.1))
    _store_at(f"http://127.0.0.1:{free_port()}", monkeypatch)
    with pytest.raises(ConnectionError) as caught:
        read(LATEST)
    assert isinstance(caught.value, errors.StoreUnavailableError)


def test_a_store_that_cannot_be_reached_is_no_empty_folder(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(403) as server:
        _store_at(server.endpoint, monkeypatch)
        files = fsspec.filesystem("pe-data")
        for look in (files.find, files.ls, files.exists, lambda path: files.glob(f"{path}/*")):
            with pytest.raises(PermissionError):
                look("us")
    assert fsspec.filesystem("pe-data").find("nonsense/such") == []


def test_bytes_that_are_not_here_offline_are_a_lost_connection(country: Country) -> None:
    pe_dvc.manifest(LATEST)
    offline = {"offline": True}
    with pytest.raises(ConnectionError, match=r"\nFetch them once online: pe-dvc get"):
        pd.read_parquet(LATEST, storage_options=offline)
    with pytest.raises(FileNotFoundError, match="offline"):
        pd.read_parquet(f"pe-data://us/{NAME}@next", storage_options=offline)


@pytest.mark.parametrize("read", READS_BYTES)
def test_what_does_not_verify_is_no_error_of_python(
    country: Country, read: Callable[[str], object], tmp_path: Path
) -> None:
    manifest = pe_dvc.manifest(LATEST)
    payload = tmp_path / "bucket" / payload_of(manifest)
    country.write(payload_of(manifest), bytes(len(payload.read_bytes())))
    with pytest.raises(errors.DigestMismatchError) as caught:
        read(LATEST)
    assert not isinstance(caught.value, OSError | ValueError | LookupError)


def test_no_family_of_verification_is_an_error_of_python() -> None:
    firm = (errors.VerificationError, errors.RevokedError, errors.ConflictError, errors.GateError)
    for name in errors.__all__:
        kind = getattr(errors, name)
        if issubclass(kind, firm):
            assert not issubclass(kind, (OSError, ValueError, LookupError)), name


def test_file_systems_still_say_what_is_missing(country: Country) -> None:
    files = fsspec.filesystem("pe-data")
    missing = "pe-data://us/enhanced_cps_2042@latest"
    assert (files.exists(missing), files.isfile(missing), files.isdir("us/no")) == (0, 0, 0)
    for look in (files.info, files.size, files.ls, files.cat):
        with pytest.raises(FileNotFoundError, match=f"Did you mean {NAME}"):
            look(missing)


def test_a_folder_that_is_not_there_names_what_is(country: Country) -> None:
    with pytest.raises(FileNotFoundError, match=f"It has {NAME}"):
        fsspec.filesystem("pe-data").ls("us/states")


def _store_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PE_DVC_STORE", "s3://somewhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
