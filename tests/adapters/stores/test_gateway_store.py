"""A gateway as a store: what readers get, which credentials it is sent, what it refuses."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores import gateway_store
from pe_dvc.adapters.stores.gateway_store import GatewayStore
from pe_dvc.adapters.stores.gateway_token import authorization
from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    RevokedError,
    StorePermissionError,
    StoreUnavailableError,
)
from tests.support.country import Country, reader_at
from tests.support.gateways import GatewayHouse
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.manifest import Manifest

FRS = bytes(range(256)) * 20_000
URL = "https://data.example.org"


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path / "country", MemoryStore())


@pytest.fixture
def frs(country: Country) -> Manifest:
    (found,) = country.publish({"frs_2023": FRS})
    return found


@pytest.fixture
def house(
    tmp_path: Path, country: Country, frs: Manifest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GatewayHouse]:
    assert frs
    with GatewayHouse(tmp_path, country).running() as house:
        monkeypatch.setenv("PE_DVC_STORE", house.url)
        monkeypatch.setenv("PE_DVC_GATEWAY_TOKEN", house.token())
        yield house


def store_at(house: GatewayHouse) -> GatewayStore:
    return GatewayStore(house.url, named=[house.url])


def trusting_reader(tmp_path: Path, house: GatewayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process a new reader who has pinned the country's root."""
    places = reader_at(tmp_path / "reader", monkeypatch)
    house.country.trust(Path(places["PE_DVC_CONFIG_DIR"]))


def key_of(manifest: Manifest) -> str:
    return payload_key("us", manifest.artifact.dvc.md5)


def test_what_it_reads(house: GatewayHouse, frs: Manifest, tmp_path: Path) -> None:
    store, key = store_at(house), key_of(frs)
    assert store.head(key).size == len(FRS)
    assert store.read(key, limit=len(FRS))[0] == FRS
    assert store.read_range(key, 100, 50) == FRS[100:150]
    assert store.read_range(key, len(FRS) - 5, 50) == FRS[-5:]
    assert store.read_range(key, len(FRS), 5) == b""
    assert store.download(key, tmp_path / "file", size=len(FRS)) == sha256_bytes(FRS)
    assert (tmp_path / "file").read_bytes() == FRS
    assert [one.byte_count for one in house.ledger.reads] == [len(FRS), 50, 5, len(FRS)]


