"""From an address and a DVC remote's options to a store that works."""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.dvc.config import read_config
from pe_dvc.adapters.stores.s3_regions import BELIEVED, Regions, bucket_region
from pe_dvc.primitives.errors import FormatError, StorePermissionError, StoreUnavailableError
from pe_dvc.project.stores import open_store, split_remote_url
from tests.support.servers import ACCESS_KEY, SECRET_KEY, answering, free_port

if TYPE_CHECKING:
    from tests.support.servers import S3Bucket, S3Endpoint


def authorizations(monkeypatch: pytest.MonkeyPatch, options: dict[str, str]) -> str:
    """Return the Authorization header of a first request, empty if it is not signed."""
    with answering(404) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        assert list_errors(options)
        return server.authorizations[0]


def list_errors(options: dict[str, str]) -> bool:
    with pytest.raises(StoreUnavailableError):
        list(open_store("s3://bucket/us", options={"region": "eu-west-2", **options}).list(""))
    return True


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}", "{}/"])
def test_a_directory(tmp_path: Path, form: str) -> None:
    store = open_store(
        form.format(tmp_path / "a store").replace(" ", "%20" if ":" in form else " ")
    )
    store.create("us/x", b"1")
    assert (tmp_path / "a store" / "us" / "x").read_bytes() == b"1"
    assert store.url == str(tmp_path / "a store")


def test_a_relative_directory_and_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store("store").url == str(tmp_path / "store")
    assert open_store("~/store").url == str(Path.home() / "store")


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("s3:/policyengine-data", "s3://policyengine-data"),
        ("S3:policyengine-data/prefix", "s3://policyengine-data/prefix"),
        ("gs:/bucket", "gs://bucket"),
        ("file:/srv/data", "file:///srv/data"),
        ("file:data", "data"),
    ],
)
def test_an_address_that_lacks_slashes_is_no_directory(url: str, meant: str) -> None:
    with pytest.raises(FormatError, match="is not a store") as caught:
        open_store(url)
    assert caught.value.remedy == f"Did you mean {meant}?"


def test_a_directory_may_have_the_name_of_such_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:mirror").mkdir()
    assert open_store("s3:mirror").url == str(tmp_path / "s3:mirror")
    assert open_store("backup:2026").url == str(tmp_path / "backup:2026")


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x/y", "http://bucket.example.org", "s3://", "s3:///us", "file://host/srv"),
        *("s3://key:secret@bucket/us", "s3://bucket:9000/us", "s3://bucket/../us", "gs://"),
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(FormatError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("s3://policyengine-data/us", "s3://policyengine-data"),
        ("s3://policyengine-data/us/", "s3://policyengine-data"),
        ("gs://bucket/some/where/us", "gs://bucket/some/where"),
        ("/srv/store/us", "/srv/store"),
    ],
)
def test_the_store_of_a_remote(url: str, store: str) -> None:
    assert split_remote_url(url, "us") == store


@pytest.mark.parametrize(
    "url", ["s3://us", "s3://bucket/uk", "s3://bucket", "/us", "us", "s3://b/xus"]
)
def test_a_remote_that_is_not_of_the_country(url: str) -> None:
    with pytest.raises(FormatError, match="does not end in /us") as caught:
        split_remote_url(url, "us")
    assert "dvc remote modify" in (caught.value.remedy or "")


