"""An endpoint that sends its clients on to another host gets no credentials there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.adapters.stores.redirects import one_host_only
from pe_dvc.adapters.stores.s3_listing import S3Listing
from pe_dvc.adapters.stores.s3_regions import bucket_region
from pe_dvc.primitives.errors import PeDvcError, StoreUnavailableError
from pe_dvc.project.stores import open_store
from tests.support.servers import Answering, answering
from tests.support.store_operations import every_operation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {
    "access_key_id": "key",
    "secret_access_key": "secret",
    "session_token": "the-token",
    "region": "eu-west-2",
}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # where tests run behind a proxy


@pytest.fixture
def thief() -> Iterator[Answering]:
    """Another host than the endpoint's by its name, though it is this machine."""
    with answering(200) as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_session_token_does_not_follow_a_redirect_to_another_host(
    thief: Answering, tmp_path: Path, status: int
) -> None:
    with answering(status) as endpoint:
        endpoint.headers["Location"] = f"http://localhost:{thief.server_port}/bucket/key"
        store = open_store("s3://bucket", options={**KEYS, "endpointurl": endpoint.endpoint})
        for operation in every_operation(store, tmp_path).values():
            with pytest.raises(PeDvcError):
                operation()
        assert "the-token" in endpoint.tokens
        assert thief.requests == []


def test_the_error_names_the_redirect(thief: Answering) -> None:
    with answering(307) as endpoint:
        endpoint.headers["Location"] = f"http://localhost:{thief.server_port}/bucket/key"
        store = open_store("s3://bucket", options={**KEYS, "endpointurl": endpoint.endpoint})
        with pytest.raises(StoreUnavailableError, match="redirects to another host") as caught:
            store.head("key")
    assert "endpointurl" in str(caught.value.remedy)


def test_a_redirect_on_the_same_host_is_followed() -> None:
    with answering(200, b"data") as target, answering(307) as endpoint:
        target.headers["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
        target.headers["ETag"] = '"1"'
        endpoint.headers["Location"] = f"{target.endpoint}/bucket/key"
        store = open_store("s3://bucket", options={**KEYS, "endpointurl": endpoint.endpoint})
        assert store.head("key").size == 4


def test_region_is_read_from_a_redirect_that_is_not_followed(thief: Answering) -> None:
    with answering(301) as endpoint:
        endpoint.headers["Location"] = f"http://localhost:{thief.server_port}/"
        endpoint.headers["x-amz-bucket-region"] = "eu-north-1"
        assert bucket_region("bucket", endpoint.endpoint, {}) == "eu-north-1"
    assert thief.requests == []


@pytest.mark.parametrize(
    ("environ", "guarded"),
    [
        ({}, True),
        ({"HTTPS_PROXY": ""}, True),
        ({"http_proxy": "http://proxy:3128"}, True),
        ({"https_proxy": "http://proxy:3128"}, False),
        ({"ALL_PROXY": "http://proxy:3128"}, False),
    ],
)
def test_a_proxy_of_the_environment_is_still_used(environ: dict[str, str], guarded: bool) -> None:
    assert bool(one_host_only("https://s3.eu-west-2.amazonaws.com", environ)) is guarded


def test_a_proxy_that_the_endpoint_is_exempt_from_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {"https_proxy": "http://proxy:3128", "no_proxy": ".example.org"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert one_host_only("https://s3.example.org:9000/x", environ)["proxy_excludes"] == (
        "s3.example.org"
    )


def test_the_listing_of_strange_keys_follows_no_redirect_either(thief: Answering) -> None:
    with answering(307) as endpoint:
        endpoint.headers["Location"] = f"http://localhost:{thief.server_port}/bucket"
        listing = S3Listing(
            "bucket",
            "",
            config={
                "endpoint": endpoint.endpoint,
                "region": "eu-west-2",
                "virtual_hosted_style_request": False,
            },
            client={},
            ca_bundle=None,
            credentials=lambda: {
                "access_key_id": "key",
                "secret_access_key": "secret",
                "token": "the-token",
            },
        )
        with pytest.raises(PeDvcError):
            list(listing.list(""))
        assert "the-token" in endpoint.tokens
    assert thief.requests == []
