"""A witness over HTTP answers as C2SP tlog-witness says."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pe_dvc.tlog.checkpoint import Checkpoint
from pe_dvc.tlog.cosignature import verify_cosignature
from pe_dvc.tlog.merkle import EMPTY_ROOT
from pe_dvc.tlog.note import Note, Signature
from pe_dvc.tlog.witness import (
    REQUEST_LIMIT,
    SIZE_TYPE,
    AddCheckpoint,
    parse_cosignatures,
    read_checkpoint,
)
from pe_dvc.witness.records import MOST_EVIDENCE, origin_hash
from tests.support.witnessed import Answer, Served, TestLog, TestWitness

if TYPE_CHECKING:
    from collections.abc import Iterator


LOGS = [TestLog(f"pe-dvc/{number}").grow(5) for number in range(40)]
"""One for each test: they share a server."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> TestWitness:
    return TestWitness(tmp_path_factory.mktemp("witness") / "state", tuple(LOGS))


@pytest.fixture(scope="module")
def served(house: TestWitness) -> Iterator[Served]:
    with house.running() as served:
        yield served


@pytest.fixture
def log() -> TestLog:
    return LOGS.pop()


def cosigned_at(answer: Answer, note: Note, house: TestWitness) -> int:
    """Return the time of an answer's cosignature, which is verified."""
    assert answer.status == 200, answer.body
    (line,) = parse_cosignatures(answer.body, where="answer")
    return verify_cosignature(Note(note.text).adding(line), house.key)


