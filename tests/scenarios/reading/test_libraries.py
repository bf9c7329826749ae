"""``pe-data://`` in the libraries that researchers use, and every snippet of docs/reading.md."""

from __future__ import annotations

import errno
import io
import os
import pickle
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import pe_dvc
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    UntrustedError,
    VerificationError,
)
from tests.scenarios.reading.conftest import MIB
from tests.support.country import LATEST, NAME, Country, payload_of, reader_at
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.reader import Reader
    from tests.support.stores import CountingStore

COLUMNS = ["age_head", "e00200", "household_weight"]
DOCS = ROOT / "docs/reading.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)


@pytest.fixture(scope="session")
def table() -> pa.Table:
    """Forty columns of half a mebibyte each."""
    made = np.random.default_rng(4)
    names = [*COLUMNS, *(f"e{i:05d}" for i in range(37))]
    return pa.table({name: made.random(65_536) for name in names})


@pytest.fixture(scope="session")
def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none", use_dictionary=False)
    return buffer.getvalue()


@pytest.fixture
def cache(country: Country, parquet: bytes, tmp_path: Path) -> Path:
    """The cache of a reader of that table, empty."""
    country.publish({NAME: parquet, "states/AL": b"alabama"})
    PeDataFileSystem.clear_instance_cache()
    return tmp_path / "reader/cache"


def brought(cache: Path) -> int:
    """Return how many bytes were fetched; none of them as a whole file."""
    assert list(cache.glob("artifacts/*/*.parquet")) == []
    return sum(path.stat().st_blocks * 512 for path in cache.glob("partial/*.data"))


def total(values: Any) -> float:
    return round(float(np.sum(np.asarray(values))), 6)


def test_pandas_reads_columns(cache: Path, table: pa.Table, parquet: bytes) -> None:
    frame = pd.read_parquet(LATEST, columns=COLUMNS)
    pd.testing.assert_frame_equal(frame, table.select(COLUMNS).to_pandas())
    assert brought(cache) <= 4 * MIB < len(parquet)


@pytest.mark.parametrize("how", ["filesystem", "uri"])
def test_pyarrow_dataset_scans_columns(cache: Path, table: pa.Table, how: str) -> None:
    if how == "uri":
        dataset = ds.dataset(f"fsspec+{LATEST}")
    else:
        files = fsspec.filesystem("pe-data")
        dataset = ds.dataset(f"us/{NAME}@latest", filesystem=files, format="parquet")
    assert dataset.schema.names == table.column_names
    found = dataset.to_table(columns=["e00200"], filter=ds.field("age_head") < 0.5)
    assert 30_000 < found.num_rows < 35_000
    assert brought(cache) <= 4 * MIB


def test_polars_scans_and_reads_columns(cache: Path, table: pa.Table) -> None:
    lazy = pl.scan_pyarrow_dataset(ds.dataset(f"fsspec+{LATEST}"))
    assert total(lazy.select("e00200").collect()) == total(table["e00200"])
    frame = pl.read_parquet(LATEST, columns=COLUMNS, use_pyarrow=True)
    assert frame.columns == COLUMNS
    assert brought(cache) <= 4 * MIB


def test_polars_own_engine_reads_a_file_object_and_a_fetched_path(
    cache: Path, table: pa.Table
) -> None:
    with pe_dvc.open(LATEST) as file:
        assert pl.read_parquet(file, columns=COLUMNS).shape == (65_536, 3)
    scanned = pl.scan_parquet(pe_dvc.fetch(LATEST)).select(pl.col("e00200").sum()).collect()
    assert round(scanned.item(), 6) == total(table["e00200"])


def test_duckdb_queries_with_many_threads(cache: Path, table: pa.Table, country: Country) -> None:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="none", use_dictionary=False, row_group_size=4096)
    country.publish({NAME: buffer.getvalue()})
    connection = duckdb.connect(config={"threads": 8})
    connection.register_filesystem(fsspec.filesystem("pe-data"))
    query = f"SELECT sum(e00200), count(*) FROM read_parquet('{LATEST}')"
    for _ in range(3):
        found = connection.execute(query).fetchone()
        assert found is not None
        assert (round(found[0], 6), found[1]) == (total(table["e00200"]), 65_536)


def test_fsspec_opens_gets_and_lists(cache: Path, parquet: bytes, tmp_path: Path) -> None:
    with fsspec.open(LATEST) as file:
        assert file.read(4) == b"PAR1"
    files = fsspec.filesystem("pe-data")
    assert files.ls("", detail=False) == ["us"]
    assert files.ls("pe-data://us", detail=False) == [f"us/{NAME}@latest", "us/states"]
    assert files.ls("us/states", detail=False) == ["us/states/AL@latest"]
    assert files.glob("us/*@latest") == [f"us/{NAME}@latest"]
    assert files.glob(LATEST) == [f"us/{NAME}@latest"]
    assert files.find("us") == [f"us/{NAME}@latest", "us/states/AL@latest"]
    assert (files.isfile(LATEST), files.isdir(LATEST), files.isdir("us/states")) == (1, 0, 1)
    info = files.info(LATEST)
    assert (info["size"], info["type"]) == (len(parquet), "file")
    assert files.info(info["pinned"])["sha256"] == info["sha256"]
    assert files.cat("us/states/AL@latest") == b"alabama"
    files.get(LATEST, str(tmp_path / "out.parquet"))
    assert (tmp_path / "out.parquet").read_bytes() == parquet
    assert files.exists(LATEST)
    assert not files.exists("us/nothing@latest")
    assert not files.exists("us/nothing")
    assert not files.exists("nonsense/x@latest")


