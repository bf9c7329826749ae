"""A note of a publisher or collector goes with its process, also one that cannot unwind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import locks_prefix
from pe_dvc.primitives.interruption import undo_all
from pe_dvc.usecases.retention.bucket_lock import collecting, publishing
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pe_dvc.store.port import Store


@pytest.mark.parametrize("turn", [publishing, collecting])
def test_a_process_that_is_ended_takes_its_note_along(
    turn: Callable[[Store, str], AbstractContextManager[None]],
) -> None:
    store = MemoryStore()
    with turn(store, "us"):
        assert len(list(store.list(locks_prefix("us")))) == 1
        undo_all(5.0)
        assert not list(store.list(locks_prefix("us")))
    undo_all(5.0)
    with turn(store, "us"):
        undo_all(0.0)