def test_a_range_is_one_request_wherever_it_lies(
    house: GatewayHouse, frs: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    store, key = store_at(house), key_of(frs)
    caplog.set_level(logging.DEBUG, gateway_store.__name__)
    for start, length in ((0, 5), (100, 50), (len(FRS) - 5, 50), (len(FRS), 5), (2**40, 5)):
        assert store.read_range(key, start, length) == FRS[start : start + length]
    assert store.read_range(key, 7, 0) == b""
    asked = [one.getMessage() for one in caplog.records if one.name == gateway_store.__name__]
    assert [one.partition(" ")[0] for one in asked] == ["GET"] * 5


def test_limits_and_lengths(house: GatewayHouse, frs: Manifest, tmp_path: Path) -> None:
    store, key = store_at(house), key_of(frs)
    with pytest.raises(FormatError, match="at most 10 bytes"):
        store.read(key, limit=10)
    with pytest.raises(DigestMismatchError, match="length"):
        store.download(key, tmp_path / "file", size=10)
    with pytest.raises(NotFoundError):
        store.read("us/00/nothing", limit=10)


def test_a_reader_fetches_and_the_ledger_has_it(
    house: GatewayHouse, frs: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting_reader(tmp_path, house, monkeypatch)
    path = pe_dvc.fetch("pe-data://us/frs_2023@latest")
    assert path.read_bytes() == FRS
    assert sorted(one.kind for one in house.ledger.reads) == ["manifest", "payload"]


def test_a_reader_of_a_part_is_noted_by_its_bytes(
    house: GatewayHouse, frs: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting_reader(tmp_path, house, monkeypatch)
    with pe_dvc.open("pe-data://us/frs_2023@latest") as file:
        file.seek(300)
        assert file.read(10) == FRS[300:310]
    payloads = [one for one in house.ledger.reads if one.kind == "payload"]
    assert payloads
    assert sum(one.byte_count or 0 for one in payloads) <= len(FRS)


def test_refusals_say_what_the_gateway_says(
    house: GatewayHouse, frs: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.grant({"until": "2021-01-01", "datasets": f"[frs_*{', enhanced_frs_*' * 20}]"})
    with pytest.raises(StorePermissionError, match="delete all copies") as ended:
        store_at(house).read(key_of(frs), limit=10)
    assert ended.value.remedy is None  # no project would help
    # To the end: of many datasets, too.
    assert "pe-dvc cache prune --expired does it here" in ended.value.message
    assert ended.value.message.endswith("To renew: data-access@example.org")
    house.grant({}, {"id": "ada-2", "project": "wealth"})
    with pytest.raises(StorePermissionError, match="poverty, wealth") as several:
        store_at(house).read(key_of(frs), limit=10)
    assert "PE_DVC_PROJECT: poverty, wealth" in (several.value.remedy or "")
    monkeypatch.setenv("PE_DVC_PROJECT", "wealth")
    assert store_at(house).read(key_of(frs), limit=len(FRS))[0] == FRS
    monkeypatch.delenv("PE_DVC_GATEWAY_TOKEN")
    with pytest.raises(StorePermissionError, match=r"netrc"):
        store_at(house).read(key_of(frs), limit=10)


def test_what_was_withdrawn_is_refused_by_the_reader(
    house: GatewayHouse, frs: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.country.revoke(frs)
    house.served.refresh()
    trusting_reader(tmp_path, house, monkeypatch)
    with pytest.raises(RevokedError, match="its licence ended"):
        pe_dvc.fetch("pe-data://us/frs_2023@latest")
    assert not house.ledger.reads


def test_a_gateway_that_is_away(house: GatewayHouse, frs: Manifest) -> None:
    house.ledger.is_away = True
    with pytest.raises(StoreUnavailableError, match="noted"):
        store_at(house).read(key_of(frs), limit=len(FRS))


def test_nothing_is_written_or_listed(house: GatewayHouse, tmp_path: Path) -> None:
    store = store_at(house)
    for call in (
        lambda: store.create("us/x", b""),
        lambda: store.overwrite("us/x", b""),
        lambda: store.delete(["us/x"]),
        lambda: store.list("us/"),
        lambda: store.batch(),
        lambda: store.upload("us/x", tmp_path),
    ):
        with pytest.raises(StorePermissionError, match="is read, object by object"):
            call()


@pytest.mark.parametrize(
    "url",
    ["http://data.example.org", "https://ada:token@data.example.org", "https://x.org/?token=a"],
)
def test_attack_an_address_that_would_show_the_token(url: str) -> None:
    with pytest.raises(FormatError):
        GatewayStore(url)


def test_attack_a_clone_that_names_its_own_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of the environment goes only where its user said that it may."""
    monkeypatch.setenv("PE_DVC_GATEWAY_TOKEN", "pedvc_secret")
    assert authorization("https://evil.example.org", {}, [URL]) is None
    assert authorization("https://data.example.org:8443", {}, [URL]) is None
    assert authorization(f"{URL}:443/", {}, [URL]) == "Bearer pedvc_secret"


def test_credentials_of_a_dvc_remote_and_of_netrc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    custom = {"auth": "custom", "custom_auth_header": "Authorization", "password": "Bearer a"}
    assert authorization(URL, custom, []) == "Bearer a"
    basic = {"auth": "basic", "user": "ada", "password": "b"}
    assert authorization(URL, basic, []) == "Basic " + base64.b64encode(b"ada:b").decode()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine data.example.org login ada password c\ndefault login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert authorization(URL, {}, []) == "Basic " + base64.b64encode(b"ada:c").decode()
    assert authorization("https://evil.example.org", {}, []) is None


def test_attack_a_token_with_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PE_DVC_GATEWAY_TOKEN", "a\r\nX-Other: b")
    with pytest.raises(FormatError) as caught:
        authorization(URL, {}, [URL])
    assert "X-Other" not in str(caught.value)
