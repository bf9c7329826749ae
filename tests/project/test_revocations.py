"""A running reader whose store does not say any more what was withdrawn."""

from __future__ import annotations

import time
from datetime import datetime, tzinfo
from types import SimpleNamespace
from typing import TYPE_CHECKING, Self

import pytest

from pe_dvc.primitives.errors import ExpiredError, StoreUnavailableError
from pe_dvc.project import revocations
from pe_dvc.project.revocations import FRESH, Revocations
from tests.support.country import NAME, Country, reader_at
from tests.support.memory_store import MemoryStore
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from pathlib import Path


class _InTwoYears(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        found = super().now(tz)
        return found.replace(year=found.year + 2)


def test_what_is_known_ends_with_the_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy answers 503 for the channels: that hides a withdrawal no longer than an old copy."""
    store = RecordingStore.of(MemoryStore())
    country = Country(tmp_path / "maintainer", store)
    country.publish({NAME: b"bytes"})
    reader_at(tmp_path / "reader", monkeypatch)
    country.trust(tmp_path / "reader/config")
    asked = Revocations("us", None, lambda: store)
    before = asked.known()
    assert before.version == 1

    def is_down(number: int, operation: str, key: str) -> None:
        raise StoreUnavailableError("the store does not answer", operation=operation, key=key)

    store.before = is_down
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + FRESH)
    monkeypatch.setattr(revocations, "time", later)
    assert asked.known() == before
    monkeypatch.setattr(revocations, "datetime", _InTwoYears)
    asked.look_again()
    with pytest.raises(ExpiredError, match=r"that expired on .*: the store does not answer"):
        asked.known()
