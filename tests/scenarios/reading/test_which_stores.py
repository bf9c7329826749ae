"""Which stores are read, in which order, and what of them a reader begins with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.mirrors import MirrorTable
from pe_dvc.primitives.errors import ConflictError, FormatError, StoreUnavailableError
from pe_dvc.project import directories, reader_stores
from pe_dvc.project.reader_stores import reader_store
from pe_dvc.project.trust import trust_store
from pe_dvc.store.several import SeveralStores
from pe_dvc.trust.pins import remove_pin
from pe_dvc.trust.verify import fingerprint
from tests.support.country import LATEST, NAME, Country
from tests.support.mirrors import Files, Mirror
from tests.support.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path

Patch = pytest.MonkeyPatch


@pytest.fixture
def opened(monkeypatch: Patch) -> list[tuple[str, str]]:
    """How stores of a clone are opened, with which address."""
    monkeypatch.delenv("PE_DVC_STORE", raising=False)
    monkeypatch.setattr(reader_stores, "signed_mirrors", lambda country, repo: [])
    return []


def _clone(opened: list[tuple[str, str]], tmp_path: Path, **mirrors: MirrorTable) -> Any:
    def opens(how: str) -> Any:
        def opener(address: str) -> LocalStore:
            opened.append((how, address))
            return LocalStore(tmp_path)

        return opener

    return SimpleNamespace(
        check_root=lambda: None,
        store_url=lambda: "s3://origin",
        settings=SimpleNamespace(mirrors=mirrors, contact=None),
        open_bucket=opens("bucket"),
        open_other=opens("other"),
    )


def _addresses(clone: Any) -> list[str]:
    store = reader_store(None, "us", clone, offline=False)
    return [one.url for one in store.stores] if isinstance(store, SeveralStores) else [store.url]


def test_origin_stays_first_where_a_root_names_it_too(
    opened: list[tuple[str, str]], tmp_path: Path, monkeypatch: Patch
) -> None:
    named = ["s3://mirror", "s3://origin/"]
    monkeypatch.setattr(reader_stores, "signed_mirrors", lambda country, repo: named)
    assert _addresses(_clone(opened, tmp_path)) == ["s3://origin", "s3://mirror"]


def test_mirror_of_another_country_is_not_asked(
    opened: list[tuple[str, str]], tmp_path: Path
) -> None:
    uk = MirrorTable(url="s3://uk-only", countries=("uk",))
    every = MirrorTable(url="s3://all")
    assert _addresses(_clone(opened, tmp_path, uk=uk, all=every)) == ["s3://origin", "s3://all"]


def test_declared_mirror_is_opened_as_mirror_sync_does(
    opened: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Its endpoint is in a DVC remote: elsewhere a stranger may have a bucket of that name."""
    clone = _clone(opened, tmp_path, one=MirrorTable(url="s3://mirror"))
    store = reader_store(None, "us", clone, offline=False)
    assert isinstance(store, SeveralStores)
    for one in store.stores:
        list(one.list("nothing"))
    assert opened == [("bucket", "s3://origin"), ("other", "s3://mirror")]


@pytest.fixture
def theirs(tmp_path: Path) -> Country:
    """Another country of that name, in an attacker's bucket."""
    made = Country(tmp_path / "theirs", LocalStore(tmp_path / "liar"))
    made.publish({NAME: b"evil"})
    return made


@pytest.fixture
def untrusted(country: Country) -> Country:
    """A country that this reader trusts nothing of."""
    country.publish({NAME: b"good"})
    remove_pin(directories.config_dir(), "us")
    return country


def test_root_of_a_fingerprint_is_found_behind_a_liar(
    untrusted: Country, theirs: Country, tmp_path: Path
) -> None:
    stores = f"{tmp_path / 'liar'}\n{tmp_path / 'bucket'}"
    wanted = fingerprint(untrusted.root)
    assert trust_store("us", store=stores, fingerprint=wanted).fingerprint == wanted


