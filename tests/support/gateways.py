"""A gateway for tests: a real server on loopback, over a published country in any store."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pe_dvc.gateway.app import Gateway
from pe_dvc.gateway.decision import Scope
from pe_dvc.gateway.identity import Identity
from pe_dvc.gateway.jwks import IssuerKeys
from pe_dvc.gateway.served_country import ServedCountry, Source
from pe_dvc.gateway.server import server_of
from pe_dvc.gateway.settings import Issuer, Signer
from pe_dvc.gateway.tokens import TokenBook
from pe_dvc.primitives.errors import LedgerUnavailableError
from pe_dvc.trust.client import ChannelClient
from tests.support.issuers import ADDRESS, AUDIENCE, Documents, TestIssuer
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.gateway.ledger import Ledger
    from pe_dvc.gateway.ledger_entry import LedgerRead
    from tests.support.country import Country

REMS = "https://rems.example.org"
GRANT = """
  - id: {id}
    person: {person}
    project: {project}
    datasets: {datasets}
    licence: UKDS End User Licence
    licence_version: "24"
    from: {begins}
    until: {until}
"""


def access_text(*grants: dict[str, str]) -> str:
    """Return an access.yaml with these grants, each with what it changes of a usual one."""
    usual = {
        "id": "ada",
        "person": "ada@example.org",
        "project": "poverty",
        "datasets": "'*'",
        "begins": "2020-01-01",
        "until": "2099-12-31",
    }
    listed = "".join(GRANT.format(**{**usual, **one}) for one in grants)
    return f"contact: data-access@example.org\ngrants:{listed or ' []'}\n"


@dataclass
class ListLedger:
    """A ledger in a list, which can be away: the promises of ``Ledger`` but that it is durable."""

    reads: list[LedgerRead] = field(default_factory=list)
    is_away: bool = False

    async def append(self, read: LedgerRead, statement: bytes | None = None) -> int:
        if self.is_away:
            raise LedgerUnavailableError("it is away", where="ledger")
        assert statement is None, "a statement is kept by a real ledger"
        self.reads.append(read)
        return len(self.reads) - 1


@dataclass
class Answer:
    """What a gateway answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class GatewayHouse:
    """A gateway of one published country, with tokens, grants and a ledger that tests look into."""

    def __init__(
        self,
        directory: Path,
        country: Country,
        sign: Callable[[str], str] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.country, self.directory = country, directory
        self.access = directory / "access.yaml"
        self.grant({})
        self.ledger, self.book = ListLedger(), TokenBook(directory / "tokens")
        self.issuer, self.visas = TestIssuer(), TestIssuer(address=REMS, kid="r1")
        trusted = Issuer(
            issuer=ADDRESS, audience=AUDIENCE, persons=("*@example.org",), passports=True
        )
        keys = IssuerKeys(Documents(self.issuer, self.visas), time.monotonic)
        visas = [Signer(issuer=REMS, jwks_url=f"{REMS}/keys")]
        identity = Identity(self.book, [trusted], visas, keys)
        self.served = ServedCountry(
            Source(
                country="us",
                store=country.store,
                access=self.access,
                verify=self._verify,
                sign=sign,
            )
        )
        self.gateway = Gateway({"us": self.served}, identity, ledger or self.ledger)
        self.port = free_port()

    def _verify(self) -> bytes:
        client = ChannelClient(
            self.country.store, "us", self.country.root, self.directory / "state"
        )
        client.channel_version("latest")
        return self.country.root

    def grant(self, *grants: dict[str, str]) -> None:
        """Make these all the grants there are."""
        self.access.write_text(access_text(*grants))

    def token(self, person: str = "ada@example.org", **scope: Any) -> str:
        now = datetime.now(UTC)
        token, _ = self.book.create(
            person, now=now, expires=now + timedelta(days=1), scope=Scope(**scope)
        )
        return token

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def passport(self, *values: str, person: str = "ada@example.org") -> str:
        """Return a passport with a visa of each of ``values``."""
        now = time.time()
        visas = [
            self.visas.sign(
                self.visas.claims(
                    now,
                    sub=person,
                    aud=None,
                    ga4gh_visa_v1={
                        "type": "ControlledAccessGrants",
                        "asserted": int(now) - 100,
                        "value": value,
                        "source": REMS,
                    },
                )
            )
            for value in values
        ]
        return self.issuer.sign(self.issuer.claims(now, sub=person, ga4gh_passport_v1=visas))

    def get(
        self,
        path: str,
        token: str | None = None,
        method: str = "GET",
        *,
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Ask with the path as it stands: nothing is encoded or made simpler on the way."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(
                method, path, skip_accept_encoding=True, skip_host="Host" in given
            )
            if body is not None:
                given["Content-Length"] = str(len(body))
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def post(self, path: str, token: str | None, body: bytes) -> Answer:
        """Send a body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    @contextmanager
    def running(self) -> Iterator[GatewayHouse]:
        """Serve on loopback while the body runs."""
        server = server_of(self.gateway, host="127.0.0.1", port=self.port)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive(), "the gateway did not start"
            assert time.monotonic() < deadline, "the gateway did not start in time"
            time.sleep(0.01)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the gateway did not end"
