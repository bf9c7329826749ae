"""Payloads that lie on a hub and not in the bucket: served from there, and believed no more."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.keys import MANIFEST_LIMIT, manifest_key
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.project.reader import Reader
from pe_dvc.project.stores import open_store
from tests.support.hub_data import HUB_REPO, MANIFEST, TAG, URI, files, hub_environment, release
from tests.support.hub_server import TOKEN, HubServer
from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.either_store


LARGE, SMALL = "populace_us_2024", "populace_us_2023"
PATH = f"{LARGE}.parquet"
REFERENCE = f"pe-data://us/{LARGE}@latest"


@pytest.fixture
def published(
    sandbox: Sandbox,
    imported_template: Sandbox,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """Return a published repo whose datasets of the hub are not in the bucket; it is trusted."""
    shutil.rmtree(sandbox.repo)
    shutil.rmtree(sandbox.directory / "keys")
    sandbox.start_from(imported_template)
    sandbox.environment |= hub_environment(hub)
    sandbox.pe_dvc("push")
    become_reader(sandbox, monkeypatch)
    return sandbox


@pytest.fixture
def served(
    tmp_path: Path,
    imported_template: Sandbox,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """Return the same, published to a directory before."""
    made = Sandbox(tmp_path, str(tmp_path / "bucket"), {})
    made.start_from(imported_template)
    shutil.copytree(imported_template.store, made.store)
    become_reader(made, monkeypatch)
    return made


def become_reader(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.trust()
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PE_DVC_STORE", sandbox.store)
    monkeypatch.chdir(sandbox.researcher)


def read(reference: str = REFERENCE) -> bytes:
    reader = Reader("us")
    return reader.fetch(reader.resolve(reference)).read_bytes()


def kept(sandbox: Sandbox) -> list[Path]:
    """Return the artifacts that a reader's cache holds."""
    return [p for p in (sandbox.directory / "cache").rglob("*.parquet") if p.is_file()]


def asked_with_token(hub: HubServer) -> set[str]:
    return {one.host for one in hub.requests if one.token is not None}


def test_readers_get_from_the_hub_what_the_bucket_lacks(published: Sandbox, hub: HubServer) -> None:
    commit = hub.tags[TAG]
    shown = json.loads(published.read("show", REFERENCE, "--json").stdout)
    location = shown["manifest"]["artifact"]["location"]
    assert location == f"hf://dataset/{HUB_REPO}@{commit}/{PATH}"
    for name in (LARGE, SMALL):
        published.read("get", f"pe-data://us/{name}@latest", "-o", f"{name}.parquet")
        assert (published.researcher / f"{name}.parquet").read_bytes() == files()[f"{name}.parquet"]
    assert asked_with_token(hub) == {f"127.0.0.1:{hub.port}"}, "and no token went to where it led"
    assert [one for one in hub.requests if one.host == f"localhost:{hub.port}"]


def test_readers_need_no_huggingface_hub(served: Sandbox) -> None:
    script = f"import pe_dvc, sys; pe_dvc.fetch({REFERENCE!r}); print(*sys.modules)"
    loaded = served.run("python", "-c", script, cwd=served.researcher, PE_DVC_STORE=served.store)
    assert not {"huggingface_hub", "requests", "aiohttp", "httpx"} & set(loaded.stdout.split())


def test_redirects_without_an_end_are_given_up(served: Sandbox, hub: HubServer) -> None:
    hub.loops = True
    with pytest.raises(StoreUnavailableError, match="cannot read"):
        read()
    assert len(hub.requests) < 20


def test_a_pin_needs_no_channel(served: Sandbox, hub: HubServer) -> None:
    sha256 = sha256_bytes(files()[PATH])
    assert read(f"pe-data://us/{LARGE}@sha256:{sha256}") == files()[PATH]


