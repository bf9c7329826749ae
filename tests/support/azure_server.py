"""Azure Blob Storage on 127.0.0.1: azurite, which Microsoft writes, on the machine's Node.js."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import urllib.request
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from tests.support.other_environments import azurite
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "2023-11-03"
ACCOUNT, KEY = "account1", base64.b64encode(b"a key of an account").decode()


@dataclass(frozen=True)
class AzureServer:
    """A running server, with one account."""

    endpoint: str

    @property
    def connection(self) -> str:
        """The connection string of the account."""
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.endpoint}"

    def new_container(self) -> str:
        """Create a container of a name not used before, and return its address."""
        name = f"data-{uuid.uuid4().hex[:12]}"
        date = formatdate(usegmt=True)
        canonical = f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        signed = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{VERSION}\n{canonical}"
        digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        signature = base64.b64encode(digest).decode()
        headers = {
            "x-ms-date": date,
            "x-ms-version": VERSION,
            "Authorization": f"SharedKey {ACCOUNT}:{signature}",
        }
        asked = urllib.request.Request(
            f"{self.endpoint}/{name}?restype=container", method="PUT", headers=headers
        )
        urllib.request.urlopen(asked, timeout=30).close()
        return f"az://{name}"


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """Run Azure Blob Storage."""
    command, port = azurite(), free_port()
    at = ("--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence")
    environment = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}", "PATH": os.environ["PATH"]}
    more = ("--silent", "--disableTelemetry", "--skipApiVersionCheck")
    with running([*command, *at, *more], port, environment):
        yield AzureServer(f"http://127.0.0.1:{port}/{ACCOUNT}")
