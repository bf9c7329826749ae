"""Readers demand what the root demands of witnesses: each test is an attack, or a fault.

The thief of these tests has all online keys and the bucket. The keys of witnesses he has not, or
of too few.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pe_dvc.documents.channel_log import log_state
from pe_dvc.documents.metadata_fields import LOG_FIELD, WITNESSES_FIELD
from pe_dvc.primitives.errors import FormatError, VerificationError
from pe_dvc.tlog.cosignature import cosign
from pe_dvc.tlog.note import COSIGNATURE, ED25519, VerifierKey
from pe_dvc.trust.tuf_api import MetaFile
from pe_dvc.trust.unchanged import Unchanged
from pe_dvc.trust.witnesses import DAY, WitnessRule, checkpoint_note, witness_rule
from pe_dvc.usecases.channel.standing import standing
from tests.support.hand_log import HandLog
from tests.support.simulator import Root, Simulator, pointer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.documents.pointer import Pointer

OLD, NEW = pointer("cps_2024", "old"), pointer("cps_2024", "new")
SECRETS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 5)]
KEYS = [
    VerifierKey(f"witness.example.org/{n}", secret.public_key().public_bytes_raw(), COSIGNATURE)
    for n, secret in enumerate(SECRETS, 1)
]
DEMANDED, UNKNOWN = range(3), 3


def line(witness: int, state: LogState, origin: str = "pe-dvc/us", age: float = 0) -> str:
    """Return a cosignature of a state, made ``age`` days ago."""
    moment = int(time.time() - age * DAY)
    note = cosign(checkpoint_note(origin, state), KEYS[witness], SECRETS[witness].sign, moment)
    return str(note.signatures[0]).rstrip("\n")


class Country(Simulator):
    """A country whose root demands 2 of 3 witnesses, not longer ago than 7 days."""

    log: HandLog

    def demand(self, rule: object) -> None:
        """Publish a root that demands it."""
        root = self.files.read("root", Root)
        root.signed.version += 1
        root.signed.unrecognized_fields[WITNESSES_FIELD] = rule
        root.signatures.clear()
        root.sign(self.signer("root"))
        self.files.write("root", root)
        self.store.objects[self.key(f"{root.signed.version}.root.json")] = self.files.read_bytes(
            "root"
        )

    def show(self, one: Pointer, log: HandLog | None = None) -> LogState:
        """Sign a version of ``latest``, and a log that has it."""
        version = self.update(one).version
        data = self.files.read_bytes("latest")
        self.store.objects[self.key(f"{version}.latest.json")] = data
        self.point_at({"latest": data})
        return (log or self.log).add(timestamp=1)

    def attach(self, lines: Sequence[str]) -> None:
        """Sign a timestamp with these cosignatures."""
        stamp = self.held("timestamp.json")
        stamp.signed.version += 1
        stamp.signed.unrecognized_fields[LOG_FIELD]["cosignatures"] = list(lines)
        self.plant("timestamp.json", stamp, "timestamp")

    @property
    def state(self) -> LogState:
        """What the timestamp says of the log."""
        fields = self.held("timestamp.json").signed.unrecognized_fields
        state = log_state(fields, where="timestamp")
        assert state is not None
        return state

    def read(self, state: str | None = None) -> Pointer | None:
        """Return what a new process reads; without a ``state``, one that never read before."""
        return self.client(state).lookup("latest", "cps_2024")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    made = Country(tmp_path)
    made.update(OLD)
    made.publish()
    made.demand(WitnessRule(2, 7, tuple(KEYS[n] for n in DEMANDED)).to_field())
    made.log = HandLog(made)
    made.log.add(timestamp=1)
    return made


def refused(country: Country, said: str, state: str | None = None) -> None:
    for _ in range(2):
        with pytest.raises(VerificationError, match=said):
            country.read(state)


def test_enough_witnesses_vouch_for_it(country: Country) -> None:
    country.attach([line(0, country.state), line(2, country.state, age=6)])
    assert country.read() == OLD
    assert country.read("mine") == OLD
    country.attach([line(n, country.show(NEW)) for n in DEMANDED])
    assert country.read("mine") == NEW


def test_maintainers_are_told_who_cosigned(country: Country) -> None:
    def said() -> tuple[str, ...]:
        return standing(country.metadata, country.store, now=datetime.now(UTC)).sentences

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    country.attach([line(0, country.state), line(2, country.state)])
    assert said() == (
        f"witnesses who cosigned what readers see: {KEYS[0].name} on {today}, {KEYS[1].name} never,"
        f" {KEYS[2].name} on {today} (2 are demanded, not older than 7 days)",
        "readers see what git holds: latest 2, next 1",
    )
    country.attach([line(0, country.state), line(2, country.state, age=8)])
    refused(country, "in the last 7 days")
    assert said()[0] == (
        "readers are refused: too few witnesses cosigned. Run pe-dvc channel refresh"
    )


def test_no_witness(country: Country) -> None:
    refused(country, "0 of the 2 witnesses")


def test_too_few_witnesses(country: Country) -> None:
    country.attach([line(1, country.state)])
    refused(country, "1 of the 2 witnesses")


def test_unknown_witness(country: Country) -> None:
    """The thief runs a witness of his own."""
    country.attach([line(1, country.state), line(UNKNOWN, country.state)])
    refused(country, "1 of the 2 witnesses")


def test_same_witness_twice(country: Country) -> None:
    country.attach([line(1, country.state), line(1, country.state, age=1)])
    refused(country, "1 of the 2 witnesses")


def test_cosignatures_of_another_log(country: Country) -> None:
    country.attach([line(n, country.state, "pe-dvc/uk") for n in DEMANDED])
    refused(country, "0 of the 2 witnesses")


def test_cosignatures_of_another_size_replayed(country: Country) -> None:
    """Cosignatures of the state before stand in the timestamp of the next."""
    earlier = [line(n, country.state) for n in DEMANDED]
    country.attach(earlier)
    assert country.read("mine") == OLD
    country.show(NEW)
    country.attach(earlier)
    refused(country, "0 of the 2 witnesses", "mine")


def test_history_that_no_witness_saw_shown_to_a_new_reader(country: Country) -> None:
    """With all online keys the thief shows a newcomer a log of his own."""
    country.attach([line(n, country.state) for n in DEMANDED])
    true = [line(n, country.state) for n in DEMANDED]
    country.show(NEW, HandLog(country))
    country.attach(true)
    refused(country, "0 of the 2 witnesses")


def test_a_new_reader_cannot_be_frozen(country: Country) -> None:
    """With all online keys the thief signs an old state again, as if it were of today."""
    country.attach([line(n, country.state, age=8) for n in DEMANDED])
    refused(country, "in the last 7 days")
    country.attach([line(0, country.state), line(1, country.state, age=8)])
    refused(country, "1 of the 2 witnesses that the root demands have cosigned.* last 7 days")


def test_a_reader_who_comes_back_cannot_be_frozen(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified last is held to its age at each read, though nothing has changed."""
    country.attach([line(n, country.state) for n in DEMANDED])
    assert country.read("mine") == OLD
    later = time.time() + 8 * DAY
    monkeypatch.setattr("time.time", lambda: later)
    refused(country, "in the last 7 days", "mine")


