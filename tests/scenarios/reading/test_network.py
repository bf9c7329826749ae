"""Proxies, certificate authorities, public buckets and those that refuse; all on 127.0.0.1."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from benchmarks.s3_server import BUCKET, S3Server
from pe_dvc.adapters.stores.s3_regions import bucket_region
from pe_dvc.adapters.stores.tls import tls_client
from pe_dvc.primitives.errors import StorePermissionError
from pe_dvc.project.stores import open_store
from tests.scenarios.reading.conftest import new_reader
from tests.support.commands import run_pe_dvc
from tests.support.country import LATEST, NAME, Country
from tests.support.environment import own_directories
from tests.support.servers import answering, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stores import CountingStore


PAYLOAD = b"household" * 1000


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    """A server that checks no signature: a public bucket."""
    with S3Server(workers=1) as running:
        yield running


@pytest.fixture
def researcher(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a reader without credentials, of a country published on ``server``."""
    with monkeypatch.context() as maintainers:
        for name, value in server.environment.items():
            maintainers.setenv(name, value)
        store = open_store(f"s3://{BUCKET}")
        store.delete(info.key for info in list(store.list("")))
        country = Country(tmp_path / "maintainer", store, contact="data@example.org")
        country.publish({NAME: PAYLOAD})
    country.trust(tmp_path / "config")
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_REGION": "us-east-1",
        "PE_DVC_STORE": f"s3://{BUCKET}",
        **own_directories(tmp_path),
    }


def get(environment: dict[str, str], changes: dict[str, str] | None = None, code: int = 0) -> str:
    """Run ``pe-dvc get`` and return what it fetched, or what it said when it failed."""
    done = run_pe_dvc("get", LATEST, code=code, environment={**environment, **(changes or {})})
    return done.stderr if code else Path(done.stdout.strip()).read_text()


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # either side has gone


def join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until both sides are done."""
    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join()


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Let ``serve`` have each connection to a port of 127.0.0.1, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def port_of(server: S3Server) -> int:
    return int(server.endpoint.rsplit(":", 1)[1])


def test_a_public_bucket_needs_no_credentials(researcher: dict[str, str]) -> None:
    assert get(researcher) == PAYLOAD.decode()


def test_a_bucket_that_refuses_says_whom_to_ask(researcher: dict[str, str]) -> None:
    with answering(403, b"<Error><Code>AccessDenied</Code></Error>") as gate:
        said = get(researcher, {"AWS_ENDPOINT_URL": gate.endpoint}, code=5)
    assert "refused (HTTP 403" in said
    assert "Access to the data of us is granted by data@example.org." in said


def test_a_payload_that_is_refused_says_whom_to_ask_whoever_reads_it(
    country: Country, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifests may be public where payloads are not; Python's traceback says it, too."""

    def refuse(key: str, *_: object, **__: object) -> NoReturn:
        raise StorePermissionError(f"{key} is refused", operation="read", key=key)

    reader = new_reader(store)
    resolved = reader.resolve(LATEST)
    monkeypatch.setattr(store, "download", refuse)
    with pytest.raises(StorePermissionError) as caught:
        reader.fetch(resolved)
    assert "granted by data@example.org" in str(caught.value)
    with reader.open(resolved) as file:
        monkeypatch.setattr(store, "read_range", refuse)
        with pytest.raises(StorePermissionError) as caught:
            file.read(10)
    assert "granted by data@example.org" in "".join(traceback.format_exception(caught.value))


def test_who_has_no_root_yet_is_told_whom_to_ask(
    researcher: dict[str, str], tmp_path: Path
) -> None:
    with answering(403) as gate:
        changes = {"AWS_ENDPOINT_URL": gate.endpoint, "PE_DVC_CONFIG_DIR": str(tmp_path / "none")}
        environment = {**researcher, **changes}
        command = ("trust", "add", "us", "--from-store")
        done = run_pe_dvc(*command, code=5, environment=environment)
    assert "ask the maintainers of the data repo of us" in done.stderr


def test_http_goes_through_the_proxy(researcher: dict[str, str], server: S3Server) -> None:
    asked: list[bytes] = []

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port_of(server))) as upstream:
            head = client.recv(65536)
            asked.append(head.split(b"\r\n", 1)[0])
            # An origin server takes a path where a proxy is sent a whole URL.
            upstream.sendall(head.replace(b"http://bucket.example.org", b"", 1))
            pump_back = threading.Thread(target=pump, args=(upstream, client), daemon=True)
            pump_back.start()
            while data := client.recv(65536):
                asked.append(data.split(b"\r\n", 1)[0])
                upstream.sendall(data.replace(b"http://bucket.example.org", b"", 1))

    with listening(serve) as port:
        proxy = {"HTTP_PROXY": f"http://127.0.0.1:{port}", "http_proxy": f"http://127.0.0.1:{port}"}
        found = get(researcher, {"AWS_ENDPOINT_URL": "http://bucket.example.org", **proxy})
        assert found == PAYLOAD.decode()
        count = len(asked)
        assert any(line.startswith(b"GET http://bucket.example.org/bench/") for line in asked)
        get(researcher, {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **proxy})
        assert len(asked) == count


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate authority nobody knows, and a certificate and key of its for localhost."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def build(name: str, issuer: str, public: ec.EllipticCurvePublicKey, *, is_ca: bool) -> object:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if not is_ca:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            builder = builder.add_extension(names, critical=False)
            builder = builder.add_extension(usage, critical=False)
        return builder.sign(ca_key, hashes.SHA256())

    directory = tmp_path_factory.mktemp("authority")
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    pem = serialization.Encoding.PEM
    ca = build("test authority", "test authority", ca_key.public_key(), is_ca=True)
    leaf = build("localhost", "test authority", key.public_key(), is_ca=False)
    bundle, chain = directory / "ca.pem", directory / "server.pem"
    bundle.write_bytes(ca.public_bytes(pem))  # type: ignore[attr-defined]
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + leaf.public_bytes(pem))  # type: ignore[attr-defined]
    return bundle, chain


