"""What makes data stale, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pe_dvc.documents.compatibility import judge
from pe_dvc.documents.provenance import Package
from pe_dvc.documents.staleness import (
    CurrentPackage,
    Staleness,
    compare_age,
    compare_digest,
    compare_package,
)


def package(version: str, fingerprint: str | None = None, **more: Any) -> Package:
    return Package(name="pe-us", version=version, data_build_fingerprint=fingerprint, **more)


def verdict(was: Package | None, now: CurrentPackage) -> str:
    lines = tuple(compare_package("model", was, now))
    return Staleness(reference="r", pinned="p", built_at=None, comparisons=lines).verdict


A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        pytest.param(package("1.0"), package("1.0"), "fresh", id="the same version"),
        pytest.param(package("1.0"), package("2.0"), "stale", id="another version"),
        pytest.param(package("1.0", "f"), package("2.0", "f"), "fresh", id="the same logic"),
        pytest.param(package("1.0", "f"), package("1.0", "g"), "stale", id="edited in place"),
        pytest.param(package("1.0", "f"), package("1.0"), "fresh", id="fingerprint not known now"),
        pytest.param(
            package("1.0", wheel_sha256=A),
            package("1.0", wheel_sha256=B),
            "stale",
            id="another wheel of that version",
        ),
        pytest.param(None, package("1.0"), "unknown", id="the manifest names none"),
        pytest.param(package("1.0"), None, "unknown", id="none is here"),
    ],
)
def test_a_model(was: Package | None, now: Package | None, expected: str) -> None:
    assert verdict(was, CurrentPackage(package=now, reason=None if now else "not here")) == expected


def test_what_was_not_asked_decides_nothing() -> None:
    now = CurrentPackage(package=None, reason="only the model was named", asked=False)
    assert verdict(package("1.0"), now) == "fresh"


def test_one_difference_outweighs_what_is_not_known() -> None:
    lines = (
        compare_digest("raw input x", "sha256:1", None, source="s", reason="no answer"),
        compare_digest("raw input y", "sha256:1", "sha256:2", source="s"),
    )
    found = Staleness(reference="r", pinned="p", built_at=None, comparisons=lines)
    assert found.verdict == "stale"
    assert found.to_json()["verdict"] == "stale"


@pytest.mark.parametrize(
    ("built_at", "limit", "found", "counts"),
    [
        ("2026-01-01T00:00:00Z", None, "not checked", False),
        ("2026-01-01T00:00:00Z", 30, "differs", True),
        ("2026-01-01T00:00:00Z", 90, "same", False),
        (None, None, "not checked", False),
        (None, 30, "unknown", True),
    ],
)
def test_age(built_at: str | None, limit: int | None, found: str, counts: bool) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    line = compare_age(built_at, now, timedelta(days=limit) if limit else None)
    assert (line.found, line.counts) == (found, counts)


CLAIM = ("1.78.2", "pe-us", ">=2.89,<2.91")


@pytest.mark.parametrize(
    ("version", "fingerprint", "claims", "expected"),
    [
        ("1.0", None, [], "compatible"),
        ("2.90.1", None, [CLAIM], "compatible"),
        ("2.90.0rc1", None, [CLAIM], "compatible"),
        ("2.91", None, [CLAIM], "incompatible"),
        ("2.91", "f", [CLAIM], "compatible"),
        ("2.91", None, [("1", "pe-us", "not a specifier")], "incompatible"),
    ],
)
def test_claims(
    version: str, fingerprint: str | None, claims: list[tuple[str, str, str]], expected: str
) -> None:
    now = CurrentPackage(package=package(version, fingerprint), source="named")
    assert judge("r", "p", package("1.0", "f"), claims, now).verdict == expected


def test_nothing_is_claimed_of_a_package_that_no_release_names() -> None:
    other = Package(name="pe-uk", version="1.0")
    found = judge("r", "p", package("1.0"), [CLAIM], CurrentPackage(package=other, source="named"))
    assert found.verdict == "unknown"
    assert found.reason == "no release of it claims anything of this package"
