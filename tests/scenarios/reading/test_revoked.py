"""A withdrawn artifact is refused, however it is asked for; each attack on that has its test."""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import fsspec
import pytest

import pe_dvc
from pe_dvc.documents.keys import metadata_key, tombstone_key
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    ExpiredError,
    NotFoundError,
    PeDvcError,
    RevokedError,
    RollbackError,
    VerificationError,
)
from pe_dvc.project import notes, revocations
from pe_dvc.project.stores import open_store
from pe_dvc.trust.tuf_api import Metadata, Targets
from tests.support.commands import run_pe_dvc
from tests.support.country import LATEST, NAME, Country, payload_of, revocation_of
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest

OTHER = b"the dataset to read instead"


@pytest.fixture
def withdrawn(country: Country, any_store: str, payload: bytes) -> Manifest:
    """A dataset that this machine has read, and that was withdrawn since."""
    PeDataFileSystem.clear_instance_cache()
    country.store = open_store(any_store)
    one, other = country.publish({NAME: payload, "cps_2024": OTHER})
    pe_dvc.fetch(LATEST)
    country.revoke(one, replacement=other)
    later()
    return one


def later() -> None:
    """Let a minute pass: what was noted of withdrawals is not believed any longer."""
    from pe_dvc.project.directories import state_dir

    for note in (state_dir() / "revoked").glob("*.json"):
        os.utime(note, (0, 0))


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return what lets time pass for readers of this process."""
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr(revocations, "time", clock)

    def pass_by(seconds: float) -> None:
        passed[0] += seconds

    return pass_by


def _pin(manifest: Manifest) -> str:
    return manifest.reference


WAYS: dict[str, Callable[[str], Any]] = {
    "resolve": pe_dvc.resolve,
    "manifest": pe_dvc.manifest,
    "describe": pe_dvc.describe,
    "fetch": pe_dvc.fetch,
    "get": pe_dvc.get,
    "open": pe_dvc.open,
    "fetch offline": lambda reference: pe_dvc.fetch(reference, offline=True),
    "open offline": lambda reference: pe_dvc.open(reference, offline=True),
    "fsspec open": lambda reference: fsspec.open(reference).open(),
    "fsspec info": lambda reference: fsspec.filesystem("pe-data").info(reference),
    "stale": lambda reference: pe_dvc.stale([reference]),
    "diff": lambda reference: pe_dvc.diff(reference, "us/cps_2024@latest"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by", ["latest", "pin"])
def test_file_in_cache_is_refused(withdrawn: Manifest, way: str, by: str) -> None:
    if "offline" in way:  # what this machine verified last says so
        pe_dvc.fetch("us/cps_2024@latest")
    with pytest.raises(RevokedError) as caught:
        WAYS[way](LATEST if by == "latest" else _pin(withdrawn))
    error = caught.value
    assert error.reason == "its licence ended"
    assert error.authority == "Data Stewards of PolicyEngine"
    assert error.contact == "stewards@example.org"
    assert error.revoked == datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert error.sha256 == withdrawn.artifact.sha256
    replacement = manifest_of(OTHER, name="cps_2024")
    assert error.replacement == replacement.reference
    told = str(error)
    for text in ("its licence ended", "Data Stewards", "stewards@example.org", "2026-11-26"):
        assert text in told
    assert f"Read {replacement.reference} instead" in told
    assert not isinstance(error, OSError)


def test_commands_end_with_4(withdrawn: Manifest) -> None:
    for command in (
        ["get", LATEST],
        ["get", _pin(withdrawn)],
        ["show", LATEST],
        ["export", LATEST, "--to", "out.csv"],
        ["get", LATEST, "us/cps_2024@latest"],
    ):
        done = run_pe_dvc(*command, code=4)
        assert "its licence ended" in done.stderr


def test_several_say_of_each_what_is_revoked(withdrawn: Manifest) -> None:
    revoked, other = pe_dvc.get_all([LATEST, "us/cps_2024@latest"])
    assert other.fetched is not None
    told = revoked.to_json()["error"]["revoked"]
    assert told["reason"] == "its licence ended"
    assert told["revoked"] == "2026-11-26T12:00:00Z"
    assert json.dumps(told)


def test_others_are_read_and_say_as_of_when(withdrawn: Manifest) -> None:
    found = pe_dvc.get("us/cps_2024@latest")
    assert found.path.read_bytes() == OTHER
    assert found.not_revoked_as_of is not None
    assert datetime.now(UTC) - found.not_revoked_as_of < timedelta(minutes=1)


def test_a_withdrawal_that_was_taken_back_is_read_again(
    withdrawn: Manifest, country: Country, payload: bytes
) -> None:
    country.revoke()
    later()
    assert pe_dvc.fetch(LATEST).read_bytes() == payload
    assert pe_dvc.fetch(_pin(withdrawn)).read_bytes() == payload


def test_lists_say_what_is_revoked(withdrawn: Manifest, country: Country) -> None:
    said = "withdrawn on 2026-11-26 by Data Stewards of PolicyEngine: its licence ended"
    other, one = pe_dvc.ls("us")
    assert (one.remarks, one.problem, one.rows) == ((said,), None, {})
    assert other.remarks == ()
    assert said in run_pe_dvc("ls", "us").stdout
    problems = pe_dvc.find("recid", "us").problems
    assert list(problems) == [LATEST]
    assert "its licence ended" in problems[LATEST]
    found = {one.reference: one for one in pe_dvc.stale(["us"])}
    assert found[LATEST].verdict == "stale"
    assert found[LATEST].comparisons[0].current == said
    assert "withdrawn" not in str(found["pe-data://us/cps_2024@latest"])


def cached(manifest: Manifest) -> list[Path]:
    entries = pe_dvc.Cache().entries()
    return [one.path for one in entries if one.sha256 == manifest.artifact.sha256]


def test_prune_leaves_what_a_process_is_reading(withdrawn: Manifest) -> None:
    """This one, which fetched it."""
    held = cached(withdrawn)
    assert held
    assert "in use" in run_pe_dvc("cache", "prune", "--revoked").stderr
    assert cached(withdrawn) == held


def test_prune_removes_the_file(country: Country, any_store: str, payload: bytes) -> None:
    country.store = open_store(any_store)
    one, other = country.publish({NAME: payload, "cps_2024": OTHER})
    run_pe_dvc("get", LATEST)
    assert cached(one)
    country.revoke(one, replacement=other)
    later()
    run_pe_dvc("cache", "prune", "--revoked")
    assert not cached(one)
    assert pe_dvc.fetch("us/cps_2024@latest").read_bytes() == OTHER


# Attacks.


def test_hiding_the_tombstone_hides_nothing(withdrawn: Manifest, country: Country) -> None:
    key = tombstone_key("us", Sha256(withdrawn.artifact.sha256))
    country.store.overwrite(key, b"{}")
    country.store.delete([key])
    with pytest.raises(RevokedError):
        pe_dvc.fetch(LATEST)


def test_a_forged_tombstone_denies_nothing(withdrawn: Manifest, country: Country) -> None:
    other = manifest_of(OTHER, name="cps_2024")
    entry = json.dumps(revocation_of(other).to_json()).encode()
    country.store.overwrite(tombstone_key("us", Sha256(other.artifact.sha256)), entry)
    assert pe_dvc.fetch("us/cps_2024@latest").read_bytes() == OTHER
    assert pe_dvc.fetch(_pin(other)).read_bytes() == OTHER


def test_restoring_the_payload_brings_nothing_back(
    withdrawn: Manifest, country: Country, payload: bytes, tmp_path: Path
) -> None:
    country.store.delete([payload_of(withdrawn)])
    country.store.overwrite(payload_of(withdrawn), payload)
    for reference in (LATEST, _pin(withdrawn)):
        with pytest.raises(RevokedError):
            pe_dvc.fetch(reference, output=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_old_revoked_metadata_is_refused(withdrawn: Manifest, country: Country) -> None:
    """The whole of what was published before the withdrawal is put back."""
    with pytest.raises(RevokedError):
        pe_dvc.resolve(LATEST)
    timestamp = json.loads(country.store.read(metadata_key("us", "timestamp"), limit=10**6)[0])
    snapshot = timestamp["signed"]["meta"]["snapshot.json"]["version"] - 1
    version = 1  # of revoked, empty
    data = country.store.read(metadata_key("us", "revoked", version), limit=10**6)[0]
    country.store.overwrite(metadata_key("us", "revoked", version + 1), data)
    for state in _states():
        (state / "revoked.json").unlink()
    later()
    for reference in (LATEST, _pin(withdrawn)):
        with pytest.raises((VerificationError, RollbackError)):
            pe_dvc.fetch(reference)
    old = country.store.read(metadata_key("us", "snapshot", snapshot), limit=10**6)[0]
    country.store.overwrite(metadata_key("us", "snapshot", snapshot + 1), old)
    for reference in (LATEST, _pin(withdrawn)):
        with pytest.raises(VerificationError):
            pe_dvc.fetch(reference)


def test_old_timestamp_is_refused(withdrawn: Manifest, country: Country, payload: bytes) -> None:
    old = country.store.read(metadata_key("us", "timestamp"), limit=10**6)[0]
    country.revoke()
    later()
    assert pe_dvc.fetch(_pin(withdrawn)).read_bytes() == payload
    country.store.overwrite(metadata_key("us", "timestamp"), old)
    later()
    with pytest.raises(RollbackError):
        pe_dvc.fetch(_pin(withdrawn))


def test_hiding_the_role_is_an_error(withdrawn: Manifest, country: Country) -> None:
    country.store.delete([metadata_key("us", "revoked", version) for version in (1, 2)])
    for reference in (LATEST, _pin(withdrawn), "us/cps_2024@latest"):
        with pytest.raises(PeDvcError) as caught:
            pe_dvc.fetch(reference)
        assert not isinstance(caught.value, RevokedError)


def test_hiding_all_channels_is_an_error(withdrawn: Manifest, country: Country) -> None:
    found = [info.key for info in country.store.list("channels/us/")]
    country.store.delete(found)
    with pytest.raises(NotFoundError):
        pe_dvc.fetch(_pin(withdrawn))


@pytest.mark.parametrize("role", ["latest", "timestamp", "snapshot"])
def test_ci_key_cannot_sign_revoked(withdrawn: Manifest, country: Country, role: str) -> None:
    """Its holder can neither withdraw another dataset nor bring this one back."""
    for entries in ((), (withdrawn, manifest_of(OTHER, name="cps_2024"))):
        _sign_revoked(country, role, [*entries])
        later()
        for reference in (LATEST, _pin(withdrawn), "us/cps_2024@latest"):
            with pytest.raises(VerificationError):
                pe_dvc.fetch(reference)


def test_an_entry_of_another_country_is_refused(country: Country, any_store: str) -> None:
    """The stewards' own key signed it, for the data of another country."""
    country.store = open_store(any_store)
    (one,) = country.publish({"cps_2024": OTHER})
    theirs = one.model_copy(
        update={"artifact": one.artifact.model_copy(update={"country": "uk"})}, deep=True
    )
    country.revoke(theirs)
    with pytest.raises(VerificationError, match="does not belong here"):
        pe_dvc.fetch("us/cps_2024@latest")