@contextmanager
def speaking_tls(authority: tuple[Path, Path], plain: int) -> Iterator[int]:
    """Open a port that speaks TLS with that certificate and passes on to the port ``plain``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])

    def serve(client: socket.socket) -> None:
        try:
            secure = context.wrap_socket(client, server_side=True)
        except OSError:
            return  # a client that does not trust us
        with secure, socket.create_connection(("127.0.0.1", plain)) as upstream:
            join(secure, upstream)

    with listening(serve) as port:
        yield port


@pytest.fixture
def secure_port(authority: tuple[Path, Path], server: S3Server) -> Iterator[int]:
    with speaking_tls(authority, port_of(server)) as port:
        yield port


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_of_ones_own_is_trusted_when_named(
    researcher: dict[str, str], authority: tuple[Path, Path], secure_port: int, variable: str
) -> None:
    named = {"AWS_ENDPOINT_URL": f"https://localhost:{secure_port}", variable: str(authority[0])}
    assert get(researcher, named) == PAYLOAD.decode()


def test_the_region_is_asked_for_by_the_same_authority(authority: tuple[Path, Path]) -> None:
    with answering(403) as plain:
        plain.headers = {"x-amz-bucket-region": "eu-west-2"}
        with speaking_tls(authority, plain.server_port) as port:
            ask = partial(bucket_region, "bucket", f"https://localhost:{port}")
            assert ask(tls_client(None, str(authority[0]))) == "eu-west-2"
            assert ask(tls_client("false")) == "eu-west-2"
            assert ask({}) is None
            assert ask({"root_certificate": b"-----BEGIN CERTIFICATE-----"}) is None


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_is_none_is_said_to_be(
    researcher: dict[str, str], tmp_path: Path, variable: str
) -> None:
    bundle = tmp_path / "ca.der"
    said = get(researcher, {"AWS_CA_BUNDLE": "", variable: str(bundle)}, code=1)
    assert f"{bundle}: the CA bundle cannot be read" in said
    bundle.write_bytes(b"0\x82\x01\x00")
    said = get(researcher, {"AWS_CA_BUNDLE": "", variable: str(bundle)}, code=1)
    assert f"{bundle}: the CA bundle holds no PEM certificate" in said


def test_a_proxy_that_is_gone_does_not_matter_to_a_public_bucket_past_it(
    researcher: dict[str, str], tmp_path: Path
) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    proxy = {"HTTP_PROXY": dead, "http_proxy": dead, "NO_PROXY": "127.0.0.1"}
    # Whether this machine has a metadata service is asked of an address that is no exception.
    asked = {**proxy, "no_proxy": "127.0.0.1", "AWS_EC2_METADATA_DISABLED": "false"}
    assert get(researcher, {**asked, "HOME": str(tmp_path)}) == PAYLOAD.decode()


def test_an_unknown_authority_is_refused(researcher: dict[str, str], secure_port: int) -> None:
    said = get(researcher, {"AWS_ENDPOINT_URL": f"https://localhost:{secure_port}"}, code=5)
    assert "certificate" in said


def test_tls_goes_through_a_proxys_tunnel(
    researcher: dict[str, str], authority: tuple[Path, Path], secure_port: int
) -> None:
    asked: list[bytes] = []

    def serve(client: socket.socket) -> None:
        with client:
            head = client.recv(65536)
            asked.append(head.split(b"\r\n", 1)[0])
            with socket.create_connection(("127.0.0.1", secure_port)) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                join(client, upstream)

    with listening(serve) as port:
        proxy = f"http://127.0.0.1:{port}"
        secure = {
            "AWS_ENDPOINT_URL": f"https://localhost:{secure_port}",
            "AWS_CA_BUNDLE": str(authority[0]),
        }
        found = get(researcher, {**secure, "HTTPS_PROXY": proxy, "https_proxy": proxy})
    assert found == PAYLOAD.decode()
    wanted = f"CONNECT localhost:{secure_port} ".encode()
    assert asked
    assert all(line.startswith(wanted) for line in asked)


def test_a_server_that_is_not_there_is_said_to_be(researcher: dict[str, str]) -> None:
    said = get(researcher, {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, code=5)
    assert "cannot read" in said


def test_the_contact_of_a_data_repo_is_in_the_root_that_readers_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pe_dvc.trust.pins import pin_root, pinned_contact

    repo = tmp_path / "repo"
    (repo / ".dvc").mkdir(parents=True)
    (repo / "pyproject.toml").write_text(
        '[tool.pe_dvc]\ncountry = "uk"\ncontact = "Data Desk <data@example.org>"\n'
    )
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    run_pe_dvc("channel", "init", "--country", "uk", cwd=repo)
    pin_root(tmp_path / "config", "uk", (repo / "channels/uk/root.json").read_bytes())
    assert pinned_contact(tmp_path / "config", "uk") == "Data Desk <data@example.org>"
    assert pinned_contact(tmp_path / "config", "us") is None