def test_what_is_missing_is_no_file(cache: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pd.read_parquet("pe-data://us/nothing@latest")
    with pytest.raises(FileNotFoundError, match=f"It has {NAME}"):
        fsspec.open("pe-data://us/nothing@latest").open()


def test_nothing_can_be_written(cache: Path, tmp_path: Path) -> None:
    files = fsspec.filesystem("pe-data")
    (tmp_path / "x").write_bytes(b"x")
    for write in (
        lambda: files.open(LATEST, "wb"),
        lambda: files.pipe(LATEST, b"x"),
        lambda: files.put(str(tmp_path / "x"), LATEST),
        lambda: files.rm(LATEST),
        lambda: files.mv(LATEST, "us/x@latest"),
        lambda: files.cp(LATEST, "us/x@latest"),
        lambda: files.mkdir("us/x"),
        lambda: files.touch(LATEST),
        lambda: pd.DataFrame({"x": [1]}).to_parquet("pe-data://us/x@latest"),
    ):
        with pytest.raises(OSError, match="read-only") as caught:
            write()
        assert caught.value.errno == errno.EROFS


def test_what_does_not_verify_is_an_error_and_not_a_missing_file(
    cache: Path, country: Country, parquet: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manifest = pe_dvc.manifest(LATEST)
    country.write(payload_of(manifest), parquet[::-1])
    with pytest.raises(DigestMismatchError, match=r"bytes \d+ to \d+ of pe-data://us"):
        pd.read_parquet(LATEST)
    with pytest.raises(DigestMismatchError):
        fsspec.filesystem("pe-data").cat(LATEST)
    PeDataFileSystem.clear_instance_cache()
    country.write("channels/us/timestamp.json", b"{}")
    with pytest.raises((VerificationError, FormatError), match="timestamp"):
        fsspec.filesystem("pe-data").exists(LATEST)
    PeDataFileSystem.clear_instance_cache()
    reader_at(tmp_path / "stranger", monkeypatch)
    with pytest.raises(UntrustedError, match="no root of trust"):
        pd.read_parquet(LATEST)


def test_one_file_system_is_one_view_and_a_later_one_a_new_one(
    cache: Path, country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fsspec.filesystem("pe-data")
    old = first.info(LATEST)["sha256"]
    assert fsspec.filesystem("pe-data") is first
    country.publish({NAME: b"a newer one"})
    assert first.info(LATEST)["sha256"] == old, "a scan under way keeps to what it began with"
    monkeypatch.setattr("time.monotonic", lambda: 10**9)
    second = fsspec.filesystem("pe-data")
    assert second.info(LATEST)["sha256"] != old
    assert first not in PeDataFileSystem._cache.values()
    first.invalidate_cache()
    assert first.info(LATEST)["sha256"] == second.info(LATEST)["sha256"]


def test_it_travels_to_other_processes(cache: Path) -> None:
    files = pickle.loads(
        pickle.dumps(fsspec.filesystem("pe-data", store=os.environ["PE_DVC_STORE"]))
    )
    assert files.cat("us/states/AL@latest") == b"alabama"


def test_ls_tells_each_channel(cache: Path, country: Country, parquet: bytes) -> None:
    country.publish({NAME: parquet}, channel="next")
    listed = pe_dvc.ls("us")
    assert [entry.reference for entry in listed] == [
        f"pe-data://us/{NAME}@latest",
        "pe-data://us/states/AL@latest",
        f"pe-data://us/{NAME}@next",
    ]
    assert listed[0].size == len(parquet)
    assert pe_dvc.fetch(listed[0].pinned).read_bytes() == parquet


def test_importing_the_file_system_is_cheap(country: Country) -> None:
    program = (
        "import sys, fsspec; fsspec.get_filesystem_class('pe-data');"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert "fsspec" in loaded
    assert not {"pydantic", "tuf", "pyarrow", "obstore", "dvc", "click"} & set(loaded)


def test_hdf5_is_read_from_a_path_and_from_an_open_file(
    country: Country, reader: Reader, tmp_path: Path, store: CountingStore
) -> None:
    import h5py

    values = np.random.default_rng(4).random((16, 131_072))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for index, row in enumerate(values):
            file[f"v{index}"] = row
    country.publish({"cps_2024": (tmp_path / "x.h5").read_bytes()})
    with pe_dvc.open("us/cps_2024@latest") as opened, h5py.File(opened) as file:
        assert np.array_equal(file["v3"][:], values[3])
    assert 0 < brought(tmp_path / "reader/cache") < 12 * MIB
    with h5py.File(pe_dvc.fetch("us/cps_2024@latest")) as file:
        assert np.array_equal(file["v9"][:], values[9])


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_every_snippet_of_the_docs_runs(
    country: Country, parquet: bytes, tmp_path: Path, number: int
) -> None:
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["age_head"] = [30, 40]
    country.publish({NAME: parquet, "cps_2024": (tmp_path / "x.h5").read_bytes()})
    PeDataFileSystem.clear_instance_cache()
    exec(compile(SNIPPETS[number], f"{DOCS.name}, snippet {number + 1}", "exec"), {})


def test_the_docs_have_a_snippet_for_each_library() -> None:
    text = "\n".join(SNIPPETS)
    for library in ("pandas", "pyarrow.dataset", "polars", "duckdb", "fsspec", "h5py", "pe_dvc"):
        assert f"import {library}" in text
    assert "import dask.dataframe" in text
    assert "from distributed import" in text
