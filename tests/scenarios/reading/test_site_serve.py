"""``pe-dvc site serve``: a site on this machine, with the metadata that its pages verify."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import manifest_key, payload_key
from pe_dvc.documents.sidecar_refs import sidecars_of
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import ConflictError, NotFoundError, UntrustedError
from pe_dvc.project import directories
from tests.support.country import NAME, Country, reader_at
from tests.support.site import Page, publish_described

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.project.site_server import SiteServer


@pytest.fixture
def country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Country:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PE_DVC_STORE", str(tmp_path / "bucket"))
    found = Country(tmp_path / "country", LocalStore(tmp_path / "bucket"))
    found.trust(directories.config_dir())
    return found


@pytest.fixture
def manifest(country: Country) -> Manifest:
    found = publish_described(country, b"data")
    country.write(payload_key("us", found.artifact.dvc.md5), b"data")
    country.point("latest", [found])
    return found


@pytest.fixture
def site(manifest: Manifest) -> Iterator[SiteServer]:
    with pe_dvc.serve_site() as found:
        yield found


def get(
    site: SiteServer, path: str, *, host: str | None = None, method: str = "GET"
) -> tuple[int, bytes, str]:
    """Ask for a path as it stands: libraries would shorten ``..``."""
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or urlsplit(site.url).netloc)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers["Content-Type"] or ""
    connection.close()
    return found


def test_pages_are_there_and_read_metadata_from_there(site: SiteServer) -> None:
    status, data, kind = get(site, "/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert f"us/datasets/{NAME}.html" in Page(data.decode()).links
    status, data, _ = get(site, f"/us/datasets/{NAME}.html?x=1")
    assert status == 200
    assert f'data-bucket="{site.url}bucket"'.encode() in data
    assert b"curl" not in data
    assert get(site, "/static/search.js")[2] == "text/javascript; charset=utf-8"
    assert get(site, "/api/v1/index.json")[2] == "application/json"
    status, data, _ = get(site, "/", method="HEAD")
    assert (status, data) == (200, b"")


def test_signed_metadata_and_manifests_are_those_of_the_bucket(
    site: SiteServer, country: Country
) -> None:
    for name in ("timestamp.json", "1.root.json", "2.latest.json"):
        key = f"channels/us/{name}"
        assert get(site, f"/bucket/{key}")[:2] == (200, country.store.read(key, limit=10**6)[0])
    key = manifest_key("us", Sha256(sha256_bytes(b"data")))
    assert get(site, f"/bucket/{key}")[:2] == (200, country.store.read(key, limit=10**6)[0])
    assert get(site, "/bucket/channels/us/9.root.json")[0] == 404
    assert get(site, "/bucket/channels/be/timestamp.json")[0] == 404


def test_nothing_else_of_the_bucket_is_served(site: SiteServer, manifest: Manifest) -> None:
    artifact = manifest.artifact
    keys = [
        payload_key("us", artifact.dvc.md5),
        *(ref.key for ref in sidecars_of(manifest)),
        "us",
        "channels",
        "channels/us/../../us/mirror.json",
        "channels/us/timestamp.json/../../x",
        "",
    ]
    for key in keys:
        assert get(site, f"/bucket/{key}")[0] == 404, key


@pytest.mark.parametrize(
    "path",
    [
        "/../x",
        "/%2e%2e/x",
        "/us/%2e%2e/%2e%2e/x",
        "//etc/passwd",
        "/us",
        "/us/",
        "/nothing",
        "/%00",
    ],
)
def test_what_is_no_file_of_the_site_is_not_found(site: SiteServer, path: str) -> None:
    assert get(site, path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1", "localhost:1", "127.0.0.1:1"])
def test_a_page_whose_host_was_made_to_mean_this_machine_reads_nothing(
    site: SiteServer, host: str
) -> None:
    assert get(site, "/", host=host)[0] == 421
    assert get(site, "/bucket/channels/us/timestamp.json", host=host)[0] == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(site: SiteServer, method: str) -> None:
    assert get(site, "/index.html", method=method)[0] == 501


def test_a_built_site_is_served_without_its_links(manifest: Manifest, tmp_path: Path) -> None:
    pe_dvc.build_site("built")
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "built/secret").symlink_to(tmp_path / "secret")
    with pe_dvc.serve_site("built") as site:
        assert get(site, "/index.html")[0] == 200
        assert get(site, "/secret")[0] == 404
        assert get(site, "/bucket/channels/us/timestamp.json")[0] == 404


def test_a_directory_without_a_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no index\.html"):
        pe_dvc.serve_site(tmp_path)


def test_a_port_in_use_is_named(site: SiteServer) -> None:
    port = urlsplit(site.url).port
    assert port is not None
    with pytest.raises(ConflictError, match=f"port {port} of this machine is in use"):
        pe_dvc.serve_site(port=port)


def test_what_was_made_for_it_is_removed(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    with pe_dvc.serve_site():
        assert [*(tmp_path / "scratch").iterdir()]
    assert not [*(tmp_path / "scratch").iterdir()]
    with pytest.raises(UntrustedError):
        pe_dvc.serve_site(countries="be")
    assert not [*(tmp_path / "scratch").iterdir()]


def test_ctrl_c_ends_the_command(manifest: Manifest) -> None:
    command = [sys.executable, "-m", "pe_dvc", "site", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", run.stdout.readline())
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=30) == 130
