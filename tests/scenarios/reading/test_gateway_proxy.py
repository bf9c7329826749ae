"""templates/gateway as it is run: behind a real nginx, and as systemd reads the unit."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import payload_key
from tests.support.country import Country
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore
from tests.support.paths import ROOT
from tests.support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATES = ROOT / "templates/gateway"
FRS = bytes(range(256)) * 20_000
AROUND = """
daemon off;
pid {place}/pid;
error_log {place}/error.log;
events {{}}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
{server}
}}
"""


def make_certificate(place: Path) -> None:
    """Write a certificate of 127.0.0.1 that signs itself, and its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(host, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (place / "cert.pem").write_bytes(made.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (place / "cert.key").write_bytes(secret)


@contextmanager
def nginx(place: Path, gateway: int) -> Iterator[int]:
    """Run nginx with the template's server; what names this machine's ports and files is ours."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("!!! the gateway behind a proxy is not tested: apt-get install nginx-light")
    place.mkdir()
    make_certificate(place)
    port, text = free_port(), (TEMPLATES / "nginx.conf").read_text()
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/data.example.org.pem", f"{place}/cert.pem"),
        ("/etc/ssl/data.example.org.key", f"{place}/cert.key"),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{gateway}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (place / "nginx.conf").write_text(AROUND.format(place=place, server=text))
    log = (place / "output").open("wb")
    process = subprocess.Popen(
        [
            program,
            "-p",
            str(place),
            "-c",
            str(place / "nginx.conf"),
            "-e",
            str(place / "error.log"),
        ],
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + 20
        while not (place / "pid").exists():
            assert process.poll() is None, (place / "output").read_text()
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_the_gateway_behind_nginx(tmp_path: Path) -> None:
    country = Country(tmp_path / "country", MemoryStore())
    (frs,) = country.publish({"frs_2023": FRS})
    key = payload_key("us", frs.artifact.dvc.md5)
    with (
        GatewayHouse(tmp_path, country).running() as house,
        nginx(tmp_path / "nginx", house.port) as port,
    ):
        trusted, token = ssl.create_default_context(cafile=str(tmp_path / "nginx/cert.pem")), ""

        def ask(path: str, data: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if token:
                given["Authorization"] = f"Bearer {token}"
            url = f"https://127.0.0.1:{port}/{path}"
            request = urllib.request.Request(url, data, given)
            try:
                with urllib.request.urlopen(request, timeout=30, context=trusted) as answer:
                    return answer.status, answer.read(), answer.headers.get("Content-Range", "")
            except urllib.error.HTTPError as error:
                return error.code, error.read(), ""

        assert ask(key)[0] == 401
        token = house.token()
        # An address that the reader makes up is replaced by the one that nginx saw.
        assert ask(key, X_Forwarded_For="6.6.6.6")[:2] == (200, FRS)
        assert ask(key, Range="bytes=10-19") == (206, FRS[10:20], f"bytes 10-19/{len(FRS)}")
        house.grant({}, {"id": "ada-2", "project": "wealth"})
        assert ask(key)[0] == 403
        assert ask(key, X_PE_Project="wealth")[0] == 200
        assert [one.client_address for one in house.ledger.reads] == ["127.0.0.1"] * 3
        assert [one.byte_count for one in house.ledger.reads] == [len(FRS), 10, len(FRS)]

        # What climbs, and a token in an address, come to the gateway as they are, or not at all.
        for path in ("us/../us/x", "us/%2e%2e/x", f"{key}%00"):
            assert ask(path)[0] in (400, 404)
        assert ask(f"{key}?token={token}")[0] == 400
        assert ask(f"{key}%00?token={token}")[0] == 400
        # A passport is long; a statement comes through, and no more than the gateway takes.
        whole = token
        token = "x" * 30_000
        assert ask(key)[0] == 401
        token = whole
        assert ask("statements/us", b"x" * (2 * 1024 * 1024))[0] == 400
        assert ask("statements/us", b"x" * (10 * 1024 * 1024))[0] == 413
        assert ask("access/us")[0] == 200
    place = tmp_path / "nginx"
    assert not [one for one in (place / "proxy").rglob("*") if one.is_file()]
    assert not (place / "access.log").read_bytes()
    assert token not in house.directory.joinpath("nginx/output").read_text()
    assert token not in (place / "error.log").read_text()


@pytest.mark.parametrize("name", ["gateway", "witness"])
def test_systemd_reads_the_unit(tmp_path: Path, name: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("!!! the unit of systemd is not tested: apt-get install systemd")
    text = (ROOT / f"templates/{name}/pe-dvc-{name}.service").read_text()
    unit = tmp_path / f"pe-dvc-{name}.service"
    assert text.count("=/opt/pe-dvc/bin/pe-dvc") == 1
    does_nothing = shutil.which("true") or "/bin/true"
    unit.write_text(text.replace("=/opt/pe-dvc/bin/pe-dvc", f"={does_nothing}"))
    done = subprocess.run(
        [program, "verify", "--recursive-errors=no", str(unit)], capture_output=True, text=True
    )
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, []), done.stderr