def test_nothing_changed_is_read_without_python_tuf(country: Country) -> None:
    country.attach([line(n, country.state) for n in DEMANDED])
    assert country.read("mine") == OLD
    client = country.client("mine")
    assert client.lookup("latest", "cps_2024") == OLD
    assert isinstance(client._unchanged, Unchanged)
    assert not client._unchanged._is_over


def test_cosignature_from_the_future(country: Country) -> None:
    """A witness's key that leaked once cannot vouch for all years to come."""
    country.attach([line(n, country.state, age=-300) for n in DEMANDED])
    refused(country, "in the last 7 days")


def test_log_left_out_by_who_has_all_online_keys(country: Country) -> None:
    country.attach([line(n, country.state) for n in DEMANDED])
    stamp = country.held("timestamp.json")
    snapshot = country.held(f"{stamp.signed.snapshot_meta.version}.snapshot.json")
    del snapshot.signed.unrecognized_fields[LOG_FIELD]
    del stamp.signed.unrecognized_fields[LOG_FIELD]
    snapshot.signed.version += 1
    data = country.plant(f"{snapshot.signed.version}.snapshot.json", snapshot, "snapshot")
    stamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
    stamp.signed.version += 1
    country.plant("timestamp.json", stamp, "timestamp")
    refused(country, "without their log")


@pytest.mark.parametrize(
    "junk", ["", "—", "— witness.example.org/1", "— witness.example.org/1 AAAA", "x" * 3000]
)
def test_lines_that_are_no_signatures_count_for_nothing(country: Country, junk: str) -> None:
    country.attach([junk, *(line(n, country.state) for n in (0, 1))])
    assert country.read() == OLD
    country.attach([junk, line(0, country.state)])
    refused(country, "1 of the 2 witnesses")


GOOD = WitnessRule(2, 7, tuple(KEYS[:3])).to_field()


@pytest.mark.parametrize(
    "rule",
    [
        {},
        [],
        GOOD | {"threshold": 0},
        GOOD | {"threshold": 4},
        GOOD | {"threshold": True},
        GOOD | {"max_age_days": 0},
        GOOD | {"max_age_days": 10**19},
        GOOD | {"keys": [str(KEYS[0])] * 3},
        GOOD | {"keys": [str(VerifierKey("a", KEYS[0].public, ED25519)), str(KEYS[1])]},
        GOOD | {"keys": [str(VerifierKey("other", KEYS[0].public, COSIGNATURE)), str(KEYS[0])]},
        GOOD | {"keys": ["nonsense"]},
    ],
)
def test_a_rule_that_cannot_be_read_protects_rather_than_passes(rule: object) -> None:
    with pytest.raises(FormatError):
        witness_rule({WITNESSES_FIELD: rule}, where="root")


def test_a_root_that_demands_nothing_demands_nothing() -> None:
    assert witness_rule({}, where="root") is None
    assert witness_rule({WITNESSES_FIELD: GOOD}, where="root") == WitnessRule(2, 7, tuple(KEYS[:3]))
