"""The gateway as a process: ports that it cannot have, and what its log repeats."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest

from pe_dvc.cli.failures import exit_code
from pe_dvc.gateway.monitoring import only_news
from pe_dvc.gateway.server import serve
from pe_dvc.primitives.errors import ConflictError, FormatError
from tests.support.commands import run_pe_dvc
from tests.support.country import Country
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path) -> GatewayHouse:
    return GatewayHouse(tmp_path, Country(tmp_path / "country", MemoryStore()))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def test_a_port_in_use_is_said(house: GatewayHouse, taken: int) -> None:
    with pytest.raises(ConflictError, match=f"port {taken} of 127.0.0.1 is in use") as caught:
        serve(house.gateway, host="127.0.0.1", port=taken, metrics_port=None, proxies="")
    assert "--port" in (caught.value.remedy or "")


def test_a_metrics_port_in_use_is_said(house: GatewayHouse, taken: int) -> None:
    free = free_port()
    with pytest.raises(ConflictError, match=f"port {taken}") as caught:
        serve(house.gateway, host="127.0.0.1", port=free, metrics_port=taken, proxies="")
    assert "--metrics-port" in (caught.value.remedy or "")
    with socket.create_server(("127.0.0.1", free)):  # the other port was given back
        pass


def test_an_address_of_another_machine_is_said(house: GatewayHouse) -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(FormatError, match=host):
            serve(house.gateway, host=host, port=0, metrics_port=None, proxies="")


@pytest.mark.parametrize("what", ["gateway", "witness"])
def test_the_command_says_which_port_is_in_use(
    tmp_path: Path, taken: int, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bucket").mkdir()
    (tmp_path / "gateway.toml").write_text(
        'tokens = "tokens"\nledger = "ledger.sqlite"\nledger_key = "ledger.key"\n'
        '[countries.uk]\nstore = "bucket"\naccess = "access.yaml"\n'
    )
    (tmp_path / "witness.toml").write_text(
        'name = "witness.example.org/one"\nkey = "witness.pem"\nstate = "state"\n'
    )
    run_pe_dvc("witness", "key")
    said = run_pe_dvc(what, "serve", "--port", str(taken), code=exit_code(ConflictError(""))).stderr
    assert f"pe-dvc: port {taken} of 127.0.0.1 is in use\n  Name another one with --port" in said
    elsewhere = ("--host", "192.0.2.1", "--port", str(taken))
    said = run_pe_dvc(what, "serve", *elsewhere, code=exit_code(FormatError(""))).stderr
    assert f"cannot listen on port {taken} of 192.0.2.1" in said


def test_what_is_said_each_minute_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("pe_dvc.test.news")
    caplog.set_level(logging.INFO)
    with only_news(logger.name):
        for version in (1, 1, 1, 2, 2):
            logger.info("us revoked version %d verified", version)
            logger.warning("away")
    logger.info("us revoked version %d verified", 2)
    said = [one.getMessage() for one in caplog.records]
    assert [one for one in said if "verified" in one] == [
        "us revoked version 1 verified",
        "us revoked version 2 verified",
        "us revoked version 2 verified",
    ]
    assert said.count("away") == 5
