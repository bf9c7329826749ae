"""A publisher holds the bucket's log to what git saw of it, and continues no other one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.channel_log import Leaf
from pe_dvc.documents.keys import log_prefix
from pe_dvc.primitives.errors import RollbackError, VerificationError
from pe_dvc.trust.bucket_head import read_head
from pe_dvc.trust.bucket_writer import bucket_of
from pe_dvc.trust.log_memory import ShownLog
from pe_dvc.usecases.publish.channel import publish_channels
from pe_dvc.usecases.publish.preflight import check_before_upload
from pe_dvc.usecases.publish.refresh import refresh_channel
from tests.support.hand_log import HandLog, filler
from tests.support.simulator import Simulator, pointer
from tests.support.thief import recover

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.usecases.publish.channel import PublishedChannels

OLD, NEW, MORE, FORGED = (pointer("cps_2024", word) for word in ("old", "new", "more", "forged"))


def seen_of(sim: Simulator) -> ShownLog:
    """What a push would keep in git of what is shown now."""
    version = sim.held("timestamp.json").signed.snapshot_meta.version
    timestamp, snapshot = (
        sim.store.objects[sim.key(f"{name}.json")] for name in ("timestamp", f"{version}.snapshot")
    )
    return ShownLog(timestamp, snapshot, "channels/us/seen/file.json")


class Country(Simulator):
    """A country that published twice; ``logs`` is what its git saw, the largest tree first."""

    logs: list[ShownLog]

    def push(self, logs: Sequence[ShownLog] | None = None) -> PublishedChannels:
        """Do what ``pe-dvc push`` does once it has read what git holds."""
        held = self.logs if logs is None else logs
        bucket = bucket_of(self.store, self.metadata)
        publisher = replace(self.publisher, logs=held)
        check_before_upload(bucket, read_head(bucket), self.metadata, publisher)
        done = publish_channels(bucket_of(self.store, self.metadata), self.metadata, publisher)
        self.logs = [seen_of(self), *self.logs]
        return done

    def refused(self, error: type[Exception], match: str) -> str:
        """Push something new, which must write nothing; return the advice."""
        self.update(MORE)
        before = dict(self.store.objects)
        with pytest.raises(error, match=match) as caught:
            self.push()
        assert dict(self.store.objects) == before
        return str(getattr(caught.value, "remedy", None))


@pytest.fixture
def country(tmp_path: Path) -> Country:
    made = Country(tmp_path)
    made.logs = []
    for one in (OLD, NEW):
        made.update(one)
        made.push()
    assert [log.tree.size for log in made.logs] == [7, 6]
    assert made.client("old").lookup("latest", "cps_2024") == NEW
    return made


def rewrite(country: Country, *, more: int = 20) -> None:
    """Let a thief with the online keys show FORGED in a history of his own, tiles and all."""
    thief = HandLog(country, leaves=[Leaf("next", 1, "0" * 64, 8), *filler(more)])
    files = country.base / "kept"
    shutil.copytree(country.directory, files)
    country.update(FORGED)
    country.publish()
    thief.add(timestamp=1)
    shutil.rmtree(country.directory)
    files.rename(country.directory)


def test_a_bucket_that_was_lost_is_not_filled(country: Country) -> None:
    country.store.restore({})
    advice = country.refused(RollbackError, "with 7 entries .channels/us/seen/.* shows none")
    assert "pe-dvc mirror restore" in advice
    assert "pe-dvc channel recover --new-log" in advice


def test_a_bucket_that_was_restored_from_an_old_copy_is_not_continued(tmp_path: Path) -> None:
    country = Country(tmp_path)
    country.logs = []
    country.update(OLD)
    country.push()
    copy = dict(country.store.objects)
    country.update(NEW)
    country.push()
    country.store.restore(copy)
    country.refused(RollbackError, "shows one of 6 entries")


@pytest.mark.parametrize("more", [0, 1, 20, 300])
def test_a_thiefs_fork_is_not_continued(country: Country, more: int) -> None:
    """Shorter, as long and longer than the true log; each is whole, and signed by today's keys."""
    rewrite(country, more=more)
    advice = country.refused(VerificationError, "older copy|are not those that git saw .*/seen/")
    assert "--new-log" in advice


def test_a_thiefs_fork_of_earlier_entries_alone_is_not_continued(country: Country) -> None:
    """It contradicts the smaller of two trees: git itself saw both histories."""
    country.logs = [country.logs[1]]
    rewrite(country)
    country.logs = [seen_of(country), *country.logs]
    country.refused(VerificationError, "the first 6 are not those")


def test_a_thiefs_fork_is_not_refreshed(country: Country) -> None:
    rewrite(country)
    before = dict(country.store.objects)
    publisher = replace(country.publisher, logs=country.logs)
    with pytest.raises(VerificationError, match="have rewritten what was published"):
        refresh_channel(country.store, country.directory, "us", publisher)
    assert dict(country.store.objects) == before


def test_a_thiefs_fork_is_not_continued_by_new_keys_either(country: Country) -> None:
    rewrite(country)
    recover(country)
    country.refused(VerificationError, "have rewritten what was published")


@pytest.mark.parametrize("what", ["lost", "forked"])
def test_readers_follow_a_new_log_by_the_offline_root(country: Country, what: str) -> None:
    country.store.restore({}) if what == "lost" else rewrite(country)
    recover(country)
    country.begin_new_log()
    country.update(MORE)
    country.push()
    for reader in ("old", None):
        assert country.client(reader).lookup("latest", "cps_2024") == MORE
    country.update(NEW)
    country.push()
    assert country.client("old").lookup("latest", "cps_2024") == NEW


def test_a_clone_that_is_behind_pushes_on(country: Country) -> None:
    behind = country.logs[1:]
    country.update(MORE)
    assert country.push(behind).written
    assert country.client("old").lookup("latest", "cps_2024") == MORE


def test_a_clone_that_is_behind_pushes_on_though_tiles_are_lost(country: Country) -> None:
    behind = country.logs[1:]
    for key in [key for key in country.store.objects if key.startswith(log_prefix("us"))]:
        del country.store.objects[key]
    country.update(MORE)
    assert country.push(behind).written
    assert country.client("old").lookup("latest", "cps_2024") == MORE


def test_what_git_saw_takes_no_request_where_nothing_is_new(country: Country) -> None:
    requests = []
    for logs in ([], country.logs):
        country.store.clear_record()
        country.push(logs)
        requests.append(len(country.store.log))
    assert requests[0] == requests[1]
