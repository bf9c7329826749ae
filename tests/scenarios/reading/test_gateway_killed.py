"""Gateways that are killed, and several on one ledger: no byte is served without its entry."""

from __future__ import annotations

import os
import random
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway_office import Office, md5_path
from tests.support.servers import free_port

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

ROUNDS = 50 if os.environ.get("SOAK") else 3


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, sandbox: Sandbox) -> Office:
    sandbox.pe_dvc("push")
    sandbox.trust()
    if request.param == "sqlite":
        return Office(sandbox)
    return Office(sandbox, request.getfixturevalue("postgres").new_database())


@pytest.mark.slow
@pytest.mark.timeout(3600)  # for all rounds of SOAK=1
def test_no_byte_without_its_entry_when_the_gateway_is_killed(office: Office) -> None:
    path = md5_path(office.sandbox.repo / "data/enhanced_cps_2024.parquet")
    chance, got = random.Random(7), 0
    for _ in range(ROUNDS):
        with office.open(signal.SIGKILL) as process:
            # At any moment of eight reads at once: of looking up, noting and sending.
            killer = threading.Timer(chance.uniform(0.1, 1.0), process.kill)
            killer.start()
            got += office.read_by_many(path, [office.port], 1.1)
            killer.join()
    assert got > ROUNDS
    assert office.entries() >= got
    verdict = office.verify()
    assert (verdict["faults"], verdict["entries"]) == ([], office.entries())
    print(f"{ROUNDS} rounds: {got} whole answers, {office.entries()} entries")


@pytest.mark.slow
@pytest.mark.parametrize("office", ["postgresql"], indirect=True)
def test_two_gateways_on_one_ledger(office: Office) -> None:
    path = md5_path(office.sandbox.repo / "data/enhanced_cps_2024.parquet")
    second = free_port()
    with office.open(), office.open(port=second):
        got = office.read_by_many(path, [office.port, second], 2.0)
    served = office.served()
    assert got > 0
    assert sorted(one["entry"] for one in served) == list(range(got))
    assert office.entries() == got
    assert office.verify()["faults"] == []
    print(f"two gateways: {got} answers, {office.entries()} entries")
