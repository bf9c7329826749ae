"""A release on a hub as a mirror of payloads, by their sha256: read where the stores fail."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import payload_key
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    RevokedError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
    VerificationError,
)
from pe_dvc.project import directories, reader_stores, revocations
from pe_dvc.project.reader import Reader
from pe_dvc.project.stores import open_store
from tests.support.country import LATEST, NAME, Country, payload_of, reader_at
from tests.support.directories import STATES, md5_of, publish_directory
from tests.support.hub_data import hub_environment
from tests.support.hub_server import TOKEN, HubServer
from tests.support.stores import WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.store.port import Store
    from tests.support.stores import Result

MIB = 1024 * 1024
TAG = "1.78.2"
LISTING = f"releases/{TAG}/release_manifest.json"
REPO = "policyengine/policyengine-us-data"


@pytest.fixture(params=["dataset", "model"])
def hub(
    request: pytest.FixtureRequest,
    country: Country,
    payload: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[HubServer]:
    """A hub whose release has the country's dataset, in a repo of either type."""
    made = HubServer(REPO, repo_type=request.param)
    for name, value in hub_environment(made).items():
        monkeypatch.setenv(name, value)
    put(made, {NAME: payload})
    yield made
    made.close()


def put(hub: HubServer, payloads: dict[str, bytes]) -> None:
    """Make a release of ``payloads``."""
    artifacts = {
        name: {
            "kind": "microdata",
            "path": f"{name}.h5",
            "repo_id": REPO,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for name, data in payloads.items()
    }
    listing = json.dumps({"schema_version": 1, "artifacts": artifacts}).encode()
    files = {f"{name}.h5": data for name, data in payloads.items()}
    hub.tags[TAG] = hub.add({**files, LISTING: listing})


def say(hub: HubServer, files: dict[str, bytes], **fields: str) -> None:
    """Let the release manifest say something else of the dataset."""
    listing = json.loads(hub.at(TAG)[LISTING])
    listing["artifacts"][NAME] |= fields
    more = {**files, LISTING: json.dumps(listing).encode()}
    hub.tags[TAG] = hub.add(more, hub.commit(TAG))


def address(hub: HubServer) -> str:
    return f"hf://{hub.repo_type}/{REPO}@{TAG}/{LISTING}"


def manifest() -> Manifest:
    return Reader("us").resolve(LATEST).manifest


class Refusing(WrappedStore):
    """Gives no payload."""

    def __init__(self, inner: Store, error: type[StoreError]) -> None:
        super().__init__(inner)
        self.error = error

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if "/files/" in key:
            raise self.error("no", operation=operation, key=key)
        return work()


def gone(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.delete([key])


def altered(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.overwrite(key, random.Random(5).randbytes(store.head(key).size))


def cut_short(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = store.read(key, limit=100 * MIB)
    store.overwrite(key, data[: 3 * MIB])


def one_chunk_altered(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = store.read(key, limit=100 * MIB)
    store.overwrite(key, data[: 5 * MIB] + b"?" + data[5 * MIB + 1 :])


def forbidden(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(StorePermissionError, monkeypatch)


def down(store: Store, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(StoreUnavailableError, monkeypatch)


def _refuse(error: type[StoreError], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_stores, "open_store", lambda url: Refusing(open_store(url), error))


FAILURES = [gone, altered, cut_short, one_chunk_altered, forbidden, down]


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_payload_that_the_bucket_does_not_give(
    any_store: str,
    hub: HubServer,
    payload: bytes,
    fail: Callable[[Store, str, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail(open_store(any_store), payload_of(manifest()), monkeypatch)
    with pytest.raises((NotFoundError, DigestMismatchError, StoreError)):
        pe_dvc.fetch(LATEST)
    stores = [any_store, address(hub)]
    with pe_dvc.open(LATEST, store=stores) as file:
        file.seek(5 * MIB - 10)
        assert file.read(20) == payload[5 * MIB - 10 : 5 * MIB + 10]
    assert pe_dvc.fetch(LATEST, store=stores).read_bytes() == payload


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_pin_that_the_bucket_does_not_give(
    any_store: str,
    hub: HubServer,
    payload: bytes,
    fail: Callable[[Store, str, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pin = pe_dvc.resolve(LATEST).pin
    fail(open_store(any_store), payload_of(manifest()), monkeypatch)
    monkeypatch.setenv("PE_DVC_STORE", f"{any_store}\n{address(hub)}")
    assert pe_dvc.fetch(pin).read_bytes() == payload


def test_hub_is_not_asked_while_the_bucket_is_good(
    country: Country, tmp_path: Path, hub: HubServer, payload: bytes
) -> None:
    assert pe_dvc.fetch(LATEST, store=[str(tmp_path / "bucket"), address(hub)])
    assert hub.requests == []


def test_one_wrong_chunk_is_all_that_the_hub_is_asked_for(
    country: Country,
    tmp_path: Path,
    hub: HubServer,
    payload: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bucket = str(tmp_path / "bucket")
    one_chunk_altered(open_store(bucket), payload_of(manifest()), monkeypatch)
    assert pe_dvc.fetch(LATEST, store=[bucket, address(hub)]).read_bytes() == payload
    (note,) = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert f"{bucket} is passed over" in note
    assert "expected sha256:" in note


def lies(hub: HubServer) -> None:
    hub.altered[f"{NAME}.h5"] = b"?" * 10_000_000


def names_another_file(hub: HubServer) -> None:
    say(hub, {"other.h5": b"other"}, path="other.h5")


def answers_html(hub: HubServer) -> None:
    hub.altered[LISTING] = b"<html>please log in</html>"


def names_no_such_file(hub: HubServer) -> None:
    put(hub, {"another": b"1" * 100})


def is_gone(hub: HubServer) -> None:
    del hub.tags[TAG]


def is_down(hub: HubServer) -> None:
    hub.close()


def names_a_foreign_repo(hub: HubServer) -> None:
    say(hub, {}, repo_id="attacker/data")


def names_a_path_outside(hub: HubServer) -> None:
    say(hub, {}, path="../../../attacker/data/resolve/main/x.h5")


def names_a_revision_outside(hub: HubServer) -> None:
    say(hub, {}, revision="../../attacker/data")


ATTACKS = [
    *(lies, names_another_file, answers_html, names_no_such_file, is_gone, is_down),
    *(names_a_foreign_repo, names_a_path_outside, names_a_revision_outside),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_hub_that(
    attack: Callable[[HubServer], None],
    country: Country,
    tmp_path: Path,
    hub: HubServer,
    payload: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of it is believed; the bucket, asked too, counts again once it is mended."""
    bucket = str(tmp_path / "bucket")
    store, key = open_store(bucket), payload_of(manifest())
    gone(store, key, monkeypatch)
    attack(hub)
    stores = [bucket, address(hub)]
    with pytest.raises(PeDvcError) as caught:
        pe_dvc.fetch(LATEST, store=stores)
    assert isinstance(caught.value, NotFoundError | VerificationError | StoreError | FormatError)
    assert not list((tmp_path / "reader/cache").rglob("*.parquet"))
    assert not any("attacker" in one.path for one in hub.requests)
    store.overwrite(key, payload)
    assert pe_dvc.fetch(LATEST, store=stores).read_bytes() == payload


@pytest.mark.parametrize("token", [None, TOKEN], ids=["without a token", "without access"])
def test_gated_repo_says_what_to_do(
    token: str | None,
    country: Country,
    tmp_path: Path,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.gated = True
    bucket = str(tmp_path / "bucket")
    gone(open_store(bucket), payload_of(manifest()), monkeypatch)
    if token is None:
        monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(StorePermissionError) as caught:
        pe_dvc.fetch(LATEST, store=[bucket, address(hub)])
    assert REPO in str(caught.value)
    assert "access" in (caught.value.remedy or "")


def test_token_goes_to_the_hub_and_to_no_other_host(
    country: Country,
    tmp_path: Path,
    hub: HubServer,
    payload: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.private = True
    bucket = str(tmp_path / "bucket")
    gone(open_store(bucket), payload_of(manifest()), monkeypatch)
    assert pe_dvc.fetch(LATEST, store=[bucket, address(hub)]).read_bytes() == payload
    told = {one.host.partition(":")[0]: one.token for one in hub.requests}
    assert told == {"127.0.0.1": TOKEN, "localhost": None}


def test_withdrawn_artifact_that_is_on_the_hub_still(
    country: Country, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, withdrawn = str(tmp_path / "bucket"), manifest()
    pin = withdrawn.reference
    country.revoke(withdrawn)
    gone(open_store(bucket), payload_of(withdrawn), monkeypatch)
    reader_at(tmp_path / "other", monkeypatch)
    country.trust(tmp_path / "other/config")
    for reference in (LATEST, pin):
        with pytest.raises(RevokedError):
            pe_dvc.fetch(reference, store=[bucket, address(hub)])
    assert hub.requests == []


def test_withdrawn_while_a_reader_runs(
    country: Country, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, withdrawn = str(tmp_path / "bucket"), manifest()
    with pe_dvc.open(LATEST, store=[bucket, address(hub)]) as file:
        file.read(10)
        country.revoke(withdrawn)
        gone(open_store(bucket), payload_of(withdrawn), monkeypatch)
        monkeypatch.setattr(revocations, "FRESH", 0.0)
        file.seek(8 * MIB)
        with pytest.raises(RevokedError):
            file.read(10)


@pytest.mark.parametrize(
    "given",
    [
        f"hf://dataset/{REPO}@{TAG}/{LISTING}",
        f"hf://{REPO}@{TAG}/{LISTING}",
        f"hf://dataset/{REPO}/{LISTING}",
        f"hf://dataset/{REPO}@{TAG}",
        f"hf://dataset/{REPO}@{TAG}/data.h5",
    ],
    ids=["a hub alone", "no type", "no revision", "no file", "no manifest"],
)
def test_what_is_no_address_of_a_release(given: str, country: Country, tmp_path: Path) -> None:
    stores = [given] if given.startswith("hf://dataset/") and LISTING in given else []
    stores = [given] if stores and f"@{TAG}/" in given else [str(tmp_path / "bucket"), given]
    with pytest.raises(FormatError) as caught:
        pe_dvc.fetch(LATEST, store=stores)
    assert caught.value.remedy


def test_offline_no_hub_is_asked(country: Country, tmp_path: Path, hub: HubServer) -> None:
    stores = [str(tmp_path / "bucket"), address(hub)]
    pe_dvc.resolve(LATEST, store=stores)
    with pytest.raises(StoreError, match="not in the cache"):
        pe_dvc.fetch(LATEST, store=stores, offline=True)
    assert hub.requests == []


def test_files_of_a_directory(
    country: Country, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is found by its own sha256: all of them, or one."""
    bucket = str(tmp_path / "bucket")
    publish_directory(country, STATES)
    put(hub, {path.partition(".")[0]: data for path, data in STATES.items()})
    store = open_store(bucket)
    for data in STATES.values():
        gone(store, payload_key("us", md5_of(data)), monkeypatch)
    stores = [bucket, address(hub)]
    states = "pe-data://us/states@latest"
    assert pe_dvc.fetch(f"{states}/AL.h5", store=stores).read_bytes() == STATES["AL.h5"]
    made = pe_dvc.fetch(states, store=stores, output=tmp_path / "states")
    assert {path: (made / path).read_bytes() for path in STATES} == STATES


def test_hub_that_the_signed_root_names(
    hub: HubServer, payload: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader without a clone names nothing."""
    bucket = tmp_path / "another"
    made = Country(tmp_path / "named", LocalStore(bucket), mirrors=[address(hub), "../relative"])
    published, *_ = made.publish({NAME: payload})
    reader_at(tmp_path / "fresh", monkeypatch)
    made.trust(tmp_path / "fresh/config")
    monkeypatch.delenv("PE_DVC_STORE")
    monkeypatch.setattr(directories, "DEFAULT_STORE", str(bucket))
    gone(open_store(str(bucket)), payload_of(published), monkeypatch)
    assert pe_dvc.fetch(LATEST).read_bytes() == payload
