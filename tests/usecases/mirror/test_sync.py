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
    VerificationError,
)
from tests.support.channel_logs import checked_log, shown_log
from tests.support.signed_channels import SignedChannels
from tests.support.stores import RecordingStore, WrappedStore
from tests.usecases.mirror.conftest import LARGE, LATEST

if TYPE_CHECKING:
    from tests.usecases.mirror.conftest import Pair


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
    origin, mirror = pair.contents(pair.origin), pair.contents(pair.mirror)
    assert mirror.items() <= origin.items()
    # The last tiles of a smaller log are of no use to a mirror that never showed it.
    assert all("/log/tile/" in key and ".p/" in key for key in origin.keys() - mirror.keys())


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


def test_again_asks_the_origin_for_no_manifest_that_the_mirror_has(pair: Pair) -> None:
    pair.sync()
    pair.publish(cps_2024=b"the second")
    inner, before = pair.origin, pair.contents(pair.mirror)
    pair.origin = recording = RecordingStore(inner, {})
    pair.sync()
    read = {key for operation, key in recording.log if operation == "read"}
    manifests = {key for key in pair.contents(inner) if key.endswith(".manifest.json")}
    assert read & manifests == manifests - before.keys()
    assert len(manifests - before.keys()) == 1


def test_an_empty_mirror_is_asked_for_no_manifest(pair: Pair) -> None:
    pair.mirror = recording = RecordingStore(pair.mirror, {})
    pair.sync(server=None)
    assert not [key for op, key in recording.log if op == "read" and "manifest" in key]


def test_a_manifest_that_the_mirror_altered_is_not_believed(pair: Pair) -> None:
    """It names another payload, which the origin has, too."""
    pair.sync()
    key = next(k for k in pair.contents(pair.mirror) if k.endswith(".manifest.json"))
    good, _ = pair.mirror.read(key, limit=10**6)
    pair.mirror.overwrite(key, good.replace(b'"size"', b'"sizf"'))
    assert pair.sync().ok
    assert not pair.verify().ok
    assert pair.sync(recheck=True).copied == 1
    assert pair.mirror.read(key, limit=10**6)[0] == good


def test_the_log_of_what_was_published_travels_before_the_timestamp(pair: Pair) -> None:
    pair.sync()
    checked_log(pair.mirror)
    before = shown_log(pair.mirror)
    pair.publish(cps_2024=b"the second")
    pair.sync()
    checked_log(pair.mirror, earlier=before)
    lost = [key for key in pair.contents(pair.mirror) if "/log/tile/" in key]
    pair.mirror.delete(lost)
    check = pair.verify()
    assert {fault.key for fault in check.faults} <= set(lost)
    assert len(check.faults) == 2
    pair.sync()
    assert pair.verify().ok
    checked_log(pair.mirror, earlier=before)
