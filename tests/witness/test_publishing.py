"""A country asks real witnesses before readers see a state, and its root demands their word.

From the publisher's push to a reader's refusal: the servers listen on loopback.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.witnesses import WitnessFiles, WitnessServer
from pe_dvc.documents.channel_log import log_state
from pe_dvc.documents.witness_table import read_witnesses
from pe_dvc.primitives.errors import FormatError, SignatureError, VerificationError
from pe_dvc.trust.witnesses import DAY, WitnessRule
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.publish.cosigners import Cosigners
from pe_dvc.usecases.publish.log_checkpoint import verifier_key
from pe_dvc.usecases.publish.refresh import refresh_channel
from tests.support.servers import free_port
from tests.support.simulator import Simulator, pointer
from tests.support.witnessed import Served, TestWitness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.tlog.note import VerifierKey

ORIGIN = "pe-dvc/us"
ONE, TWO, THREE = (pointer("cps_2024", text) for text in ("one", "two", "three"))


class CountryLog:
    """What a witness is told of a country: origin and key."""

    def __init__(self, sim: Simulator) -> None:
        self.origin = ORIGIN
        key = verifier_key(sim.signer("timestamp").public_key, ORIGIN)
        assert key is not None
        self.key: VerifierKey = key


class Country(Simulator):
    """A country and three witnesses, of which two are demanded once ``demand`` was called."""

    houses: Sequence[TestWitness]
    servers: Sequence[Served]

    def ask(self, *which: int, seconds: float = 5) -> None:
        """Let the publisher name these witnesses, of which a server may be gone."""
        asked = [
            WitnessServer(self.houses[n].key, self.servers[n].url, seconds)
            if n < len(self.servers)
            else WitnessServer(self.houses[n].key, f"http://127.0.0.1:{free_port()}", seconds)
            for n in which
        ]
        self.signers.cosigners = Cosigners(asked)

    def demand(self, days: int = 7) -> None:
        rule = WitnessRule(2, days, tuple(house.key for house in self.houses))
        KeyRing(self.directory, "us", self.signers, now=self.now).demand(rule)

    @property
    def shown(self) -> LogState:
        fields = self.held("timestamp.json").signed.unrecognized_fields
        state = log_state(fields, where="timestamp")
        assert state is not None
        return state

    def cosigned_by(self) -> list[str]:
        return [line.split(" ")[1] for line in self.shown.cosignatures]


@pytest.fixture
def country(tmp_path: Path) -> Iterator[Country]:
    sim = Country(tmp_path)
    told = CountryLog(sim)
    sim.houses = [
        TestWitness(tmp_path / f"state-{n}", [told], name=f"w{n}.example.org", clock=time.time())  # type: ignore[list-item]
        for n in range(3)
    ]
    with ExitStack() as stack:
        sim.servers = [stack.enter_context(house.running()) for house in sim.houses[:2]]
        yield sim


def test_witnesses_cosign_what_is_published_and_readers_demand_it(country: Country) -> None:
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    assert country.cosigned_by() == ["w0.example.org", "w1.example.org"]
    country.demand()
    country.publish()
    assert country.client("mine").lookup("latest", "cps_2024") == ONE
    country.update(TWO)
    country.publish()
    assert country.cosigned_by() == ["w0.example.org", "w1.example.org"]
    assert country.client("mine").lookup("latest", "cps_2024") == TWO
    assert country.client().lookup("latest", "cps_2024") == TWO
    records = [house.witness.records.last(ORIGIN) for house in country.houses[:2]]
    assert {record.size for record in records if record} == {country.shown.size}


def test_a_witness_that_is_away_is_warned_of(
    country: Country, caplog: pytest.LogCaptureFixture
) -> None:
    country.ask(0, 2)
    country.update(ONE)
    country.publish()
    assert country.cosigned_by() == ["w0.example.org"]
    assert "w2.example.org has not cosigned: it cannot be reached" in caplog.text


def test_a_witness_that_answers_nothing_delays_no_longer_than_its_time(country: Country) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        country.signers.cosigners = Cosigners([WitnessServer(country.houses[0].key, url, 0.3)])
        country.update(ONE)
        country.publish()
    assert country.cosigned_by() == []


def test_too_few_witnesses_refuse_the_push_before_readers_see_anything(country: Country) -> None:
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    country.demand()
    country.publish()
    before = country.store.objects[country.key("timestamp.json")]
    country.ask(0, 2)
    country.update(TWO)
    too_few = r"1 of the 2 witnesses .*w2\.example\.org: it cannot"
    with pytest.raises(SignatureError, match=too_few) as raised:
        country.publish()
    assert "Readers see what they saw before" in str(raised.value.remedy)
    assert country.store.objects[country.key("timestamp.json")] == before
    assert country.client().lookup("latest", "cps_2024") == ONE
    country.ask(0, 1)
    country.publish()  # again, once they answer
    assert country.client().lookup("latest", "cps_2024") == TWO


def test_a_root_that_demands_more_than_is_shown_is_not_published(country: Country) -> None:
    country.update(ONE)
    country.publish()
    country.demand()
    country.ask(0, 1)
    with pytest.raises(SignatureError, match="root 2 demands 2 witnesses, and 0 of them"):
        country.publish()
    assert country.key("2.root.json") not in country.store.objects
    assert country.client().lookup("latest", "cps_2024") == ONE


def test_witnesses_that_do_not_know_a_new_key_are_told_of(country: Country) -> None:
    """Readers follow the new root, and refuse what the old key signed."""
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    country.demand()
    country.publish()
    country.rotate("timestamp")
    with pytest.raises(SignatureError, match=r"0 of the 2 witnesses .*it answered 403") as raised:
        country.publish()
    assert "Readers are refused until then" in str(raised.value.remedy)
    assert "docs/witnesses.md says what to give it" in str(raised.value.remedy)


def test_a_thief_of_all_online_keys_gets_no_witness_for_another_history(country: Country) -> None:
    """He has the bucket as it was, and publishes from there."""
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    country.demand()
    country.publish()
    old = dict(country.store.objects)
    country.update(TWO)
    country.publish()
    country.store.restore(old)
    country.update(THREE)
    with pytest.raises(SignatureError, match=r"0 of the 2 witnesses .*it answered 422"):
        country.publish()


def test_refresh_renews_cosignatures_in_time(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    country.demand(days=4)
    country.publish()
    first = country.shown.cosignatures
    later = time.time() + 3 * DAY
    for house in country.houses:
        house.clock = later

    def refresh() -> tuple[str, ...]:
        return refresh_channel(country.store, country.directory, "us", country.publisher).renewed

    assert refresh() == ()
    monkeypatch.setattr("time.time", lambda: later)
    country.ask(0, 1)
    country.signers.cosigners = Cosigners(country.signers.cosigners.witnesses, lambda: later)
    assert refresh() == ("timestamp",)
    assert country.shown.cosignatures != first
    assert country.client().lookup("latest", "cps_2024") == ONE


def test_witnesses_that_were_named_since_cosign_what_is_shown(country: Country) -> None:
    """Nothing else is new, and the root can only demand them once they have cosigned."""
    country.update(ONE)
    country.publish()
    country.ask(0, 2)
    country.publish()
    assert country.cosigned_by() == ["w0.example.org"]
    country.ask(0, 1)
    country.publish()
    assert country.cosigned_by() == ["w0.example.org", "w1.example.org"]
    stands = country.store.objects[country.key("timestamp.json")]
    country.publish()
    assert country.store.objects[country.key("timestamp.json")] == stands
    country.demand()
    country.publish()
    assert country.client().lookup("latest", "cps_2024") == ONE


def test_a_witness_away_at_a_refresh_is_asked_once_and_its_last_word_counts(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    country.demand(days=4)
    country.publish()
    version = country.held("timestamp.json").signed.version
    later = time.time() + 3 * DAY
    monkeypatch.setattr("time.time", lambda: later)
    for house in country.houses:
        house.clock = later
    country.ask(0)
    country.signers.cosigners = Cosigners(country.signers.cosigners.witnesses, lambda: later)
    found = refresh_channel(country.store, country.directory, "us", country.publisher)
    assert found.renewed == ("timestamp",)
    assert country.held("timestamp.json").signed.version == version + 1
    assert country.cosigned_by() == ["w0.example.org", "w1.example.org"]


def test_cosignatures_of_a_witness_without_a_server(country: Country, tmp_path: Path) -> None:
    """It is late by one push: what is shown now it has signed by the next refresh."""
    (served,) = country.servers[:1]
    files = WitnessFiles(country.houses[0].key, served.url, 5)  # a server shows its files, too
    country.signers.cosigners = Cosigners([files])
    country.update(ONE)
    country.publish()
    assert country.cosigned_by() == []
    country.ask(0)
    country.update(TWO)
    country.publish()
    country.signers.cosigners = Cosigners([files])
    held = country.shown
    again = files.cosignatures
    from pe_dvc.trust.witnesses import checkpoint_note

    assert [one.name for one in again(checkpoint_note(ORIGIN, held), 0, lambda _: [])] == [
        "w0.example.org"
    ]


def test_a_reader_refuses_what_a_thief_shows_without_witnesses(country: Country) -> None:
    country.ask(0, 1)
    country.update(ONE)
    country.publish()
    country.demand()
    country.publish()
    country.update(TWO)
    stamp = country.held("timestamp.json")
    stamp.signed.version += 1
    stamp.signed.unrecognized_fields["x-pe-dvc-log"]["cosignatures"] = []
    country.plant("timestamp.json", stamp, "timestamp")
    with pytest.raises(VerificationError, match="0 of the 2 witnesses"):
        country.client().lookup("latest", "cps_2024")


SAFE = "https://witness.example.org"
KEY = "witness.example.org/one+d8205b9c+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@pytest.mark.parametrize(
    "table",
    [
        {"key": KEY},
        {"key": KEY, "url": SAFE, "signatures": SAFE},
        {"url": SAFE},
        {"key": KEY, "url": "http://witness.example.org"},
        {"key": KEY, "url": "https://user:word@witness.example.org"},
        {"key": KEY, "url": "https://witness.example.org/?q"},
        {"key": KEY, "url": SAFE, "timeout": 0},
        {"key": KEY, "url": SAFE, "timeout": 1000},
        {"key": KEY, "url": 7},
    ],
)
def test_a_witness_that_cannot_be_asked_is_refused_in_pyproject(table: dict[str, object]) -> None:
    with pytest.raises(FormatError, match=r"^pyproject\.toml: tool\.pe_dvc\.witnesses"):
        read_witnesses({"one": table}, file="pyproject.toml", path="tool.pe_dvc.witnesses")


def test_witnesses_of_pyproject_are_read() -> None:
    given = {"one": {"key": KEY, "url": f"{SAFE}/"}, "two": {"key": KEY, "signatures": SAFE}}
    found = read_witnesses(given, file="pyproject.toml", path="tool.pe_dvc.witnesses")
    assert (found["one"].url, found["two"].signatures) == (SAFE, SAFE)
