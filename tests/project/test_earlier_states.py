"""Which version of a channel was in force at the end of a month."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pe_dvc.project.earlier_states import in_force
from pe_dvc.usecases.channel.version import Version


def version(number: int, signed: str) -> Version:
    moment = datetime.fromisoformat(signed).replace(tzinfo=UTC)
    return Version(
        channel="latest",
        version=number,
        signed_at=moment,
        expires=moment,
        signers=(),
        pointers={},
        data=b"",
    )


VERSIONS = [
    version(4, "2026-01-01"),
    version(3, "2025-11-30T23:59:59"),
    version(2, "2025-11-02"),
    version(1, "2025-08-09"),
]


@pytest.mark.parametrize(
    ("month", "number"),
    [
        ("2025-11", 3),  # the last one of the month
        ("2025-12", 3),  # none was signed in it: the one before stayed
        ("2025-10", 1),
        ("2025-07", None),
        ("2026-01", 4),
    ],
)
def test_the_version_in_force_at_the_end_of_a_month(month: str, number: int | None) -> None:
    found = in_force(VERSIONS, month)
    assert (found and found.version) == number
