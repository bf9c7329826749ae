"""Questions to a ledger: what is listed, what is summed up, and what of erased people is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.pseudonyms import forget
from pe_dvc.gateway.read_filter import ReadFilter
from pe_dvc.gateway.report import ReportedRead, report, usage
from tests.support.reads import START, a_read

if TYPE_CHECKING:
    from tests.support.ledgers import Bench

READS = [
    a_read(0),
    replace(a_read(1, person="bob@example.org"), project="pe-growth", client_address="::1"),
    replace(a_read(2), dataset="was_2021", raw_sources=("was-2021", "frs-2023-24")),
    replace(a_read(3), country="us", grant_id="", raw_sources=(), last_byte=None),
    replace(a_read(4), object_key='a "quoted" key', columns=("=1+1",)),
]


@pytest.fixture
def filled(bench: Bench) -> Bench:
    bench.fill(READS)
    return bench


def asked(bench: Bench, **values: object) -> list[ReportedRead]:
    database = Database(bench.place)
    try:
        return list(report(database, ReadFilter(**values)))  # type: ignore[arg-type]
    finally:
        database.close()


def test_reads_come_back_as_they_were(filled: Bench) -> None:
    found = asked(filled)
    assert [one.read for one in found] == READS
    assert [one.index for one in found] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("values", "indexes"),
    [
        ({"country": "us"}, [3]),
        ({"dataset": "was_2021"}, [2]),
        ({"person": "bob@example.org"}, [1]),
        ({"person": "bob"}, []),
        ({"project": "pe-poverty"}, [0, 2, 3, 4]),
        ({"raw_source": "frs-2023-24"}, [0, 1, 2, 4]),
        ({"raw_source": "was-2021"}, [2]),
        ({"raw_source": "frs"}, []),
        ({"since": START + timedelta(seconds=3)}, [3, 4]),
        ({"until": START + timedelta(seconds=1)}, [0]),
        ({"without_grant": True}, [3]),
        ({"project": "pe-poverty", "raw_source": "was-2021"}, [2]),
        ({"project": 'x","country":"us'}, []),
    ],
)
def test_reads_are_chosen(filled: Bench, values: dict[str, object], indexes: list[int]) -> None:
    assert [one.index for one in asked(filled, **values)] == indexes


def test_a_project_named_as_another_field_s_value_matches_only_itself(bench: Bench) -> None:
    bench.fill([replace(a_read(), project="uk"), replace(a_read(), dataset="pe-poverty")])
    assert [one.index for one in asked(bench, project="uk")] == [0]


def test_a_person_who_was_erased_is_a_pseudonym_and_counts_as_one(filled: Bench) -> None:
    database = Database(filled.place)
    with database.writing() as connection:
        forget(connection, "ann@example.org")
    database.close()
    found = asked(filled)
    (pseudonym,) = {one.read.person for one in found} - {"bob@example.org"}
    assert len(pseudonym) == 32
    assert "192.0.2.7" not in {one.read.client_address for one in found}
    assert asked(filled, person="ann@example.org") == []


def test_usage_by_raw_source_is_what_the_data_owner_asks(filled: Bench) -> None:
    rows = {row.group: row for row in usage(asked(filled), "raw-source")}
    assert list(rows) == ["(not recorded)", "frs-2023-24", "was-2021"]
    frs = rows["frs-2023-24"]
    assert (frs.reads, frs.bytes, frs.without_grant) == (4, 400, 0)
    assert frs.people == {"ann@example.org", "bob@example.org"}
    assert frs.datasets == {"frs_2023", "was_2021"}
    assert (frs.first, frs.last) == (START, START + timedelta(seconds=4))
    assert rows["(not recorded)"].without_grant == 1


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("dataset", ["uk/frs_2023", "uk/was_2021", "us/frs_2023"]),
        ("project", ["pe-growth", "pe-poverty"]),
        ("person", ["ann@example.org", "bob@example.org"]),
    ],
)
def test_usage_is_summed_up_by_other_things(filled: Bench, by: str, groups: list[str]) -> None:
    assert [row.group for row in usage(asked(filled), by)] == groups