def test_what_dvc_pushes_to_is_reached_with_nothing_more_set(
    s3_bucket: S3Bucket, tmp_path: Path
) -> None:
    """`dvc push` writes by the remote's options; a store by the same options sees the object."""
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    (tmp_path / ".dvc").mkdir()
    options = {"url": f"s3://{s3_bucket.name}/us", **s3_bucket.server.options}
    (tmp_path / ".dvc" / "config").write_text(
        "[core]\nno_scm = true\nremote = bucket\n['remote \"bucket\"']\n"
        + "".join(f"{name} = {value}\n" for name, value in options.items())
    )
    for command in (["add", "-q", "data.csv"], ["push", "-q"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=tmp_path, check=True)
    remote = read_config(tmp_path).remote("bucket")
    store = open_store(split_remote_url(remote.url, "us"), options=remote.options)
    (pushed,) = store.list("us/files/md5")
    assert store.read(pushed.key, limit=100)[0] == (tmp_path / "data.csv").read_bytes()
    assert store.url == f"s3://{s3_bucket.name}"


def test_the_environment_of_aws_is_enough(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    store = open_store(s3_bucket.url)
    store.create("us/x", b"1")
    assert [info.key for info in store.list("")] == ["us/x"]


def test_the_remotes_endpoint_is_preferred_to_the_environments(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert list(open_store(s3_bucket.url, options=s3_bucket.server.options).list("")) == []


OTHERS = {"AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "y"}
KEYS = {"access_key_id": "ours", "secret_access_key": "x"}


@pytest.mark.parametrize(
    ("options", "environment", "signer"),
    [
        ({}, {}, None),
        (KEYS, {}, "ours"),
        (KEYS, OTHERS, "ours"),
        ({}, OTHERS, "theirs"),
        ({"allow_anonymous_login": "true"}, OTHERS, None),
        ({"profile": "team"}, OTHERS, "of-the-team"),
        ({}, {"AWS_PROFILE": "team"}, "of-the-team"),
        ({"credentialpath": "elsewhere"}, {}, "of-elsewhere"),
    ],
)
def test_whose_credentials_sign(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    environment: dict[str, str],
    signer: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = "aws_secret_access_key = x\n"
    team = f"[team]\naws_access_key_id = of-the-team\n{secret}"
    (Path.home() / ".aws").mkdir()
    (Path.home() / ".aws" / "credentials").write_text(team)
    (tmp_path / "elsewhere").write_text(f"[default]\naws_access_key_id = of-elsewhere\n{secret}")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    header = authorizations(monkeypatch, options)
    assert (f"Credential={signer}/" in header) if signer else (header == "")


def test_a_profile_that_does_not_exist() -> None:
    with pytest.raises(StorePermissionError, match="nobody"):
        open_store("s3://bucket", options={"profile": "nobody", "endpointurl": "http://127.0.0.1"})


def test_a_profile_brings_region_and_endpoint(
    s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path.home() / ".aws").mkdir()
    (Path.home() / ".aws" / "config").write_text(
        f"[profile team]\nregion = eu-west-2\nendpoint_url = {s3_bucket.server.endpoint}\n"
        f"aws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert list(open_store(s3_bucket.url).list("")) == []


def test_an_endpoint_without_a_scheme_is_refused() -> None:
    with pytest.raises(FormatError, match="endpoint 'localhost:9000'"):
        open_store("s3://bucket", options={"endpointurl": "localhost:9000"})


def test_a_bucket_tells_its_region_even_when_it_refuses() -> None:
    for status in (200, 301, 403):
        with answering(status) as server:
            server.headers["x-amz-bucket-region"] = "eu-west-2"
            assert bucket_region("bucket", server.endpoint, {}) == "eu-west-2"
    assert bucket_region("bucket", f"http://127.0.0.1:{free_port()}", {}) is None


def test_a_bucket_is_asked_for_its_region_once_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "state" / "regions.json"
    with answering(200) as server:
        server.headers["x-amz-bucket-region"] = "eu-west-2"
        for _ in range(3):
            assert Regions(notes).of("bucket", server.endpoint, {}) == "eu-west-2"
        assert Regions(notes).of("other", server.endpoint, {}) == "eu-west-2"
        assert len(server.requests) == 2
        later = time.time() + BELIEVED + 1
        monkeypatch.setattr(time, "time", lambda: later)
        server.headers["x-amz-bucket-region"] = "us-east-2"
        assert Regions(notes).of("bucket", server.endpoint, {}) == "us-east-2"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 1}', b'{"x": {"region": "r"}}'])
def test_notes_of_regions_that_cannot_be_read_are_made_anew(tmp_path: Path, content: bytes) -> None:
    notes = tmp_path / "regions.json"
    notes.write_bytes(content)
    with answering(200) as server:
        server.headers["x-amz-bucket-region"] = "eu-west-2"
        for _ in range(2):
            assert Regions(notes).of("bucket", server.endpoint, {}) == "eu-west-2"
        assert len(server.requests) == 1


def test_regions_are_asked_for_where_they_cannot_be_noted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with answering(200) as server:
        server.headers["x-amz-bucket-region"] = "eu-west-2"
        for notes in (None, tmp_path / "file" / "regions.json"):
            assert Regions(notes).of("bucket", server.endpoint, {}) == "eu-west-2"


def test_requests_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example.org")
    with answering(404) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.endpoint)
        monkeypatch.setenv("http_proxy", proxy.endpoint)
        list_errors(KEYS)
        assert proxy.requests[0].startswith("GET http://s3.example.org/bucket?")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        proxy.requests.clear()
        with answering(404) as direct:
            list_errors({**KEYS, "endpointurl": direct.endpoint})
            assert direct.requests
        assert not proxy.requests


def test_google_and_azure_are_wired(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(403) as server:
        options = {"endpointurl": server.endpoint, "allow_anonymous_login": "true"}
        with pytest.raises(StorePermissionError, match="gs://bucket/data/us/x"):
            open_store("gs://bucket/data", options=options).head("us/x")
        assert server.requests == ["HEAD /bucket/data%2Fus%2Fx"]
    azure = open_store("az://box", options={"account_name": "a", "account_key": "c2VjcmV0"})
    assert azure.url == "az://box"


def test_a_bucket_of_another_region_than_the_users(
    s3_server: S3Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC follows the redirect to the bucket's region: so must a store."""
    name = s3_server.new_bucket("eu-west-2")
    options = {name: value for name, value in s3_server.options.items() if name != "region"}
    monkeypatch.setenv("AWS_REGION", "us-west-1")
    open_store(f"s3://{name}", options=options).create("us/x", b"1")
    wrong = open_store(f"s3://{name}", options={**options, "region": "us-west-1"})
    with pytest.raises(StoreUnavailableError, match="another region") as caught:
        wrong.read("us/x", limit=1)
    assert "region" in (caught.value.remedy or "")


def test_a_password_in_the_endpoint_is_in_no_message_and_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG", logger="pe_dvc")
    options = {
        "endpointurl": f"http://alice:hunter2@127.0.0.1:{free_port()}",
        "region": "eu-west-2",
        "access_key_id": "a",
        "secret_access_key": "b",
    }
    for wrong in ({}, {"endpointurl": "ftp://alice:hunter2@host"}):
        with pytest.raises((StoreUnavailableError, FormatError)) as caught:
            open_store("s3://bucket/us", options={**options, **wrong}).head("x")
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "bucket/us/x" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("url", ["s3://alice:hunter2@bucket/us", "s3://alice:hun/ter2@bucket/us"])
def test_a_password_in_the_address_is_in_no_message(url: str) -> None:
    for opened in (open_store, lambda url: split_remote_url(url, "uk")):
        with pytest.raises(FormatError) as caught:
            opened(url)
        assert "ter2" not in "".join(traceback.format_exception(caught.value))
