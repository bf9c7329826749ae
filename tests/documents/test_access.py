"""access.yaml: what is read of it, and what is refused with the key that is wrong."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.access import AccessRules, access_rules
from pe_dvc.primitives.errors import FormatError

TEXT = """\
contact: data-access@example.org
grants:
  - id: ada-poverty
    person: ada@example.org
    project: poverty-2026
    datasets: [frs_*, states/*]
    licence: UKDS End User Licence
    licence_version: "24"
    from: 2026-01-01
    until: 2026-12-31
visas:
  - id: rems-frs
    issuer: https://rems.example.org
    value: https://data.example.org/frs
    project: frs
    raw_sources: frs_2023
    licence: UKDS End User Licence
    licence_version: "24"
    from: 2026-01-01
    until: 2026-12-31
"""


def rules(text: str = TEXT) -> AccessRules:
    return access_rules(read_yaml(text.encode(), "access.yaml"))


def test_grants_and_visas_are_read() -> None:
    found = rules()
    assert found.contact == "data-access@example.org"
    (grant,) = found.grants
    assert (grant.person, grant.project) == ("ada@example.org", "poverty-2026")
    assert (grant.first_day, grant.last_day) == (date(2026, 1, 1), date(2026, 12, 31))
    assert grant.licence_text == "UKDS End User Licence, version 24"
    assert found.visas[0].raw_sources == ("frs_2023",)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("contact: data-access@example.org", "contakt: x", "contakt"),
        ("    person: ada@example.org\n", "", "person"),
        ("ada@example.org", '"ada lovelace"', "person"),
        ("2026-12-31", "2026-02-30", "until"),
        ("2026-12-31", "31.12.2026", "until"),
        ("2026-12-31", "2025-12-31", "end before it begins"),
        ("project: poverty-2026", "project: ../etc", "project"),
        ("[frs_*, states/*]", "[]", "datasets or raw_sources"),
        ("[frs_*, states/*]", "{a: b}", "datasets"),
        ("[frs_*, states/*]", "['frs\\n']", "datasets"),
        ('licence_version: "24"', "licence_version: 24", "licence_version"),
        ("id: rems-frs", "id: ada-poverty", "twice"),
        ("licence: UKDS End User Licence", 'licence: "a\\nb"', "licence"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, where: str) -> None:
    assert old in TEXT
    with pytest.raises(FormatError, match=rf"(?s)access\.yaml.*{re.escape(where)}"):
        rules(TEXT.replace(old, new, 1))


def test_a_grant_holds_through_its_last_day_in_utc() -> None:
    (grant,) = rules().grants
    assert grant.begins_after(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert not grant.begins_after(datetime(2026, 1, 1, tzinfo=UTC))
    assert not grant.ended(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert grant.ended(datetime(2027, 1, 1, tzinfo=UTC))


def test_a_grant_may_last_to_the_end_of_the_calendar() -> None:
    (grant,) = rules(TEXT.replace("until: 2026-12-31", "until: 9999-12-31")).grants
    assert not grant.ended(datetime(9999, 12, 31, 12, tzinfo=UTC))


def test_raw_sources_mean_what_is_made_of_these_alone() -> None:
    (visa,) = rules().visas
    assert visa.covers("enhanced_frs", ("frs_2023",))
    assert not visa.covers("enhanced_frs", ("frs_2023", "was_2020"))
    assert not visa.covers("enhanced_frs", ())


def test_patterns_mean_whole_names() -> None:
    (grant,) = rules().grants
    assert grant.covers("frs_2023", ())
    assert grant.covers("states/AL", ())
    assert not grant.covers("my_frs_2023", ())
