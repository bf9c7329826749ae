"""Gated data, from the bucket through a gateway to named people, with everyone's own tools."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.gateways import access_text
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sandbox import Sandbox

SETTINGS = """
tokens = "tokens"
ledger = "ledger.sqlite"
ledger_key = "ledger.key"

[countries.us]
store = "{store}"
access = "access.yaml"
"""


class Office:
    """A gateway as its keepers run it, in a process of its own, and readers who ask it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.port = sandbox, free_port()
        self.place = sandbox.directory / "gateway"
        self.place.mkdir()
        (self.place / "gateway.toml").write_text(SETTINGS.format(store=sandbox.store))
        self.grant({"datasets": "[cps_*, enhanced_*]"})
        self.token = self.pe_dvc("token", "create", "ada@example.org", "--project", "poverty")
        self.log = self.place / "log"

    def grant(self, *grants: dict[str, str]) -> None:
        (self.place / "access.yaml").write_text(access_text(*grants))

    def pe_dvc(self, *arguments: str) -> str:
        done = self.sandbox.pe_dvc("gateway", *arguments, cwd=self.place)
        return done.stdout.strip()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def open(self, end: signal.Signals = signal.SIGTERM) -> Iterator[subprocess.Popen[bytes]]:
        """Run the gateway while the body runs, then end it as a service manager does."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["pe-dvc", "gateway", "serve", "--port", str(self.port)],
                cwd=self.place,
                env=self.sandbox.environment,
                stderr=log,
            )
        try:
            self._wait(process)
            yield process
        finally:
            process.send_signal(end)
            code = process.wait(60)
        assert code == (0 if end == signal.SIGTERM else -end), self.log.read_text()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if self.ask("/healthz")[0] == 200:
                    return
            except urllib.error.URLError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def ask(self, path: str, token: str | None = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.url + path, headers=headers)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def entries(self) -> int:
        """Return how many reads the ledger has."""
        database = sqlite3.connect(self.place / "ledger.sqlite")
        try:
            (found,) = database.execute("select count(*) from ledger_entries").fetchone()
        finally:
            database.close()
        return int(found)

    def served(self) -> list[dict[str, Any]]:
        """Return the lines of the gateway's log about answers with gated data."""
        lines = [line.partition("requests: ")[2] for line in self.log.read_text().splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in found if one["entry"] is not None]

    def clone(self, name: str, *options: tuple[str, str]) -> Path:
        """Return a clone whose DVC remote is the gateway, by DVC's own configuration."""
        clone = self.sandbox.directory / name
        self.sandbox.run("git", "clone", "--quiet", str(self.sandbox.repo), str(clone))
        for option, value in [("url", f"{self.url}/us"), *options]:
            modify = ["dvc", "remote", "modify", "--local", "policyengine", option, value]
            if option == "url":
                modify = ["dvc", "remote", "add", "--local", "policyengine", value]
            self.sandbox.run(*modify, cwd=clone)
        return clone


def md5_path(path: Path) -> str:
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return f"/us/files/md5/{md5[:2]}/{md5[2:]}"


@pytest.fixture
def office(sandbox: Sandbox) -> Office:
    sandbox.pe_dvc("push")
    sandbox.trust()
    return Office(sandbox)


