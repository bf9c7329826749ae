"""Entries of the ledger beside the grants of another day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.access import access_rules
from pe_dvc.gateway.grants_today import GrantsToday
from tests.support.gateways import access_text
from tests.support.reads import a_read

USUAL = {
    "id": "g-17",
    "person": "ann@example.org",
    "project": "pe-poverty",
    "datasets": "frs_*",
}
READ = replace(a_read(), licence="UKDS End User Licence, version 24")


def today(**changed: str) -> GrantsToday:
    text = access_text({**USUAL, **changed})
    return GrantsToday(access_rules(read_yaml(text.encode(), "access.yaml")))


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({}, ()),
        ({"id": "g-18"}, ("the grant is not in access.yaml",)),
        ({"person": "bob@example.org"}, ("the grant is another person's",)),
        ({"project": "other"}, ("its project is other",)),
        ({"until": "2026-02-01"}, ("it holds from 2020-01-01 until 2026-02-01",)),
        ({"begins": "2026-04-01"}, ("it holds from 2026-04-01 until 2099-12-31",)),
        ({"datasets": "was_*"}, ("it does not cover this dataset",)),
    ],
)
def test_what_is_another_today_is_said(changed: dict[str, str], differs: tuple[str, ...]) -> None:
    assert today(**changed).differences(READ) == differs


def test_the_licence_and_what_no_grant_allowed_and_who_was_erased() -> None:
    other = replace(READ, licence="older")
    assert today().differences(other) == ("its licence is UKDS End User Licence, version 24",)
    assert today(id="x").differences(replace(READ, grant_id="")) == ()
    assert today().differences(replace(READ, person="0" * 32)) == ()


def test_a_statement_after_the_last_day_is_no_difference() -> None:
    stated = replace(READ, kind="destruction", how="statement", dataset="")
    assert today(until="2026-02-01").differences(stated) == ()


def test_the_state_of_a_grant() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert today().state("g-17", now) == "live until 2099-12-31"
    assert today(until="2026-02-28").state("g-17", now) == "ended on 2026-02-28"
    assert today(begins="2026-03-02").state("g-17", now) == "begins on 2026-03-02"
    assert today().state("g-1", now) == "not in access.yaml"
