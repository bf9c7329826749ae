"""A release on Hugging Face's hub: one commit, a tag for ever, bytes read back, pointer last."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    ReleaseError,
    StorePermissionError,
)
from pe_dvc.project.release import Releases
from tests.support.hub_server import TOKEN, HubServer
from tests.support.producers import US_FIELDS, US_FILES, US_PYPROJECT, US_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.release_history import History

REPO = "policyengine/populace-us"
URI = f"hf://dataset/{REPO}"
MANIFEST = f"releases/{US_TAG}/release_manifest.json"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    import huggingface_hub.constants as constants

    made = HubServer(REPO)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", made.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield made
    made.close()


@pytest.fixture
def us(history: History) -> Releases:
    """Return the registered release of a US producer."""
    history.write("pyproject.toml", US_PYPROJECT)
    history.release(US_TAG, US_FILES, US_FIELDS)
    releasing = Releases(history.root)
    releasing.create(US_TAG)
    history.commit("Release")
    return releasing


def test_a_release_is_laid_out_as_certification_and_loaders_read_it(
    hub: HubServer, us: Releases
) -> None:
    done = us.mirror(US_TAG, URI, latest="latest.json")
    assert done.created
    held = hub.at(US_TAG)
    assert held["populace_us_2024.h5"] == US_FILES["populace_us_2024"]
    assert held[f"releases/{US_TAG}/us_source_coverage.json"] == US_FILES["us_source_coverage"]
    assert held[MANIFEST] == us.derive(US_TAG).data
    assert held[f"releases/{US_TAG}/trace.tro.jsonld"] == us.derive(US_TAG).tro
    assert done.manifest_uri == f"{URI}@{US_TAG}/{MANIFEST}"
    assert set(hub.branches) == {"main"}, "the branch it was made on is gone"
    pointer = json.loads(hub.at("main")["latest.json"])
    assert pointer["release_id"] == US_TAG
    assert "cut_tag" not in pointer
    assert set(pointer["paths"]) == {
        "build_manifest",
        "calibration_diagnostics",
        "release_manifest",
        "us_source_coverage",
    }
    assert hub.at("main").items() >= {p: held[p] for p in pointer["paths"].values()}.items()
    assert held["populace_us_2024.h5"] == hub.at("main")["populace_us_2024.h5"]


def test_the_pointer_is_written_after_everything_was_read_back(
    hub: HubServer, us: Releases
) -> None:
    seen: list[str] = []
    hub.before_commit = seen.append
    us.mirror(US_TAG, URI, latest="latest.json")
    assert seen == [f"release-staging/{US_TAG}", "main"]
    asked = [f"{one.method} {one.path}" for one in hub.requests]
    tagged = next(n for n, one in enumerate(asked) if one.startswith("POST") and "/tag/" in one)
    pointed = next(n for n, one in enumerate(asked) if "/commit/main" in one)
    read = [one for one in asked[tagged:pointed] if one.startswith("GET") and "/cdn/" in one]
    assert len(read) == 2


def test_the_same_release_again_is_success_and_writes_nothing(hub: HubServer, us: Releases) -> None:
    first = us.mirror(US_TAG, URI, latest="latest.json")
    before = (dict(hub.commits), dict(hub.branches), dict(hub.tags))
    again = us.mirror(US_TAG, URI, latest="latest.json")
    assert (hub.commits, hub.branches, hub.tags) == before
    assert (again.created, again.commit) == (False, first.commit)
    assert again.pointer is not None
    assert not again.pointer.moved


@pytest.mark.parametrize("path", ["populace_us_2024.h5", MANIFEST])
@pytest.mark.parametrize("what", ["other", "longer", "none"])
def test_a_tag_that_holds_another_release_is_a_conflict(
    hub: HubServer, us: Releases, path: str, what: str
) -> None:
    us.mirror(US_TAG, URI)
    tree = dict(hub.at(US_TAG))
    data = tree.pop(path)
    other = {"other": bytes(reversed(data)), "longer": data + b"x"}.get(what)
    hub.tags[US_TAG] = hub.add(tree if other is None else {**tree, path: other})
    before = dict(hub.branches)
    with pytest.raises(ConflictError, match=r"the tag was there already") as caught:
        us.mirror(US_TAG, URI, latest="latest.json")
    assert path in caught.value.message
    assert hub.branches == before, "no pointer moved"


def test_bytes_that_come_back_altered_stop_it_before_the_pointer(
    hub: HubServer, us: Releases
) -> None:
    hub.altered["populace_us_2024.h5"] = b"the naTion"
    with pytest.raises(DigestMismatchError, match=r"populace_us_2024\.h5 at populace-us"):
        us.mirror(US_TAG, URI, latest="latest.json")
    assert "latest.json" not in hub.at("main")


def test_a_run_that_was_killed_is_completed_by_the_next(hub: HubServer, us: Releases) -> None:
    """It left the branch with the commit, and no tag."""
    us.mirror(US_TAG, URI)
    hub.branches[f"release-staging/{US_TAG}"] = hub.tags.pop(US_TAG)
    assert us.mirror(US_TAG, URI, latest="latest.json").created
    assert set(hub.branches) == {"main"}


# The pointer is compared and swapped


def test_another_commit_meanwhile_is_built_upon(hub: HubServer, us: Releases) -> None:
    def readme(branch: str) -> None:
        if branch == "main":
            hub.before_commit = None
            hub.push("main", {"README.md": b"hello"})

    hub.before_commit = readme
    done = us.mirror(US_TAG, URI, latest="latest.json")
    assert done.pointer is not None
    assert done.pointer.moved
    assert hub.at("main")["README.md"] == b"hello"
    assert json.loads(hub.at("main")["latest.json"])["release_id"] == US_TAG


def test_a_pointer_that_somebody_else_moved_meanwhile_stays_theirs(
    hub: HubServer, us: Releases
) -> None:
    theirs = json.dumps({"schema_version": 1, "release_id": "populace-us-2025-x"}).encode()

    def move(branch: str) -> None:
        if branch == "main":
            hub.before_commit = None
            hub.push("main", {"latest.json": theirs})

    hub.before_commit = move
    with pytest.raises(ConflictError, match="another process meanwhile, to populace-us-2025"):
        us.mirror(US_TAG, URI, latest="latest.json")
    assert hub.at("main")["latest.json"] == theirs
    assert US_TAG in hub.tags


def test_a_regional_release_is_never_latest(hub: HubServer, history: History) -> None:
    history.write(
        "pyproject.toml",
        US_PYPROJECT.replace('{national = "populace_us_2024"}', "{}") + "is_default = false\n",
    )
    history.release(US_TAG, US_FILES, US_FIELDS)
    releasing = Releases(history.root)
    releasing.create(US_TAG)
    with pytest.raises(ReleaseError, match="is no default"):
        releasing.mirror(US_TAG, URI, latest="latest.json")
    assert hub.tags == {}
    assert releasing.mirror(US_TAG, URI).created


def test_a_claim_is_committed_beside_the_tag(hub: HubServer, us: Releases) -> None:
    us.mirror(US_TAG, URI, latest="latest.json")
    main, tagged = hub.branches["main"], hub.tags[US_TAG]
    us.claim(US_TAG, "policyengine-us>=2.89,<2.91")
    done = us.mirror(US_TAG, URI)
    assert (hub.branches["main"], hub.tags[US_TAG]) == (main, tagged)
    revision = done.manifest_uri.removeprefix(f"{URI}@").partition("/")[0]
    manifest = json.loads(hub.at(revision)[MANIFEST])
    assert manifest["compatible_model_packages"][-1]["specifier"] == "<2.91,>=2.89"
    assert manifest["artifacts"] == json.loads(hub.at(US_TAG)[MANIFEST])["artifacts"]
    assert us.mirror(US_TAG, URI).manifest_uri == done.manifest_uri


# Who may, and where


@pytest.mark.parametrize(
    ("uri", "error", "said"),
    [
        ("hf://dataset/policyengine/other", ReleaseError, "says that its files are in dataset"),
        (f"hf://model/{REPO}", ReleaseError, "says that its files are in dataset"),
        (f"hf://{REPO}", FormatError, "expected hf://dataset/OWNER/REPO"),
        (f"{URI}@main", FormatError, "expected hf://dataset/OWNER/REPO"),
        ("https://huggingface.co/x/y", FormatError, "is not a URI of the hub"),
    ],
)
def test_a_release_goes_where_it_says_that_it_is(
    hub: HubServer, us: Releases, uri: str, error: type[PeDvcError], said: str
) -> None:
    with pytest.raises(error, match=said):
        us.mirror(US_TAG, uri)
    assert hub.tags == {}


def test_a_release_that_was_not_registered_is_not_mirrored(
    hub: HubServer, history: History
) -> None:
    history.write("pyproject.toml", US_PYPROJECT)
    history.release(US_TAG, US_FILES, US_FIELDS)
    with pytest.raises(NotFoundError, match="has no release"):
        Releases(history.root).mirror(US_TAG, URI)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("state", "token", "error", "said", "remedy"),
    [
        ({}, None, StorePermissionError, "401", "HF_TOKEN"),
        ({}, "hf_" + "z" * 30, StorePermissionError, "401", "HF_TOKEN"),
        ({"private": True}, None, StorePermissionError, "401", "HF_TOKEN"),
        ({"gated": True}, TOKEN, StorePermissionError, "gated", f"huggingface.co/datasets/{REPO}"),
        ({"repo": "a/b"}, TOKEN, NotFoundError, "there is no such repo", "private repo"),
    ],
)
def test_repos_that_are_closed_say_what_to_do(
    hub: HubServer,
    us: Releases,
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, Any],
    token: str | None,
    error: type[PeDvcError],
    said: str,
    remedy: str,
) -> None:
    for name, value in state.items():
        setattr(hub, name, value)
    monkeypatch.delenv("HF_TOKEN")
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(error, match=said) as caught:
        us.mirror(US_TAG, URI)
    assert remedy in (caught.value.remedy or "")
    assert not token or token not in f"{caught.value.message}{caught.value.remedy}"


def test_the_token_follows_to_no_other_host(hub: HubServer, us: Releases) -> None:
    us.mirror(US_TAG, URI, latest="latest.json")
    elsewhere = [one for one in hub.requests if not one.host.startswith("127.0.0.1")]
    assert elsewhere
    assert {one.token for one in elsewhere} == {None}
    assert hashlib.sha256(US_FILES["populace_us_2024"]).hexdigest() in hub.large


def test_without_the_hub_library_it_says_what_to_install(
    us: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PeDvcError) as caught:
        us.mirror(US_TAG, URI)
    assert "pip install huggingface_hub" in (caught.value.remedy or "")