# Who cannot know, and says so.


def test_a_pin_without_a_root_is_read_with_a_note(
    withdrawn: Manifest, payload: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_CONFIG_DIR", str(tmp_path / "stranger"))
    done = run_pe_dvc("get", _pin(withdrawn), "--json")
    assert done.returncode == 0
    assert "whether data of us was withdrawn is not checked" in done.stderr
    assert json.loads(done.stdout)["not_revoked_as_of"] is None


def test_offline_knows_what_was_verified_last(withdrawn: Manifest, payload: bytes) -> None:
    before = pe_dvc.get(LATEST, offline=True)
    assert before.path.read_bytes() == payload
    assert before.not_revoked_as_of is not None
    pe_dvc.ls("us")
    pe_dvc.fetch("us/cps_2024@latest")
    for reference in (LATEST, _pin(withdrawn)):
        with pytest.raises(RevokedError):
            pe_dvc.fetch(reference, offline=True)


def test_offline_says_that_its_knowledge_has_expired(
    country: Country,
    any_store: str,
    payload: bytes,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes._said.clear()
    country.store = open_store(any_store)
    (one,) = country.publish({NAME: payload})
    pe_dvc.fetch(LATEST)
    monkeypatch.setattr(revocations, "datetime", _InTwoYears)
    with caplog.at_level(logging.WARNING):
        assert pe_dvc.fetch(_pin(one), offline=True).read_bytes() == payload
    assert "expired on" in caplog.text


def test_a_country_that_never_published_the_role_reads_as_before(
    country: Country, any_store: str, payload: bytes
) -> None:
    country.store = open_store(any_store)
    (one,) = country.publish({NAME: payload})
    _publish_unchecked(country, None)
    for _ in range(2):
        assert pe_dvc.fetch(LATEST).read_bytes() == payload
        assert pe_dvc.fetch(_pin(one)).read_bytes() == payload
        later()
    assert pe_dvc.fetch(_pin(one), offline=True).read_bytes() == payload


# When readers learn.


def test_a_new_reader_of_a_channel_learns_at_once(country: Country, any_store: str) -> None:
    country.store = open_store(any_store)
    (one,) = country.publish({NAME: OTHER})
    pe_dvc.fetch(LATEST)
    country.revoke(one)
    assert pe_dvc.fetch(_pin(one)).read_bytes() == OTHER  # verified a moment ago
    with pytest.raises(RevokedError):
        pe_dvc.fetch(LATEST)
    with pytest.raises(RevokedError):
        pe_dvc.fetch(_pin(one))


def test_a_running_reader_learns_within_a_minute(
    country: Country, any_store: str, payload: bytes, wait: Callable[[float], None]
) -> None:
    country.store = open_store(any_store)
    PeDataFileSystem.clear_instance_cache()
    (one,) = country.publish({NAME: payload})
    files = PeDataFileSystem()
    with files.open(LATEST) as opened:
        assert opened.read(4) == payload[:4]
        country.revoke(one)
        wait(revocations.FRESH)
        for path in (LATEST, _pin(one)):
            with pytest.raises(RevokedError):
                files.open(path)
        assert opened.read(4) == payload[4:8]  # what is open is read on


def test_an_open_file_that_lacks_chunks_says_why(
    country: Country, any_store: str, payload: bytes
) -> None:
    country.store = open_store(any_store)
    (one,) = country.publish({NAME: payload})
    with pe_dvc.open(LATEST) as opened:
        opened.read(4)
        country.revoke(one)
        country.store.delete([payload_of(one)])
        opened.seek(5 * 1024 * 1024)
        with pytest.raises(RevokedError):
            opened.read(4)


class _InTwoYears(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        found = super().now(tz)
        return found.replace(year=found.year + 2)


def _states() -> list[Path]:
    from pe_dvc.project.directories import state_dir

    return [path.parent for path in (state_dir() / "channels").glob("*/*/timestamp.json")]


def _sign_revoked(country: Country, role: str, manifests: list[Manifest]) -> None:
    """Publish the role with these entries, signed by the key of another role."""
    key = country.directory / "keys/us/revoked.pem"
    real = key.read_bytes()
    key.write_bytes((key.with_name(f"{role}.pem")).read_bytes())
    try:
        _publish_unchecked(country, manifests)
    finally:
        key.write_bytes(real)


def _publish_unchecked(country: Country, manifests: list[Manifest] | None) -> None:
    """Sign the role, a snapshot and a timestamp with the keys that are there; or no role."""
    from pe_dvc.primitives.canonical import readable_json
    from pe_dvc.trust.keys import load_key_file
    from pe_dvc.trust.tuf_api import MetaFile, Snapshot, TargetFile, Timestamp

    keys = country.directory / "keys/us"

    def held(key: str) -> Metadata[Any]:
        return Metadata[Any].from_bytes(country.store.read(key, limit=10**6)[0])

    def put(key: str, metadata: Metadata[Any], role: str) -> bytes:
        metadata.signatures.clear()
        metadata.sign(load_key_file(keys / f"{role}.pem"))
        data = readable_json(metadata.to_dict())
        country.store.overwrite(key, data)
        return data

    stamp: Metadata[Timestamp] = held(metadata_key("us", "timestamp"))
    at = stamp.signed.snapshot_meta.version
    snapshot: Metadata[Snapshot] = held(metadata_key("us", "snapshot", at))
    if manifests is None:
        del snapshot.signed.meta["revoked.json"]
    else:
        version = snapshot.signed.meta["revoked.json"].version
        role: Metadata[Targets] = held(metadata_key("us", "revoked", version))
        role.signed.version += 1
        role.signed.targets = {
            one.target_path: TargetFile.from_dict(one.to_target(), one.target_path)
            for one in map(revocation_of, manifests)
        }
        data = put(metadata_key("us", "revoked", version + 1), role, "revoked")
        snapshot.signed.meta["revoked.json"] = MetaFile.from_data(version + 1, data, ["sha256"])
    snapshot.signed.version += 1
    data = put(metadata_key("us", "snapshot", at + 1), snapshot, "snapshot")
    stamp.signed.snapshot_meta = MetaFile.from_data(at + 1, data, ["sha256"])
    stamp.signed.version += 1
    put(metadata_key("us", "timestamp"), stamp, "timestamp")


def test_a_clock_that_is_ahead_is_told_what_still_can_be_read(
    country: Country, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a pin: of that nobody could say that it was not withdrawn since."""
    from tuf.ngclient._internal import trusted_metadata_set

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=15)

    resolved = pe_dvc.resolve(LATEST)
    pe_dvc.fetch(LATEST)
    monkeypatch.setattr(revocations, "FRESH", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(trusted_metadata_set.datetime, "datetime", Clock)
        for reference in (LATEST, resolved.pin):
            with pytest.raises(ExpiredError) as caught:
                pe_dvc.fetch(reference)
            assert "sha256" not in str(caught.value.remedy)
            assert "can be read with --offline (in Python: offline=True)" in str(caught.value)
            assert f"which says {datetime.now(UTC):%Y-%m-%d}" in str(caught.value)
            assert pe_dvc.fetch(reference, offline=True).read_bytes() == payload
