"""What a push asks of a bucket before it uploads."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.usecases.publish.existing_objects import (
    HEAD_REQUESTS_MAX,
    LISTED_AT_ONCE_MIN,
    LISTED_PER_KEY_MAX,
    find_objects,
)
from tests.support.memory_store import MemoryStore
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stores import Result


def bucket_of(numbers: set[int]) -> CountingStore:
    made = MemoryStore()
    made.objects = {key_of(number): b"x" * number for number in numbers}
    return CountingStore(made)


def key_of(number: int) -> str:
    return f"us/files/md5/{number:03d}"


def find(store: Any, numbers: set[int]) -> dict[str, int]:
    with ThreadPoolExecutor(4) as pool:
        found = find_objects(store, "us/files/md5/", {key_of(n) for n in numbers}, pool)
    return {key: info.size for key, info in found.items()}


@given(
    held=st.sets(st.integers(0, 400), max_size=400),
    wanted=st.sets(st.integers(0, 400), max_size=100),
)
def test_finds_exactly_what_is_there(held: set[int], wanted: set[int]) -> None:
    assert find(bucket_of(held), wanted) == {key_of(n): n for n in held & wanted}


def test_few_objects_are_asked_for_without_a_listing() -> None:
    store = bucket_of(set(range(300)))
    find(store, set(range(HEAD_REQUESTS_MAX)))
    assert (store.calls["head"], store.listed) == (HEAD_REQUESTS_MAX, 0)


def test_many_objects_are_listed_and_a_long_history_is_not_read_to_its_end() -> None:
    wanted = set(range(0, 999, 999 // (HEAD_REQUESTS_MAX + 1)))
    store = bucket_of(set(range(999)))
    find(store, wanted)
    assert store.listed == LISTED_PER_KEY_MAX * len(wanted) < 999
    assert store.calls["head"] == sum(number >= store.listed for number in wanted)
    short = bucket_of(set(range(HEAD_REQUESTS_MAX)))
    find(short, wanted)
    assert (short.calls["head"], short.listed) == (0, HEAD_REQUESTS_MAX)


def test_a_listing_is_not_read_past_the_last_object_that_is_wanted() -> None:
    """Payloads come after all manifests of a country: their keys are not read for these."""
    wanted = set(range(HEAD_REQUESTS_MAX + 1))
    store = bucket_of(set(range(999)))
    assert find(store, wanted) == {key_of(n): n for n in wanted}
    assert (store.calls["head"], store.listed) == (0, len(wanted))


def hashed(number: int) -> str:
    md5 = hashlib.md5(b"%d" % number).hexdigest()
    return f"us/files/md5/{md5[:2]}/{md5[2:]}"


class Together(CountingStore):
    """Lets no listing begin until four are asked for at the same time."""

    meeting = threading.Barrier(4, timeout=60)

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if operation == "list":
            self.meeting.wait()
        return super()._do(operation, key, work)


def test_folders_of_very_many_objects_are_listed_side_by_side() -> None:
    made, wanted = MemoryStore(), {hashed(n) for n in range(LISTED_AT_ONCE_MIN)}
    there = {hashed(n) for n in range(0, 2 * LISTED_AT_ONCE_MIN, 2)}
    made.objects = dict.fromkeys(there, b"x")
    store = Together(made)
    with ThreadPoolExecutor(4) as pool:
        found = find_objects(store, "us/files/md5/", wanted, pool)
    assert found.keys() == wanted & there
    assert dict(store.calls) == {"list": 256}, "no page after another, and no question for one"
    assert store.listed <= len(there)