def test_a_log_grows_and_each_checkpoint_is_cosigned(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    assert cosigned_at(served.add(log.request(0)), log.note(), house) == house.clock
    log.grow(300)
    house.clock += 60
    assert cosigned_at(served.add(log.request(5)), log.note(), house) == house.clock
    house.clock += 60  # the same again: renewed
    assert cosigned_at(served.add(log.request(305)), log.note(), house) == house.clock


def test_monitors_see_what_was_cosigned_last_with_both_signatures(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    place = f"/{origin_hash(log.origin)}/checkpoint"
    assert served.ask("GET", place).status == 404
    served.add(log.request(0))
    note, found = read_checkpoint(served.ask("GET", place).body, where="monitor")
    note.verify(log.key)
    assert verify_cosignature(note, house.key) == house.clock
    assert found == log.checkpoint()
    assert served.ask("GET", "/../../etc/passwd/checkpoint").status == 404
    assert served.ask("GET", f"/{'0' * 64}/checkpoint").status == 404


def test_an_old_size_that_is_not_the_last_is_told_the_last(served: Served, log: TestLog) -> None:
    served.add(log.request(0))
    log.grow(4)
    for old in (0, 3, 6):
        answer = served.add(log.request(old))
        assert (answer.status, answer.kind, answer.body) == (409, SIZE_TYPE, b"5\n")
    assert served.add(log.request(5)).status == 200


def test_a_rewritten_history_is_refused(served: Served, log: TestLog) -> None:
    served.add(log.request(0))
    forged = log.fork(3).grow(9, "forged")
    assert served.add(forged.request(5)).status == 422
    log.grow(1)
    assert served.add(log.request(5)).status == 200


def test_two_roots_of_one_size_are_never_cosigned(served: Served, log: TestLog) -> None:
    served.add(log.request(0))
    forged = log.fork(3).grow(2, "forged")
    assert served.add(forged.request(5)).status == 422


def evidence(house: TestWitness, log: TestLog, kind: str) -> int:
    return len(list((house.directory / origin_hash(log.origin)).glob(f"{kind}-*")))


def test_two_roots_of_one_size_are_kept_as_proof(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    served.add(log.request(0))
    forged = log.fork(3).grow(2, "forged")
    assert served.add(forged.request(5)).status == 422
    assert (evidence(house, log, "forked"), evidence(house, log, "refused")) == (1, 0)


def test_attack_honest_notes_with_wrong_proofs_take_the_room_of_no_proof(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    """A stranger has the log's public checkpoints, and may send each as often as it likes."""
    served.add(log.request(0))
    log.grow(30)
    for size in range(6, 36):
        note = log.note(size)
        for times in (1, 2, 3):
            again = Note(note.text, note.signatures * times)
            assert served.add(AddCheckpoint(5, (bytes(32),), again)).status == 422
    assert evidence(house, log, "refused") == MOST_EVIDENCE
    forged = log.fork(3).grow(2, "forged")
    assert served.add(forged.request(5)).status == 422
    assert evidence(house, log, "forked") == 1


def test_attack_one_note_sent_with_its_signature_many_times_is_kept_once(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    served.add(log.request(0))
    note = log.grow(1).note()
    for times in range(1, 9):
        again = Note(note.text, note.signatures * times)
        assert served.add(AddCheckpoint(5, (bytes(32),), again)).status == 422
    assert evidence(house, log, "refused") == 1


def test_a_smaller_tree_is_refused(served: Served, log: TestLog) -> None:
    served.add(log.request(0))
    assert served.add(AddCheckpoint(5, (), log.note(3))).status == 400
    assert served.add(log.request(3, 3)).body == b"5\n"


def test_a_proof_where_there_is_none_to_make_is_refused(served: Served, log: TestLog) -> None:
    assert served.add(AddCheckpoint(0, (bytes(32),), log.note())).status == 422
    served.add(log.request(0))
    assert served.add(AddCheckpoint(5, (bytes(32),), log.note())).status == 422


def test_an_empty_tree_has_one_root(house: TestWitness, served: Served, log: TestLog) -> None:
    def empty(root: bytes) -> Note:
        text = str(Checkpoint(log.origin, 0, root))
        return Note(text).signed_by(log.key, log.private.sign)

    assert served.add(AddCheckpoint(0, (), empty(bytes(32)))).status == 422
    note = empty(EMPTY_ROOT)
    assert cosigned_at(served.add(AddCheckpoint(0, (), note)), note, house) == house.clock
    assert served.add(log.request(0)).status == 200


def test_a_log_that_is_not_listed_is_unknown(served: Served) -> None:
    assert served.add(TestLog("pe-dvc/uk").grow(1).request(0)).status == 404


def test_a_checkpoint_signed_by_a_stranger_is_forbidden(served: Served, log: TestLog) -> None:
    stranger = TestLog(log.origin, log.entries)
    assert served.add(stranger.request(0)).status == 403
    assert served.add(AddCheckpoint(0, (), Note(log.note().text))).status == 400


def test_a_false_signature_beside_a_good_one_is_forbidden(served: Served, log: TestLog) -> None:
    good = log.note()
    false = Signature(log.key.name, log.key.key_id, bytes(64))
    assert served.add(AddCheckpoint(0, (), good.adding(false))).status == 403
    unknown = Signature("someone.example.org", b"abcd", bytes(64))
    assert served.add(AddCheckpoint(0, (), good.adding(unknown))).status == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text.replace("old 0", "old 00"),
        lambda text: text.replace("old 0", "old -1"),
        lambda text: text.replace("old 0", "old 0\nnot base 64"),
        lambda text: text.replace("old 0", "old 0" + "\n" + "A" * 43 + "="),
        lambda text: text.replace("old 0", "old 0" + ("\n" + "A" * 43 + "=") * 64),
        lambda text: text.replace("\n5\n", "\n05\n"),
        lambda text: text[:-1],
        lambda text: text.replace("old", "öld"),
    ],
)
def test_what_is_no_request_is_refused(served: Served, log: TestLog, change: object) -> None:
    assert callable(change)
    answer = served.add(change(str(log.request(0))).encode())
    assert answer.status in (400, 422)
    assert served.add(log.request(0)).status == 200


def test_a_body_without_end_is_cut_off(served: Served, log: TestLog) -> None:
    assert served.add(b"x" * (REQUEST_LIMIT + 1)).status == 413
    assert served.ask("GET", "/add-checkpoint").status == 405
    assert served.add(log.request(0)).status == 200


def test_a_client_that_goes_away_does_no_harm(served: Served, log: TestLog) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as half:
        half.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 500\r\n\r\nold")
    assert served.add(log.request(0)).status == 200


def test_of_many_at_once_each_is_consistent_with_the_one_before(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    """Of two histories that race, one is cosigned and the other never."""
    served.add(log.request(0))
    forks = [log.fork(5).grow(1 + n % 3, f"fork {n}") for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda fork: served.add(fork.request(5)), forks))
    (won,) = [fork for fork, answer in zip(forks, answers, strict=True) if answer.status == 200]
    assert {answer.status for answer in answers} == {200, 409}
    assert house.witness.records.last(log.origin) == won.checkpoint()


def test_a_damaged_record_stops_the_witness(
    house: TestWitness, served: Served, log: TestLog
) -> None:
    served.add(log.request(0))
    assert served.ask("GET", "/healthz").status == 200
    record = house.directory / origin_hash(log.origin) / "checkpoint"
    kept = record.read_bytes()
    record.write_bytes(b"")
    assert served.add(log.request(0)).status == 503
    assert json.loads(served.ask("GET", "/healthz").body) == {"status": "unavailable"}
    record.write_bytes(kept)
    assert served.add(log.request(5)).status == 200