@pytest.mark.slow
def test_the_whole_way_from_the_bucket_to_named_people(office: Office) -> None:
    sandbox, data = office.sandbox, office.sandbox.repo / "data"
    wanted = {path.name: path.read_bytes() for path in data.glob("*.parquet")}
    custom = ("auth", "custom"), ("custom_auth_header", "Authorization")
    with office.open():
        # Plain DVC, by either of its two ways to say who asks.
        clone = office.clone("clone", *custom, ("password", f"Bearer {office.token}"))
        sandbox.run("dvc", "pull", "--quiet", cwd=clone)
        assert {p.name: p.read_bytes() for p in (clone / "data").glob("*.parquet")} == wanted
        basic = ("auth", "basic"), ("user", "ada"), ("password", office.token)
        second = office.clone("second", *basic)
        sandbox.run("dvc", "pull", "--quiet", cwd=second)
        assert {p.name: p.read_bytes() for p in (second / "data").glob("*.parquet")} == wanted

        # pe-dvc, in a clone and without one.
        third = office.clone("third", *basic)
        sandbox.pe_dvc("pull", cwd=third)
        assert {p.name: p.read_bytes() for p in (third / "data").glob("*.parquet")} == wanted
        got = sandbox.pe_dvc(
            *("get", "us/enhanced_cps_2024@latest"),
            cwd=sandbox.researcher,
            PE_DVC_STORE=office.url,
            PE_DVC_GATEWAY_TOKEN=office.token,
        )
        assert got.stdout.strip()

        # Everyone else.
        path = md5_path(data / "enhanced_cps_2024.parquet")
        assert office.ask(path)[0] == 401
        assert office.ask(path, "pedvc_" + "0" * 16 + "_" + "A" * 43)[0] == 401
        eve = office.pe_dvc("token", "create", "eve@example.org")
        assert office.ask(path, eve)[0] == 403
        assert office.ask("/us/files/md5/00/" + "0" * 30, office.token)[0] == 404
        assert office.ask(path, office.token, Range="bytes=99999999-")[0] == 416
        refused = sandbox.pe_dvc(
            *("get", "us/enhanced_cps_2024@latest"),
            cwd=sandbox.researcher,
            code=5,
            PE_DVC_STORE=office.url,
            PE_DVC_GATEWAY_TOKEN=eve,
            PE_DVC_CACHE_DIR=str(office.place / "eves"),
        )
        assert "data-access@example.org" in refused.stderr

        # A token that is revoked, a grant that ends: at the next request.
        listed = json.loads(office.pe_dvc("token", "list", "--json"))
        assert {one["person"] for one in listed} == {"ada@example.org", "eve@example.org"}
        office.pe_dvc("token", "revoke", office.token.split("_")[1])
        assert office.ask(path, office.token)[0] == 401
        office.grant({"until": "2021-01-01"})
        again = office.pe_dvc("token", "create", "ada@example.org")
        status, body = office.ask(path, again)
        assert (status, b"delete all copies" in body) == (403, True)
    served = office.served()
    assert len(served) >= 4 * len(wanted)
    assert sorted(one["entry"] for one in served) == list(range(len(served)))
    assert office.entries() == len(served)
    assert office.token.split("_", 2)[2] not in office.log.read_text()


@pytest.mark.slow
def test_a_withdrawal_reaches_a_gateway_that_starts_again(office: Office) -> None:
    sandbox, path = office.sandbox, office.sandbox.repo / "data/enhanced_cps_2024.parquet"
    with office.open():
        assert office.ask(md5_path(path), office.token)[0] == 200
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sandbox.pe_dvc(
        *("revoke", f"us/enhanced_cps_2024@sha256:{digest}"),
        *("--reason", "Its licence ended", "--authority", "Stewards"),
    )
    sandbox.commit("Withdraw it")
    sandbox.pe_dvc("push")
    with office.open():
        status, body = office.ask(md5_path(path), office.token)
        assert (status, json.loads(body)["tombstone"]["reason"]) == (410, "Its licence ended")
    assert office.entries() == 1


@pytest.mark.slow
def test_no_byte_without_its_entry_when_the_gateway_is_killed(office: Office) -> None:
    path = md5_path(office.sandbox.repo / "data/enhanced_cps_2024.parquet")
    got = 0
    for round_number in range(4):
        with office.open(signal.SIGKILL) as process:
            deadline = time.monotonic() + 0.2 + 0.1 * round_number
            while time.monotonic() < deadline:
                got += office.ask(path, office.token)[0] == 200
            assert process.poll() is None
    assert got > 0
    assert office.entries() >= got
