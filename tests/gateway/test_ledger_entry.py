"""What a read is, before anything keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pe_dvc.primitives.errors import FormatError
from tests.support.reads import a_read


def test_times_are_kept_in_utc() -> None:
    paris = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    assert replace(a_read(), at=paris).at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert replace(a_read(), at=paris).at.tzinfo is UTC


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(FormatError, match="no time zone"):
        replace(a_read(), at=datetime(2026, 3, 1, 12))


@pytest.mark.parametrize(
    ("first", "last", "length", "count"),
    [
        (0, None, 100, 100),
        (40, None, 100, 60),
        (0, None, None, None),
        (10, 19, None, 10),
        (0, 0, 100, 1),
        (100, None, 100, 0),
    ],
)
def test_bytes_of_a_range_are_counted(
    first: int, last: int | None, length: int | None, count: int | None
) -> None:
    read = replace(a_read(), first_byte=first, last_byte=last, length=length)
    assert read.byte_count == count


def test_negative_bytes_are_refused() -> None:
    with pytest.raises(FormatError, match="counted from 0"):
        replace(a_read(), first_byte=-1)