def test_first_roots_that_differ_are_trusted_by_no_first_use(
    untrusted: Country, theirs: Country, tmp_path: Path
) -> None:
    with pytest.raises(ConflictError, match="different first roots") as caught:
        trust_store("us", store=f"{tmp_path / 'liar'}\n{tmp_path / 'bucket'}")
    assert str(tmp_path / "liar") in str(caught.value)
    assert str(tmp_path / "bucket") in str(caught.value)


def test_root_of_a_mirror_that_shows_html_is_no_other_root(
    untrusted: Country, tmp_path: Path
) -> None:
    Files(tmp_path / "liar")["channels/us/1.root.json"] = b"<html>"
    stores = f"{tmp_path / 'liar'}\n{tmp_path / 'bucket'}"
    assert trust_store("us", store=stores).fingerprint == fingerprint(untrusted.root)


@pytest.mark.parametrize("shown", [b"<html>", b"{}", b'{"signed": {"version": 3}}'])
def test_mirror_with_junk_in_place_of_the_roots_between(
    country: Country, tmp_path: Path, shown: bytes
) -> None:
    """The pin is four roots ahead of what was seen: another store shows how they follow."""
    country.publish({NAME: b"old"})
    mirror = Mirror(str(tmp_path / "mirror"), Files(tmp_path / "mirror"))
    mirror.copy(tmp_path / "bucket")
    stores = [mirror.url, str(tmp_path / "bucket")]
    pe_dvc.resolve(LATEST, store=stores)
    for _ in range(4):
        country.rotate("timestamp")
    country.publish({NAME: b"new"})
    mirror.copy(tmp_path / "bucket")
    for version in range(2, 5):
        mirror.objects[f"channels/us/{version}.root.json"] = shown
    remove_pin(directories.config_dir(), "us")
    country.root = country.signed.root
    country.trust(directories.config_dir())
    assert pe_dvc.get(LATEST, store=stores).path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "line",
    [
        "s3://one,s3://two",
        "s3://one, s3://two",
        "s3://one/us;gs://two",
        "s3://one s3://two",
        "{here},s3://two",
        "{here},{other}",
        "{here}, {other}",
        "s3://one,hf://dataset/a/b@1/release_manifest.json",
    ],
)
def test_addresses_that_commas_separate(
    line: str, country: Country, origin: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    (tmp_path / "other").mkdir()
    line = line.format(here=origin, other=tmp_path / "other")
    monkeypatch.setenv("PE_DVC_STORE", line)
    for given in (None, line, [line]):
        with pytest.raises(FormatError, match="several addresses on one line") as caught:
            pe_dvc.resolve(LATEST, store=given)
        assert "on a line of its own in PE_DVC_STORE" in str(caught.value)


def test_a_directory_with_a_comma_in_its_name(
    country: Country, origin: Path, monkeypatch: Patch
) -> None:
    odd = origin.with_name("a, b;c")
    origin.rename(odd)
    monkeypatch.setenv("PE_DVC_STORE", str(odd))
    assert pe_dvc.resolve(LATEST)


@pytest.mark.parametrize("stores", [1, 2])
def test_a_bucket_that_cannot_be_reached_says_what_else_can_be_read(
    country: Country, tmp_path: Path, monkeypatch: Patch, stores: int
) -> None:
    """The advice works: what was read before is read offline, or from a mirror."""
    pe_dvc.fetch(LATEST)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    down = [f"s3://down-{number}" for number in range(stores)]
    with pytest.raises(StoreUnavailableError) as caught:
        pe_dvc.fetch(LATEST, store=down)
    assert str(caught.value).count("--offline (in Python: offline=True)") == 1
    assert "another --store" in str(caught.value)
    assert pe_dvc.fetch(LATEST, store=[*down, str(tmp_path / "bucket")])
    assert pe_dvc.fetch(LATEST, store=[*down, str(tmp_path / "bucket")], offline=True)
