"""A mirror is a whole copy, verified on the way, and never between two states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.documents.keys import metadata_key
from pe_dvc.documents.mirrors import Selection
from pe_dvc.primitives.errors import (
    ConflictError,
    NotFoundError,
    PeDvcError,
    RollbackError,
    StorePermissionError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.project.mirror_place import server_copy
from pe_dvc.usecases.mirror.copy import check_digest
from pe_dvc.usecases.object_digest import BLOCK_BYTES
from tests.support.signed_channels import SignedChannels
from tests.support.stores import RecordingStore, WrappedStore
from tests.usecases.mirror.conftest import LARGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pe_dvc.store.port import ObjectInfo, Store
    from pe_dvc.usecases.mirror.wanted import Wanted
    from tests.usecases.mirror.conftest import Pair

LATEST = {"cps_2024": b"the first", "enhanced_cps_2024": LARGE}


def test_a_sync_copies_everything_and_a_second_one_nothing(pair: Pair) -> None:
    done = pair.sync()
    assert done.ok
    assert pair.contents(pair.mirror) == pair.contents(pair.origin)
    assert pair.reader().datasets() == LATEST
    again = pair.sync()
    assert (again.copied, again.metadata) == (0, [])
    assert again.present == done.copied
    assert again.before == again.version == done.version


def test_large_objects_of_one_server_do_not_pass_this_machine(pair: Pair) -> None:
    done = pair.sync()
    assert done.by_server == isinstance(pair.origin, ObjectStore)


def test_readers_see_the_new_state_after_the_next_sync_only(pair: Pair) -> None:
    pair.sync()
    reader = pair.reader()
    assert reader.datasets() == LATEST
    pair.publish(cps_2024=b"the second")
    assert reader.datasets() == LATEST
    check = pair.verify()
    assert check.ok
    assert check.is_behind
    assert "latest" in check.behind
    pair.sync()
    assert reader.datasets() == {**LATEST, "cps_2024": b"the second"}
    assert not pair.verify().is_behind


def test_history_of_channels_travels_with_what_it_names(pair: Pair) -> None:
    for number in range(3):
        pair.publish(cps_2024=f"build {number}".encode())
    pair.sync()
    assert pair.contents(pair.mirror) == pair.contents(pair.origin)


@pytest.mark.parametrize("recheck", [False, True])
def test_an_altered_copy_is_found_and_replaced(pair: Pair, recheck: bool) -> None:
    pair.sync()
    key = next(k for k, data in pair.contents(pair.mirror).items() if data == LARGE)
    pair.mirror.overwrite(key, LARGE[:-1] + b"?")
    check = pair.verify()
    assert [fault.key for fault in check.faults] == [key]
    assert pair.verify(quick=True).ok  # sizes are right
    pair.sync(recheck=recheck)
    assert pair.verify().ok is recheck


def test_what_the_mirror_lacks_of_its_promises_is_a_fault(pair: Pair) -> None:
    pair.sync()
    manifest = next(k for k in pair.contents(pair.mirror) if k.endswith(".manifest.json"))
    pair.mirror.delete([manifest])
    assert [fault.key for fault in pair.verify(quick=True).faults] == [manifest]
    pair.sync()
    assert pair.verify().ok


def test_a_filtered_mirror_holds_less_and_says_so(pair: Pair) -> None:
    selection = Selection(datasets=("enhanced_*",))
    done = pair.sync(selection)
    assert done.left_out == 1
    held = pair.contents(pair.mirror)
    assert LARGE in held.values()
    assert b"the first" not in held.values()
    metadata = {k for k in pair.contents(pair.origin) if k.startswith("channels/")}
    assert metadata <= held.keys()
    assert pair.verify(selection).ok
    assert not pair.verify().ok  # of a mirror that was meant to be whole


def test_only_the_last_versions(pair: Pair) -> None:
    pair.publish(cps_2024=b"the second")
    pair.publish(cps_2024=b"the third")
    pair.sync(Selection(last=2))
    held = pair.contents(pair.mirror).values()
    assert b"the third" in held
    assert b"the second" in held
    assert b"the first" not in held


def test_a_payload_that_is_corrupt_at_the_origin_is_refused(pair: Pair) -> None:
    pair.sync()
    reader = pair.reader()
    pair.publish(cps_2024=b"the second", enhanced_cps_2024=LARGE + b"more")
    for content in (b"the second", LARGE + b"more"):
        key = next(k for k, data in pair.contents(pair.origin).items() if data == content)
        pair.origin.overwrite(key, content[:-1] + b"?")
    with pytest.raises(VerificationError, match=r"2 of what .* promises"):
        pair.sync()
    assert reader.datasets() == LATEST
    assert not [d for d in pair.contents(pair.mirror).values() if d.endswith(b"?")]


def test_what_earlier_versions_lost_is_told_and_stops_nothing(pair: Pair) -> None:
    pair.publish(cps_2024=b"the second")
    key = next(k for k, data in pair.contents(pair.origin).items() if data == b"the first")
    pair.origin.delete([key])
    done = pair.sync()
    assert [one.key for one in done.lacking] == [key]
    assert pair.reader().datasets() == {**LATEST, "cps_2024": b"the second"}


def test_a_mirror_that_is_the_origin_by_another_name(pair: Pair) -> None:
    pair.mirror = WrappedStore(pair.origin)
    with pytest.raises(ConflictError, match="one place"):
        pair.sync()


def test_a_mirror_of_another_countrys_root_chain(pair: Pair) -> None:
    others = SignedChannels(pair.base / "theirs/channels", pair.base / "theirs/keys")
    others.create()
    others.publish_to(pair.mirror)
    before = pair.contents(pair.mirror)
    with pytest.raises(ConflictError, match="another root"):
        pair.sync()
    with pytest.raises(PeDvcError):
        pair.verify()
    assert pair.contents(pair.mirror) == before


def test_a_mirror_that_is_ahead_of_its_origin(pair: Pair) -> None:
    """The origin was restored from an old copy: the mirror must not forget what was published."""
    old = pair.contents(pair.origin)
    pair.publish(cps_2024=b"the second")
    pair.sync()
    after = pair.contents(pair.mirror)
    pair.origin.overwrite(metadata_key("us", "timestamp"), old[metadata_key("us", "timestamp")])
    with pytest.raises(RollbackError, match="ahead of the origin"):
        pair.sync()
    assert pair.contents(pair.mirror) == after


def test_an_origin_that_was_never_pushed_to(pair: Pair) -> None:
    pair.origin, pair.mirror = pair.mirror, pair.origin
    with pytest.raises(NotFoundError, match="nothing of us is published"):
        pair.sync()


class _Full(WrappedStore):
    """Has room for metadata and notes, and for no payload."""

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        if "/files/" in key:
            raise StorePermissionError("quota exceeded", operation="write", key=key)
        super().write_blocks(key, blocks, size=size)


def test_a_mirror_that_is_full_keeps_its_old_state(pair: Pair) -> None:
    pair.sync()
    pair.publish(cps_2024=b"the second")
    inner, pair.mirror = pair.mirror, _Full(pair.mirror)
    with pytest.raises(StorePermissionError, match="quota"):
        pair.sync()
    pair.mirror = inner
    assert pair.reader().datasets() == LATEST
    pair.sync()
    assert pair.reader().datasets() == {**LATEST, "cps_2024": b"the second"}


class _LoginPage(WrappedStore):
    """Answers everything with a page of HTML, and 200."""

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        _, info = super().read(key, limit=limit)
        return b"<!DOCTYPE html><title>Sign in</title>", info


def test_a_mirror_that_answers_everything_with_html(pair: Pair) -> None:
    pair.mirror = _LoginPage(pair.mirror)
    with pytest.raises(StoreUnavailableError, match="does not give back"):
        pair.sync()
    with pytest.raises(PeDvcError):
        pair.verify()


def test_killed_at_every_write(pair: Pair) -> None:
    """Readers see the old state or the new one, and the next sync completes it."""
    pair.sync()
    new = {**LATEST, "cps_2024": b"the second"}
    pair.publish(cps_2024=b"the second")
    inner, points = pair.mirror, 0
    for point in range(1000):
        recording = RecordingStore(inner, {})
        recording.before = _killer(recording, point)
        pair.mirror = recording
        try:
            pair.sync()
        except KeyboardInterrupt:
            points += 1
        else:
            break
        pair.mirror = inner
        assert pair.reader(f"at {point}").datasets() in (LATEST, new)
    assert points > 3
    pair.mirror = inner
    assert pair.sync().ok
    assert pair.reader("last").datasets() == new
    assert pair.verify().ok


def _killer(store: RecordingStore, point: int) -> Callable[[int, str, str], None]:
    """Let the ``point``-th write of a sync, and all that follow, not happen."""

    def before(_: int, operation: str, key: str) -> None:
        done = [one for one in store.writes if "/locks/" not in one[1]]
        writes = operation in {"create", "swap", "overwrite", "blocks"}
        if writes and "/locks/" not in key and len(done) > point:
            raise KeyboardInterrupt

    return before


class _Cut(WrappedStore):
    """Takes so many blocks of a large object, then the process ends."""

    def __init__(self, inner: Store, blocks: int) -> None:
        super().__init__(inner)
        self._left = blocks

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        super().write_blocks(key, self._cut(blocks) if size > BLOCK_BYTES else blocks, size=size)

    def _cut(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            if not self._left:
                raise KeyboardInterrupt
            self._left -= 1
            yield block


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_killed_within_a_large_object(pair: Pair, blocks: int) -> None:
    pair.sync()
    large = b"0123456789abcdef" * (BLOCK_BYTES // 8 + 1)
    pair.publish(enhanced_cps_2024=large)
    before, inner = pair.contents(pair.mirror), pair.mirror
    pair.mirror = _Cut(inner, blocks)
    with pytest.raises(KeyboardInterrupt):
        pair.sync(server=None)
    pair.mirror = inner
    held = pair.contents(inner)
    assert not [key for key in held.keys() - before.keys() if "/files/" in key]
    assert pair.reader().datasets() == LATEST
    pair.sync()
    assert pair.reader("new").datasets() == {**LATEST, "enhanced_cps_2024": large}


@pytest.mark.parametrize("by_server", [True, False])
def test_altered_bytes_of_the_right_size_become_visible_at_no_moment(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, by_server: bool
) -> None:
    """So a process that is killed at any moment leaves none, which a later sync took for right."""
    key = next(k for k, data in pair.contents(pair.origin).items() if data == LARGE)
    pair.origin.overwrite(key, LARGE[:-1] + b"?")
    server = server_copy(pair.origin, pair.mirror) if by_server else None
    seen: set[str] = set()

    def check(one: Wanted, actual: str, store: Store) -> None:
        seen.update(info.key for info in pair.mirror.list("us/files"))
        check_digest(one, actual, store)

    monkeypatch.setattr("pe_dvc.usecases.mirror.copy.check_digest", check)
    with pytest.raises(VerificationError, match="promises"):
        pair.sync(server=server)
    assert seen
    assert key not in seen
    assert key not in pair.contents(pair.mirror)