def test_a_part_is_read_by_ranges_verified(published: Sandbox, hub: HubServer) -> None:
    import pandas as pd

    table = pd.read_parquet(REFERENCE, columns=["household_id"])
    assert list(table["household_id"][-2:]) == [599_998, 599_999]
    assert not kept(published), "the whole was not needed"
    reader = Reader("us")
    with reader.open(reader.resolve(REFERENCE)) as file:
        file.seek(3_000_000)
        assert file.read(10) == files()[PATH][3_000_000:3_000_010]


def test_every_command_knows_that_it_lies_elsewhere(published: Sandbox, hub: HubServer) -> None:
    clone = published.directory / "clone"
    published.run(
        "git", "clone", "--quiet", str(published.repo), str(clone), cwd=published.directory
    )
    published.configure_remote(clone)
    published.pe_dvc("pull", cwd=clone)
    assert (clone / "data" / PATH).read_bytes() == files()[PATH]
    published.pe_dvc("verify", cwd=clone)
    published.pe_dvc("verify", cwd=published.repo)
    assert published.json("push")["uploaded"] == []
    checked = published.json("fsck")
    assert (checked["elsewhere"], checked["ok"]) == (2, True)
    assert "2 of them elsewhere" in published.pe_dvc("fsck").stderr
    assert published.json("gc")["plan"]["remove"] == []
    before = hub.altered
    hub.altered = {PATH: b"x" * len(files()[PATH])}
    said = published.pe_dvc("fsck", code=1).stdout
    assert f"corrupt     {LARGE}" in said
    assert "hf://dataset" in said
    hub.altered = before
    hub.commits[hub.tags[TAG]].pop(PATH)
    assert f"missing     {LARGE}" in published.pe_dvc("fsck", code=1).stdout
    repaired = published.json("fsck", "--repair")["repaired"]
    assert [one["what"] for one in repaired] == [LARGE]
    assert read() == files()[PATH], "from the bucket now"


def flipped(hub: HubServer) -> None:
    data = bytearray(files()[PATH])
    data[3_000_000] ^= 1
    hub.altered[PATH] = bytes(data)


def truncated(hub: HubServer) -> None:
    hub.altered[PATH] = files()[PATH][:-1]


def longer(hub: HubServer) -> None:
    hub.altered[PATH] = files()[PATH] + b"x"


def another_release(hub: HubServer) -> None:
    hub.commits[hub.tags[TAG]][PATH] = files()[f"{SMALL}.parquet"]


def deleted(hub: HubServer) -> None:
    hub.commits[hub.tags[TAG]].pop(PATH)


def squashed(hub: HubServer) -> None:
    hub.commits.pop(hub.tags.pop(TAG))


def renamed(hub: HubServer) -> None:
    hub.repo = "policyengine/renamed"


def closed(hub: HubServer) -> None:
    hub.gated = True


def down(hub: HubServer) -> None:
    hub.close()


def storage_is_gone(hub: HubServer) -> None:
    hub.elsewhere = "http://localhost:9"


