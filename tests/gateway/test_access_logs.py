"""Reads in logs of AWS: their real forms, and what is no line of one."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.gateway import access_logs
from pe_dvc.gateway.access_logs import Logged, read_access_log
from pe_dvc.gateway.database import Database
from pe_dvc.gateway.import_reads import KnownObject, import_reads, naming
from pe_dvc.gateway.ledger_writer import LedgerWriter
from pe_dvc.primitives.errors import FormatError
from tests.support.access_logs import event, line

if TYPE_CHECKING:
    from tests.support.ledgers import Bench

MD5 = "0123456789abcdef0123456789abcdef"
KEY = f"uk/files/md5/{MD5[:2]}/{MD5[2:]}"


def logged(data: bytes) -> list[Logged]:
    return list(read_access_log(io.BytesIO(data), country="uk", named="log"))


def trail(*events: dict[str, Any]) -> bytes:
    return json.dumps({"Records": events}).encode()


def test_a_line_of_a_server_access_log_is_a_read() -> None:
    (one,) = logged(line(key=KEY).encode())
    assert one.read is not None
    assert one.read.at == datetime(2026, 2, 6, 0, 0, 38, tzinfo=UTC)
    assert one.read.person == "arn:aws:iam::111122223333:user/ann"
    assert (one.read.client_address, one.read.object_key) == ("192.0.2.3", KEY)
    assert (one.read.byte_count, one.read.how, one.read.grant_id) == (113, "direct", "")


def test_a_key_that_is_encoded_twice_is_read() -> None:
    (one,) = logged(line(key="uk/a%2520b%252Bc").encode())
    assert one.read is not None
    assert one.read.object_key == "uk/a b+c"


def test_a_user_agent_with_quotes_hides_no_read() -> None:
    (one,) = logged(line(agent='x" - "y').encode())
    assert one.read is not None


@pytest.mark.parametrize(
    "values",
    [
        {"operation": "REST.PUT.OBJECT"},
        {"operation": "REST.HEAD.OBJECT"},
        {"operation": "REST.GET.BUCKET"},
        {"status": "403"},
        {"status": "304"},
    ],
)
def test_what_reads_nothing_is_no_read(values: dict[str, str]) -> None:
    assert logged(line(**values).encode()) == [Logged()]


def test_an_event_of_cloudtrail_is_a_read() -> None:
    (one,) = logged(trail(event()))
    assert one.read is not None
    assert one.read.person == "arn:aws:sts::111122223333:assumed-role/researcher/ann"
    assert one.read.token_id == "ASIAEXAMPLE"
    assert (one.read.first_byte, one.read.last_byte, one.read.byte_count) == (10, 19, 10)
    assert one.read.at == datetime(2026, 2, 6, 12, 0, 1, tzinfo=UTC)


def test_events_a_line_each_are_read() -> None:
    data = b"".join(json.dumps(event(eventID=str(n))).encode() + b"\n" for n in range(3))
    assert len([one for one in logged(data) if one.read]) == 3


def test_the_source_of_a_copy_is_what_was_read() -> None:
    made = event(eventName="CopyObject")
    made["requestParameters"] |= {"key": "copy", "x-amz-copy-source": "/bucket/uk/a%20b"}
    (one,) = logged(trail(made))
    assert one.read is not None
    assert one.read.object_key == "uk/a b"


@pytest.mark.parametrize(
    "values",
    [
        {"eventName": "PutObject"},
        {"errorCode": "AccessDenied"},
        {"eventSource": "sts.amazonaws.com"},
    ],
)
def test_events_that_read_nothing_are_no_reads(values: dict[str, str]) -> None:
    assert logged(trail(event(**values))) == [Logged()]


@pytest.mark.parametrize("made", [line().encode(), trail(event())])
def test_gzipped_logs_are_read(made: bytes) -> None:
    assert logged(gzip.compress(made)) == logged(made)


def test_a_gzipped_log_that_is_cut_short_is_refused() -> None:
    with pytest.raises(FormatError, match="not whole"):
        logged(gzip.compress(trail(event()))[:-9])


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_logs, "LARGEST_TRAIL", 100_000)
    with pytest.raises(FormatError, match="more than 100000 bytes"):
        logged(gzip.compress(b'{"Records": [' + b" " * 10_000_000 + b"]}"))


def test_a_line_without_end_is_told_and_passed_over() -> None:
    first, second = logged(b"x" * 300_000 + b"\n" + line().encode())
    assert first.fault is not None
    assert "line 1" in first.fault
    assert second.read is not None


@pytest.mark.parametrize(
    "data",
    [
        b"not a log\n",
        line(at="99/Feb/2026:00:00:00 +0000").encode(),
        line(key="x" * 5000).encode(),
        line(key="%2500").encode(),
        b"\xff\xfe",
    ],
)
def test_what_is_no_line_is_told_by_its_number(data: bytes) -> None:
    found = logged(line().encode() + data)
    assert found[0].read is not None
    assert "log, line 2" in str(found[1].fault)


@pytest.mark.parametrize("name", ["eventTime", "userIdentity", "requestParameters", "eventID"])
@pytest.mark.parametrize("value", [None, [], 7, "\x00"])
def test_an_event_with_another_value_is_told(name: str, value: object) -> None:
    found = logged(trail(event(**{name: value}), event()))
    if (name, value) != ("eventID", "\x00"):  # a text, if a strange one
        assert "log, record 0" in str(found[0].fault)
    assert found[1].read is not None


@pytest.mark.parametrize("data", [b"{}", b'{"Records": 1}', b'{"Records": [', b"{" * 100_000])
def test_a_document_that_is_no_trail_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        logged(data)


def test_importing_twice_adds_nothing(bench: Bench) -> None:
    data = "".join(line(request=f"R{n}") for n in range(1500)).encode() + b"junk\n"
    with bench.open():
        pass
    database = Database(bench.place)
    writer = LedgerWriter(database, bench.signer)
    known = {MD5: KnownObject("frs_2023", "ab" * 32, None, ("frs.tab",))}
    first = import_reads(writer, logged(data), naming(known))
    assert (first.added, first.known, first.unreadable) == (1500, 0, 1)
    again = import_reads(writer, logged(data + line(request="new").encode()), naming(known))
    assert (again.added, again.known) == (1, 1500)
    database.close()
    verdict = bench.verify()
    assert (verdict.sound, verdict.entries) == (True, 1501)


def test_the_same_request_twice_in_one_file_is_one_read(bench: Bench) -> None:
    with bench.open():
        pass
    database = Database(bench.place)
    found = import_reads(
        LedgerWriter(database, bench.signer), logged(line().encode() * 2), naming({})
    )
    database.close()
    assert (found.added, found.known) == (1, 1)


def test_manifests_say_which_dataset_an_object_is() -> None:
    (one,) = logged(line(key=KEY).encode())
    assert one.read is not None
    known = {MD5: KnownObject("frs_2023", "ab" * 32, None, ("frs.tab",))}
    read = naming(known)(one.read)
    assert (read.dataset, read.kind, read.raw_sources) == ("frs_2023", "payload", ("frs.tab",))
    assert naming({})(one.read).kind == "payload"
