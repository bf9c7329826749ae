"""The columns that a range of a parquet file holds, as the ledger has them."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pe_dvc.adapters.tables.parquet import column_places, footer_length
from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.errors import FormatError
from tests.support.country import Country
from tests.support.directories import publish_directory
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("person_id", "employment_income", "a.b")


def parquet(rows: int) -> bytes:
    """Return a file of which the columns do not compress."""
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    table = pa.table({name: rng.random(rows) for name in NAMES})
    pq.write_table(table, file, row_group_size=rows // 2)
    return file.getvalue()


SMALL, LARGE = parquet(2_000), parquet(250_000)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(MemoryStore())


@pytest.fixture
def country(tmp_path: Path, store: CountingStore) -> Country:
    return Country(tmp_path / "country", store)


@pytest.fixture
def house(tmp_path: Path, country: Country) -> Iterator[GatewayHouse]:
    with GatewayHouse(tmp_path, country).running() as house:
        yield house


def columns(house: GatewayHouse, md5: str, first: int, last: int) -> tuple[str, ...]:
    """Read a range and return what the entry of it says."""
    path, part = f"/{payload_key('us', md5)}", f"bytes={first}-{last}"
    assert house.get(path, house.token(), Range=part).status == 206
    return house.ledger.reads[-1].columns


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_range_is_noted_with_the_columns_in_it(
    house: GatewayHouse, country: Country, data: bytes
) -> None:
    (manifest,) = country.publish({"frs_2023": data})
    house.served.refresh()
    md5 = manifest.artifact.dvc.md5
    first_group = pq.read_metadata(io.BytesIO(data)).row_group(0)
    for index, name in enumerate(NAMES):
        chunk = first_group.column(index)
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        end = start + chunk.total_compressed_size - 1
        assert columns(house, md5, start, end) == (name,)
        assert columns(house, md5, end, end) == (name,)
    second = first_group.column(1)
    at = second.dictionary_page_offset or second.data_page_offset
    assert columns(house, md5, at - 1, at) == NAMES[:2]
    assert columns(house, md5, 0, len(data) - 1) == NAMES
    assert columns(house, md5, len(data) - 8, len(data) - 1) == ()  # the footer
    assert columns(house, md5, 0, 3) == ()
    house.get(f"/{payload_key('us', md5)}", house.token())
    assert house.ledger.reads[-1].columns == ()  # the whole, and so all


def test_the_footer_is_read_once(
    house: GatewayHouse, country: Country, store: CountingStore
) -> None:
    (manifest,) = country.publish({"frs_2023": LARGE})
    house.served.refresh()
    columns(house, manifest.artifact.dvc.md5, 4, 100)
    before = store.calls.total()
    for _ in range(5):
        assert columns(house, manifest.artifact.dvc.md5, 4, 100) == NAMES[:1]
    assert store.calls.total() - before == 5  # the ranges that were asked for


def test_files_of_directories_too(house: GatewayHouse, country: Country) -> None:
    publish_directory(country, {"a/x.parquet": SMALL, "b/y.parquet": LARGE, "z.csv": b"a,b\n1,2"})
    house.served.refresh()
    for data, expected in ((SMALL, NAMES[:1]), (LARGE, NAMES[:1]), (b"a,b\n1,2", ())):
        assert columns(house, hashlib.md5(data).hexdigest(), 4, 5) == expected


@pytest.mark.parametrize("data", [b"PAR1", SMALL[:-1], SMALL[:-8] + b"\xff\xff\xff\x0fPAR1"])
def test_a_file_whose_columns_are_not_known_is_served(
    house: GatewayHouse, country: Country, data: bytes
) -> None:
    (manifest,) = country.publish({"frs_2023": data})
    house.served.refresh()
    assert columns(house, manifest.artifact.dvc.md5, 0, 3) == ()


def test_attack_a_footer_that_nobody_signed(house: GatewayHouse, country: Country) -> None:
    """It would be parsed here, and say of a read what was not read."""
    (manifest,) = country.publish({"frs_2023": LARGE})
    house.served.refresh()
    country.write(
        payload_key("us", manifest.artifact.dvc.md5), LARGE.replace(b"person_id", b"other_one")
    )
    assert columns(house, manifest.artifact.dvc.md5, 4, 100) == ()


def test_ends_that_are_of_no_parquet_file() -> None:
    for tail in (b"", b"PAR1", b"x" * 100):
        with pytest.raises(FormatError):
            footer_length(tail)
    with pytest.raises(FormatError, match="frs"):
        column_places(b"x" * 100 + (100).to_bytes(4, "little") + b"PAR1", label="frs")
