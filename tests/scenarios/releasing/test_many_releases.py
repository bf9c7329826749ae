"""Many releases of the same datasets: each document is asked for once, side by side."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import RELEASE_MANIFEST, release_key
from pe_dvc.documents.release import ReleaseManifest
from pe_dvc.primitives.errors import DigestMismatchError
from pe_dvc.project.release import Releases
from pe_dvc.usecases.release.status import released_artifacts, tag_state
from tests.support.memory_store import MemoryStore
from tests.support.release_history import DATASETS
from tests.support.stores import CountingStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.release_history import History
    from tests.support.stores import Result

MANY = 200


class Together(CountingStore):
    """Lets nobody go on until two ask at the same time."""

    def __init__(self, inner: MemoryStore) -> None:
        super().__init__(inner)
        self._meeting = threading.Barrier(2, timeout=60)

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if operation == "read":
            self._meeting.wait()
        return super()._do(operation, key, work)


def test_of_many_releases_each_document_is_read_once_and_no_artifact_twice(
    released: History,
) -> None:
    released.publish_release("1.0.0")
    one = Releases(released.root).registered()["1.0.0"]
    data, _ = released.store.read(release_key("us", "1.0.0", RELEASE_MANIFEST), limit=1 << 20)
    many = [replace(one, tag=f"1.{number}.0") for number in range(MANY)]
    bucket = MemoryStore()
    for each in many:
        bucket.create(release_key("us", each.tag, RELEASE_MANIFEST), data)
    store = Together(bucket)
    found = released_artifacts(store, "us", many)
    assert dict(store.calls) == {"read": MANY, "head": len(DATASETS)}
    names = ReleaseManifest.from_bytes(data).artifacts.keys()
    assert {tag: artifacts.keys() for tag, artifacts in found.by_tag.items()} == {
        each.tag: names for each in many
    }
    states = {tag_state(each, each.commit, found)[0] for each in many}
    assert states == {one.state}


def test_one_release_that_was_altered_among_many_is_named(released: History) -> None:
    released.publish_release("1.0.0")
    one = Releases(released.root).registered()["1.0.0"]
    data, _ = released.store.read(release_key("us", "1.0.0", RELEASE_MANIFEST), limit=1 << 20)
    many = [replace(one, tag=f"1.{number}.0") for number in range(10)]
    bucket = MemoryStore()
    for each in many:
        bucket.create(release_key("us", each.tag, RELEASE_MANIFEST), data)
    bucket.overwrite(release_key("us", "1.7.0", RELEASE_MANIFEST), data + b" ")
    with pytest.raises(DigestMismatchError, match=r"release 1\.7\.0"):
        released_artifacts(bucket, "us", many)
