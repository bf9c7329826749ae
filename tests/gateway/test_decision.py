"""Who may read what: every way to be refused says what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pe_dvc.documents.access import AccessRules, access_rules
from pe_dvc.gateway.decision import Allowed, Caller, Refused, Scope, Subject, Visa, decide

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
FRS = Subject(dataset="frs_2023", raw_inputs=("frs_raw",))
WAS = Subject(dataset="was_2020", raw_inputs=("was_raw",))
ADA = Caller(person="ada@example.org")


def grant(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "person": "ada@example.org",
        "project": "poverty",
        "datasets": ["frs_*"],
        "licence": "EUL",
        "licence_version": "24",
        "from": "2026-01-01",
        "until": "2026-12-31",
    } | changes


def visa(name: str, **changes: Any) -> dict[str, Any]:
    found = grant(name, issuer="https://rems.example.org", value="https://data.example.org/frs")
    del found["person"]
    return found | changes


def rules(*grants: dict[str, Any], visas: tuple[dict[str, Any], ...] = ()) -> AccessRules:
    document = {"contact": "data-access@example.org", "grants": list(grants), "visas": list(visas)}
    return access_rules(document)


def asked(
    these: AccessRules,
    *subjects: Subject,
    caller: Caller = ADA,
    project: str | None = None,
    now: datetime = NOW,
) -> Allowed | Refused:
    return decide(these, caller, subjects or [FRS], country="uk", project=project, now=now)


def refused(*given: Any, **named: Any) -> Refused:
    found = asked(*given, **named)
    assert isinstance(found, Refused)
    return found


def allowed(*given: Any, **named: Any) -> Allowed:
    found = asked(*given, **named)
    assert isinstance(found, Allowed), found
    return found


def test_a_live_grant_allows_what_it_names() -> None:
    found = allowed(rules(grant("a")))
    assert (found.grant.id, found.subject) == ("a", FRS)


def test_without_a_grant_it_says_where_to_apply() -> None:
    found = refused(rules(grant("a")), WAS)
    assert found.why == "no grant"
    assert "data-access@example.org" in found.says


def test_another_persons_grant_is_none() -> None:
    assert refused(rules(grant("a", person="eve@example.org"))).why == "no grant"


def test_a_person_is_compared_as_written() -> None:
    assert refused(rules(grant("a", person="ADA@example.org"))).why == "no grant"
    assert refused(rules(grant("a", person="*@example.org"))).why == "no grant"


def test_several_projects_are_ambiguous_until_one_is_named() -> None:
    these = rules(grant("a"), grant("b", project="wealth"))
    found = refused(these)
    assert (found.why, found.projects) == ("ambiguous", ("poverty", "wealth"))
    assert "poverty, wealth" in found.says
    assert "X-PE-Project" in found.says
    assert allowed(these, project="wealth").grant.id == "b"


def test_of_several_projects_only_those_that_cover_the_object_count() -> None:
    these = rules(grant("a"), grant("b", project="wealth", datasets=["was_*"]))
    assert allowed(these, WAS).grant.id == "b"


def test_a_project_that_is_not_granted_is_refused_with_those_that_are() -> None:
    found = refused(rules(grant("a")), project="wealth")
    assert (found.why, found.projects) == ("no grant", ("poverty",))


def test_a_grant_that_ended_says_what_must_be_deleted() -> None:
    found = refused(rules(grant("a", until="2026-11-25")))
    assert found.why == "ended"
    for part in ("2026-11-25", "frs_*", "EUL, version 24", "delete", "data-access@example.org"):
        assert part in found.says


def test_a_live_grant_counts_beside_one_that_ended() -> None:
    assert allowed(rules(grant("a", until="2026-11-25"), grant("b"))).grant.id == "b"


def test_a_live_grant_of_another_project_does_not_extend_one_that_ended() -> None:
    these = rules(grant("a", until="2026-11-25"), grant("b", project="wealth"))
    assert refused(these, project="poverty").why == "ended"


def test_a_grant_that_begins_later_says_when() -> None:
    found = refused(rules(grant("a", **{"from": "2026-12-01"})))
    assert (found.why, "2026-12-01" in found.says) == ("not yet", True)


def test_bytes_of_two_datasets_are_read_as_the_one_that_is_granted() -> None:
    assert allowed(rules(grant("a")), WAS, FRS).subject == FRS


def test_an_object_of_no_dataset_is_never_granted() -> None:
    everything = rules(grant("a", datasets=["*"]))
    found = decide(everything, ADA, [], country="uk", project=None, now=NOW)
    assert isinstance(found, Refused)


@pytest.mark.parametrize(
    ("scope", "project"),
    [
        (Scope(country="us"), None),
        (Scope(project="wealth"), "poverty"),
        (Scope(datasets=("was_*",)), None),
        (Scope(datasets=()), None),
    ],
)
def test_a_tokens_scope_cannot_be_left(scope: Scope, project: str | None) -> None:
    caller = Caller(person="ada@example.org", scope=scope)
    assert refused(rules(grant("a")), caller=caller, project=project).why == "token scope"


def test_a_tokens_project_chooses_the_grant() -> None:
    these = rules(grant("a"), grant("b", project="wealth"))
    caller = Caller(person="ada@example.org", scope=Scope(project="wealth"))
    assert allowed(these, caller=caller).grant.id == "b"


def test_a_tokens_scope_grants_nothing_by_itself() -> None:
    caller = Caller(person="eve@example.org", scope=Scope(project="poverty", datasets=("*",)))
    assert refused(rules(grant("a")), caller=caller).why == "no grant"


def test_a_visa_counts_by_its_issuer_and_its_value() -> None:
    these = rules(visas=(visa("v"),))
    mine = Visa(issuer="https://rems.example.org", value="https://data.example.org/frs")
    eve = Caller(person="eve@example.org", visas=(mine,))
    assert allowed(these, caller=eve).grant.id == "v"
    other = Visa(issuer="https://evil.example.org", value=mine.value)
    assert refused(these, caller=Caller(person="eve@example.org", visas=(other,))).why == "no grant"


def test_of_one_project_the_grant_that_lasts_longest_is_noted() -> None:
    these = rules(grant("a", until="2026-12-01"), grant("b"))
    assert allowed(these).grant.id == "b"