@pytest.mark.parametrize(
    ("attack", "error", "said"),
    [
        (flipped, DigestMismatchError, "expected sha256:"),
        (truncated, DigestMismatchError, "length"),
        (longer, DigestMismatchError, "length"),
        (another_release, DigestMismatchError, "length"),
        (deleted, NotFoundError, "missing from .*, hf://dataset/"),
        (squashed, NotFoundError, "missing from .*, hf://dataset/"),
        (renamed, NotFoundError, "missing from .*, hf://dataset/"),
        (closed, StorePermissionError, "gated"),
        (down, StoreUnavailableError, "cannot read"),
        (storage_is_gone, StoreUnavailableError, "cannot read"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_the_hub_does_to_a_file_gives_an_error_and_no_bytes(
    served: Sandbox,
    hub: HubServer,
    attack: Callable[[HubServer], None],
    error: type[PeDvcError],
    said: str,
) -> None:
    attack(hub)
    with pytest.raises(error, match=said) as caught:
        read()
    assert caught.value.remedy or error is DigestMismatchError
    assert not kept(served)
    reader = Reader("us")
    with reader.open(reader.resolve(REFERENCE)) as file:
        if attack is longer:
            assert file.read() == files()[PATH], "each chunk was verified"
        else:
            with pytest.raises(error):
                file.read()


def test_a_tag_that_is_moved_moves_no_reader(served: Sandbox, hub: HubServer) -> None:
    hub.tags[TAG] = hub.add(release({PATH: files()[f"{SMALL}.parquet"]}), hub.tags[TAG])
    assert read() == files()[PATH]


def test_a_download_that_breaks_off_goes_on_where_it_was(served: Sandbox, hub: HubServer) -> None:
    hub.cut_after = 1_500_000
    assert read() == files()[PATH]


def test_a_server_that_knows_no_ranges_is_read_all_the_same(
    served: Sandbox, hub: HubServer
) -> None:
    hub.ignores_ranges = True
    reader = Reader("us")
    with reader.open(reader.resolve(REFERENCE)) as file:
        file.seek(4_500_000)
        assert file.read(10) == files()[PATH][4_500_000:4_500_010]
    assert read() == files()[PATH]


def test_a_private_repo_is_read_with_a_token_only(
    served: Sandbox, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.private = True
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(StorePermissionError) as caught:
        read()
    assert "HF_TOKEN" in str(caught.value)
    cached = served.directory / "home-of-hf"
    cached.mkdir()
    (cached / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("HF_HOME", str(cached))
    assert read() == files()[PATH], "as hf auth login leaves it"


def test_what_the_bucket_has_is_read_there(published: Sandbox, hub: HubServer) -> None:
    """Importing again without --no-copy brings them into the bucket, and changes no manifest."""
    before = published.run("git", "rev-parse", "HEAD:manifests").stdout
    published.pe_dvc("import", URI)
    assert "push" not in (published.repo / f"data/{PATH}.dvc").read_text()
    published.run("dvc", "repro", "--quiet")
    published.commit("A copy")
    assert published.run("git", "rev-parse", "HEAD:manifests").stdout == before
    assert len(published.json("push")["uploaded"]) == 2
    hub.close()
    assert read() == files()[PATH]


def test_a_location_is_signed_with_the_manifest(served: Sandbox) -> None:
    """Who writes to the bucket sends no reader of a channel to another repo."""
    store = open_store(served.store)
    key = manifest_key("us", sha256_bytes(files()[PATH]))
    data, _ = store.read(key, limit=MANIFEST_LIMIT)
    store.overwrite(key, data.replace(HUB_REPO.encode(), b"attacker/populace"))
    with pytest.raises(DigestMismatchError, match="the manifest of"):
        read()


def test_the_next_release_replaces_what_an_import_brought(
    published: Sandbox, hub: HubServer
) -> None:
    fresh: dict[str, Any] = {PATH: files()[f"{SMALL}.parquet"]}
    hub.tags["next"] = hub.add(release(fresh), hub.tags[TAG])
    uri = URI.replace(f"@{TAG}/", "@next/")
    published.pe_dvc("import", uri, "--no-copy")
    published.run("dvc", "repro", "--quiet")
    published.commit("Next")
    published.pe_dvc("push")
    assert read() == fresh[PATH]
    manifest = json.loads((published.repo / f"manifests/{LARGE}.json").read_bytes())
    assert manifest["artifact"]["location"] == f"hf://dataset/{HUB_REPO}@{hub.tags['next']}/{PATH}"
    assert MANIFEST in URI


def test_a_location_says_nothing_of_another_file_in_the_place(
    served: Sandbox, hub: HubServer
) -> None:
    target = served.repo / "data" / PATH
    target.unlink()
    target.write_bytes(files()[f"{SMALL}.parquet"])
    served.run("dvc", "add", "--quiet", f"data/{PATH}")
    served.run("dvc", "repro", "--quiet")
    manifest = json.loads((served.repo / f"manifests/{LARGE}.json").read_bytes())
    assert "location" not in manifest["artifact"]
