"""Connection strings of Azure's: honoured in full, or refused by name, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.azure_connection import read_connection
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError, UntrustedError
from pe_dvc.project.stores import open_store
from tests.support.servers import answering

if TYPE_CHECKING:
    from tests.support.azure_server import AzureServer

KEY = "aHVudGVyMg=="
LOGIN = f"AccountName=acct;AccountKey={KEY}"


@pytest.mark.parametrize(
    ("text", "account", "endpoint"),
    [
        (LOGIN, "acct", "https://acct.blob.core.windows.net"),
        (
            f"DefaultEndpointsProtocol=https;{LOGIN};EndpointSuffix=core.chinacloudapi.cn",
            "acct",
            "https://acct.blob.core.chinacloudapi.cn",
        ),
        (
            f"{LOGIN};BlobEndpoint=https://acct.privatelink.example/;QueueEndpoint=https://q;",
            "acct",
            "https://acct.privatelink.example",
        ),
        (
            "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x%3D",
            "acct",
            "https://acct.blob.core.windows.net",
        ),
        (
            f"BlobEndpoint=http://127.0.0.1:10000/acct;AccountKey={KEY}",
            "acct",
            "http://127.0.0.1:10000/acct",
        ),
    ],
)
def test_what_a_connection_string_says(text: str, account: str, endpoint: str) -> None:
    found = read_connection(text, "here")
    assert (found.account, found.endpoint) == (account, endpoint)
    assert bool(found.key) != bool(found.sas)
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("AccountName=acct", "neither AccountKey nor SharedAccessSignature"),
        (f"AccountKey={KEY}", "no AccountName"),
        (f"UseDevelopmentStorage=true;{LOGIN}", "UseDevelopmentStorage"),
        (f"{LOGIN};hunter2", "not NAME=VALUE"),
        (f"{LOGIN};EndpointSuffix=example.org/x", "EndpointSuffix"),
        (f"{LOGIN};DefaultEndpointsProtocol=ftp", "DefaultEndpointsProtocol"),
        (f"{LOGIN};BlobEndpoint=example.org", "not a URL"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, why: str) -> None:
    with pytest.raises(FormatError, match=why) as caught:
        open_store("az://box", options={"connection_string": text})
    assert caught.value.remedy
    assert KEY not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("part", ["DefaultEndpointsProtocol=http", "BlobEndpoint=http://1.2.3.4"])
def test_no_key_is_used_in_the_clear(part: str) -> None:
    with pytest.raises(UntrustedError, match="in the clear") as caught:
        open_store("az://box", options={"connection_string": f"{LOGIN};{part}"})
    assert "BlobEndpoint" in str(caught.value.remedy)


def test_the_users_own_login_does_not_go_where_a_clone_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does the environment's key sign what the connection string's key should."""
    monkeypatch.setenv("AZURE_STORAGE_TOKEN", "mine")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "bWluZQ==")
    with answering(404) as server:
        text = f"AccountName=acct;SharedAccessSignature=sig=theirs;BlobEndpoint={server.endpoint}"
        with pytest.raises(PeDvcError):
            open_store("az://box", options={"connection_string": text}).head("us/x")
    assert server.requests
    assert all("sig=theirs" in request for request in server.requests)
    assert set(server.authorizations) == {""}


def test_the_environments_connection_string(
    azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure_server.connection)
    store = open_store(azure_server.new_container())
    store.create("us/x", b"1")
    assert store.read("us/x", limit=1)[0] == b"1"
    with pytest.raises(NotFoundError):
        store.head("us/y")
