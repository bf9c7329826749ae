"""``pe-dvc mirror``: declared, filled, checked and lost, on a directory and on S3."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.project.stores import open_store
from tests.support.hub_data import HUB_REPO, MANIFEST, TAG, files, hub_environment
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from pe_dvc.store.port import Store
    from tests.support.hub_server import HubServer
    from tests.support.sandbox import Sandbox

NAME = "pe-data://us/enhanced_cps_2024@latest"


def _mirror_url(sandbox: Sandbox, name: str = "copy") -> str:
    if sandbox.store.startswith("s3://"):
        return f"{sandbox.store.replace('s3://', 's3://m-')}/{name}"
    return str(sandbox.directory / "mirrors" / name)


@pytest.fixture
def mirrored(sandbox: Sandbox) -> Sandbox:
    """A sandbox that was pushed, with an empty mirror declared."""
    if sandbox.store.startswith("s3://"):
        import boto3

        boto3.client(
            "s3",
            endpoint_url=sandbox.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=sandbox.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=sandbox.environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).create_bucket(Bucket=sandbox.store.replace("s3://", "m-"))
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("mirror", "add", "copy", _mirror_url(sandbox))
    sandbox.commit("Declare a mirror")
    return sandbox


def _payload(store: Store) -> str:
    sizes = {info.size: info.key for info in store.list("us/files")}
    return sizes[max(sizes)]


def test_the_whole_story(mirrored: Sandbox) -> None:
    refused = mirrored.pe_dvc("mirror", "verify", code=3).stderr
    assert "nothing of us is published there" in refused
    mirrored.pe_dvc("mirror", "sync")
    [check] = mirrored.json("mirror", "verify")
    assert check["ok"]
    assert check["behind"] == {}
    mirrored.trust()
    url = _mirror_url(mirrored)
    read = mirrored.pe_dvc("get", NAME, "--store", url, cwd=mirrored.researcher)
    assert Path(read.stdout.strip()).exists()

    mirrored.write("params.yaml", "seed: 8\n")
    mirrored.build()
    mirrored.pe_dvc("push")
    said = mirrored.pe_dvc("mirror", "verify").stderr
    assert "behind: state" in said
    assert "latest 1 -> 2" in said or "latest 2 -> 3" in said
    mirrored.pe_dvc("mirror", "sync", "copy")
    [check] = mirrored.json("mirror", "verify")
    assert check["version"] == check["origin_version"]
    again = mirrored.json("mirror", "sync")
    assert (again[0]["copied"], again[0]["metadata"]) == (0, [])


def test_the_bucket_is_lost(built: Sandbox) -> None:
    """The mirror is checked without it."""
    built.pe_dvc("push")
    built.pe_dvc("mirror", "add", "copy", _mirror_url(built))
    built.pe_dvc("mirror", "sync")
    shutil.rmtree(built.store)
    said = built.pe_dvc("mirror", "verify").stderr
    assert "not compared with the bucket" in said
    assert "pe-dvc mirror restore copy" in said
    refused = built.pe_dvc("mirror", "sync", code=3).stderr
    assert "nothing of us is published" in refused
    assert "pe-dvc mirror restore copy" in refused


def test_damage_at_the_origin_stops_a_sync_and_is_repaired(built: Sandbox) -> None:
    built.pe_dvc("push")
    built.pe_dvc("mirror", "add", "copy", _mirror_url(built))
    built.commit("Declare a mirror")
    store = open_store(built.store)
    key = _payload(store)
    good, _ = store.read(key, limit=10**8)
    store.overwrite(key, good[:-1] + b"?")
    refused = built.pe_dvc("mirror", "sync", code=1).stderr
    assert not list(Path(_mirror_url(built)).glob("channels/us/timestamp.json"))
    built.follow(refused, "Run pe-dvc fsck --repair, then sync again.")
    built.pe_dvc("mirror", "sync")
    # The other way round: the mirror repairs the bucket, by its name.
    store.overwrite(key, good[:-1] + b"?")
    shutil.rmtree(built.repo / ".dvc/cache")
    built.pe_dvc("fsck", "--repair", "--mirror", "copy")
    assert store.read(key, limit=10**8)[0] == good


def test_a_withdrawal_names_the_mirrors_that_have_it(mirrored: Sandbox) -> None:
    mirrored.pe_dvc("mirror", "sync")
    why = ("--reason", "It ended.", "--authority", "Bureau")
    mirrored.pe_dvc("revoke", NAME, *why)
    mirrored.commit("Withdraw it")
    assert "copy: they keep their copies" in mirrored.pe_dvc("push").stderr
    refused = mirrored.pe_dvc("verify", code=4)
    assert "It ended. Ask " in refused.stdout + refused.stderr
    assert mirrored.json("mirror", "sync")[0]["removed"]
    asked = mirrored.pe_dvc("unrevoke", NAME, code=1).stderr
    assert "Withdrawn are pe-data://us/enhanced_cps_2024@sha256:" in asked


def test_declared_and_forgotten_without_a_trace(built: Sandbox) -> None:
    file = built.repo / "pyproject.toml"
    before = file.read_text()
    built.pe_dvc("mirror", "add", "a", "az://pe-mirror", "--doi", "10.5281/zenodo.1")
    built.pe_dvc(
        *("mirror", "add", "b", "/srv/b", "--dataset", "enhanced_*", "--channel", "next"),
        *("--release", "1.*", "--last", "3", "--country", "us"),
    )
    table = tomllib.loads(file.read_text())["tool"]["pe_dvc"]["mirrors"]
    assert table == {
        "a": {"url": "az://pe-mirror", "doi": "10.5281/zenodo.1"},
        "b": {
            "url": "/srv/b",
            "datasets": ["enhanced_*"],
            "channels": ["next"],
            "releases": ["1.*"],
            "last": 3,
            "countries": ["us"],
        },
    }
    listed = {one["name"]: one["holds"] for one in built.json("mirror", "list")}
    assert listed["a"] == "everything"
    assert "datasets enhanced_*" in listed["b"]
    entries = json.loads(built.pe_dvc("mirror", "list", "--preservation").stdout)
    assert [e["kind"] for e in entries["enhanced_cps_2024"]] == ["azure", "directory"]
    assert entries["cps_2024"][0]["doi"] == "10.5281/zenodo.1"
    assert [e["kind"] for e in entries["cps_2024"]] == ["azure"]
    built.pe_dvc("mirror", "remove", "a")
    built.pe_dvc("mirror", "remove", "b")
    assert file.read_text().rstrip() == before.rstrip()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "x y", "/srv/x"], 1, "is not a mirror's name"),
        (["add", "x", "s3://key:secret@bucket"], 1, "has a user or a password in it"),
        (["add", "x", "ftp://host"], 1, "is not a store"),
        (["add", "x", "/srv/x", "--channel", "stable"], 1, "expected latest or next"),
        (["add", "x", "/srv/x", "--doi", "zenodo"], 1, "10.5281/zenodo.1"),
        (["remove", "x"], 3, "declares no mirror 'x'"),
        (["sync"], 3, "declares no mirror"),
        (["sync", "x"], 3, "declares no mirror 'x'"),
        (["verify", "x"], 3, "declares no mirror 'x'"),
    ],
)
def test_bad_input_is_told(built: Sandbox, arguments: list[str], code: int, said: str) -> None:
    before = (built.repo / "pyproject.toml").read_text()
    refused = built.pe_dvc("mirror", *arguments, code=None)
    assert said in refused.stderr
    assert "secret" not in refused.stderr
    assert refused.returncode == code
    assert (built.repo / "pyproject.toml").read_text() == before


def test_a_name_that_is_taken(built: Sandbox) -> None:
    built.pe_dvc("mirror", "add", "a", "/srv/a")
    built.pe_dvc("mirror", "add", "a", "/srv/a")
    refused = built.pe_dvc("mirror", "add", "a", "/srv/b", code=None).stderr
    assert "is there already, of /srv/a" in refused


@pytest.mark.parametrize("where", ["the store", "inside", "around", "by a link"])
def test_a_mirror_that_is_no_other_place(built: Sandbox, where: str) -> None:
    built.pe_dvc("push")
    store = Path(built.store)
    link = built.directory / "link"
    link.symlink_to(store)
    url = {
        "the store": store,
        "inside": store / "us/copy",
        "around": store.parent,
        "by a link": link / "copy",
    }[where]
    refused = built.pe_dvc("mirror", "add", "a", str(url), code=None).stderr
    assert "are one place, or one lies within the other" in refused
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write(f'\n[tool.pe_dvc.mirrors]\na = "{url}"\n')
    refused = built.pe_dvc("mirror", "sync", code=None).stderr
    assert "are one place, or one lies within the other" in refused
    assert not (store / "us/copy").exists()


@pytest.mark.parametrize("which", ["inner", "outer", "same"])
def test_mirrors_within_one_another(built: Sandbox, which: str) -> None:
    """They were counted as two copies, and a lost disk takes both."""
    built.pe_dvc("push")
    outer = built.directory / "mirrors"
    first, second = {
        "inner": (outer, outer / "copy"),
        "outer": (outer / "copy", outer),
        "same": (outer, outer / "x/.."),
    }[which]
    built.pe_dvc("mirror", "add", "a", str(first))
    before = (built.repo / "pyproject.toml").read_text()
    refused = built.pe_dvc("mirror", "add", "b", str(second), code=1).stderr
    assert "the mirror a, " in refused
    assert "the mirror b, " in refused
    assert (built.repo / "pyproject.toml").read_text() == before
    built.pe_dvc("mirror", "add", "uk", str(second), "--country", "uk")
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write(f'\n[tool.pe_dvc.mirrors.b]\nurl = "{second}"\n')
    refused = built.pe_dvc("mirror", "sync", code=1).stderr
    inner, well = ("a", "b") if which == "outer" else ("b", "a")
    assert f"This is of the mirror {inner}. Well: {well}." in refused
    settings_file = built.repo / "pyproject.toml"
    settings_file.write_text(
        settings_file.read_text().replace("[tool.pe_dvc]\n", "[tool.pe_dvc]\ncopies = 2\n")
    )
    built.commit("Copies")
    refused = built.pe_dvc("gc", code=1).stderr
    assert "the mirror a, " in refused
    assert "the mirror b, " in refused


def test_the_list_is_aligned(built: Sandbox) -> None:
    built.pe_dvc("mirror", "add", "a", "az://pe-mirror", "--doi", "10.5281/zenodo.1")
    built.pe_dvc("mirror", "add", "longer", "/srv/b", "--last", "3")
    assert built.pe_dvc("mirror", "list").stdout.splitlines() == [
        "a       az://pe-mirror  everything  doi:10.5281/zenodo.1",
        "longer  /srv/b          the last 3 versions of a channel",
    ]


@pytest.mark.parametrize("where", ["file", "file/copy", "pipe"])
def test_a_file_in_the_place_of_a_mirror_is_named(built: Sandbox, where: str) -> None:
    built.pe_dvc("push")
    in_the_way = built.directory / where.partition("/")[0]
    if where == "pipe":
        os.mkfifo(in_the_way)
    else:
        in_the_way.write_text("not a directory")
    built.pe_dvc("mirror", "add", "a", str(built.directory / where))
    built.commit("Declare a mirror")
    for command in ("sync", "verify"):
        refused = built.pe_dvc("mirror", command, code=5).stderr
        assert f"{in_the_way} is not a directory" in refused
    assert (
        f"{in_the_way} is not a directory"
        in built.pe_dvc("push", "--store", str(in_the_way), code=5).stderr
    )


def test_two_syncs_at_once(mirrored: Sandbox) -> None:
    processes = [
        subprocess.Popen(["pe-dvc", "mirror", "sync"], cwd=mirrored.repo, env=mirrored.environment)
        for _ in range(2)
    ]
    assert [one.wait() for one in processes] == [0, 0]
    assert mirrored.json("mirror", "verify")[0]["ok"]


@pytest.mark.parametrize("where", ["mirror", "./data", ".dvc/cache", ".git/mirror", "by a link"])
def test_a_mirror_within_the_repo(built: Sandbox, where: str) -> None:
    """`git add` would commit its payloads, and the data would be published with the code."""
    built.pe_dvc("push")
    url = where
    if where == "by a link":
        (built.directory / "link").symlink_to(built.repo)
        url = str(built.directory / "link/mirror")
    refused = built.pe_dvc("mirror", "add", "a", url, code=1).stderr
    assert "git add would commit its data" in refused
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write(f'\n[tool.pe_dvc.mirrors]\na = "{url}"\n')
    refused = built.pe_dvc("mirror", "sync", code=1).stderr
    assert "git add would commit its data" in refused
    assert "files/md5" not in built.run("git", "status", "--short", "--untracked-files=all").stdout


def test_a_mirror_of_another_projects(built: Sandbox) -> None:
    built.pe_dvc("push")
    url = _mirror_url(built)
    others = SignedChannels(built.directory / "theirs/channels", built.directory / "theirs/keys")
    others.create()
    others.publish_to(open_store(url))
    built.pe_dvc("mirror", "add", "copy", url)
    assert "have another root than this repo's" in built.pe_dvc("mirror", "sync", code=None).stderr


def test_a_mirror_that_fails_keeps_no_withdrawal_from_the_others(built: Sandbox) -> None:
    built.pe_dvc("push")
    blocked = built.directory / "blocked"
    blocked.write_text("a file where the directory should be")
    built.pe_dvc("mirror", "add", "a", str(blocked))
    built.pe_dvc("mirror", "add", "b", _mirror_url(built))
    built.commit("Declare mirrors")
    built.pe_dvc("mirror", "sync", "b")
    key = _payload(open_store(_mirror_url(built)))
    built.pe_dvc("revoke", NAME, "--reason", "The licence ended.", "--authority", "Census Bureau")
    built.commit("Withdraw")
    built.pe_dvc("push")
    for command in ("sync", "verify"):
        refused = built.pe_dvc("mirror", command, code=5).stderr
        assert f"{blocked} is not a directory" in refused
        assert "This is of the mirror a. Well: b." in refused
    assert key not in {info.key for info in open_store(_mirror_url(built)).list("us/files")}


def test_a_mirror_of_another_country(built: Sandbox) -> None:
    built.pe_dvc("push")
    built.pe_dvc("mirror", "add", "uk", _mirror_url(built), "--country", "uk")
    refused = built.pe_dvc("mirror", "sync", "uk", code=1).stderr
    assert "this is the data repo of us" in refused
    assert built.json("mirror", "sync") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_sync_that_is_killed_is_completed_by_the_next(
    mirrored: Sandbox, number: signal.Signals
) -> None:
    """Real processes, stopped at any moment: readers of the mirror see the old state or the new."""
    mirrored.pe_dvc("mirror", "sync")
    mirrored.trust()
    mirrored.write("params.yaml", "seed: 8\n")
    mirrored.build()
    mirrored.pe_dvc("push")
    url, versions = _mirror_url(mirrored), set()
    for delay in (0.3, 0.6, 0.8, 1.0, 1.3):
        process = subprocess.Popen(
            ["pe-dvc", "mirror", "sync"],
            cwd=mirrored.repo,
            env=mirrored.environment,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay)
        process.send_signal(number)
        process.wait()
        mirrored.pe_dvc("get", NAME, "--store", url, cwd=mirrored.researcher)
        [check] = mirrored.json("mirror", "verify")
        assert check["faults"] == []
        versions.add(check["version"])
    mirrored.pe_dvc("mirror", "sync")
    [check] = mirrored.json("mirror", "verify")
    assert check["ok"]
    assert check["version"] == check["origin_version"]
    assert versions <= {check["version"], check["version"] - 1}


def test_a_mirror_on_a_full_disk(built: Sandbox) -> None:
    """A limit on the size of files stands for a full disk: nothing half is left there."""
    built.pe_dvc("push")
    built.pe_dvc("mirror", "add", "copy", _mirror_url(built))
    done = built.run("sh", "-c", "trap '' XFSZ; ulimit -f 4; pe-dvc mirror sync", code=None)
    assert done.returncode not in (0, 1)
    assert _mirror_url(built) in done.stderr
    assert not list(Path(_mirror_url(built)).glob("channels/us/timestamp.json"))
    built.pe_dvc("mirror", "sync")
    assert built.json("mirror", "verify")[0]["ok"]


HUB = f"hf://dataset/{HUB_REPO}@{TAG}/{MANIFEST}"


def test_a_release_on_a_hub_is_declared_and_checked_and_never_filled(
    built: Sandbox, hub: HubServer
) -> None:
    built.environment |= hub_environment(hub)
    built.pe_dvc("push")
    said = built.pe_dvc("mirror", "add", "hub", HUB).stderr
    assert "check it: pe-dvc mirror verify hub" in said
    [check] = built.json("mirror", "verify", "hub")
    assert (check["ok"], check["checked"]) == (True, 2)
    assert check["checked_bytes"] == sum(map(len, files().values()))
    assert built.json("mirror", "sync") == []
    why = ("--reason", "It ended.", "--authority", "Bureau")
    told = built.pe_dvc("revoke", NAME, *why, "--dry-run").stderr
    assert "mirror sync hub" not in told
    assert "hub is on a hub, which no sync changes: remove there what it has" in told
    assert "never filled" in built.pe_dvc("mirror", "sync", "hub", code=1).stderr
    refused = built.pe_dvc("fsck", "--repair", "--mirror", "hub", code=1).stderr
    assert "release on a hub" in refused
    preserved = built.json("mirror", "list", "--preservation")
    assert preserved
    assert not any(preserved.values())

    name = next(iter(files()))
    hub.altered[name] = files()[name][:-1] + b"?"
    [check] = json.loads(built.pe_dvc("mirror", "verify", "--json", code=1).stdout)
    assert [fault["key"] for fault in check["faults"]] == [name]
    assert built.json("mirror", "verify", "--quick")[0]["ok"]
    hub.tags[TAG] = hub.add({MANIFEST: hub.at(TAG)[MANIFEST]})
    gone = built.pe_dvc("mirror", "verify", "--quick", code=1)
    assert gone.stdout.count("is not in hf://dataset/") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([f"hf://{HUB_REPO}@{TAG}/{MANIFEST}"], "release_manifest.json"),
        ([f"hf://dataset/{HUB_REPO}/{MANIFEST}"], "release_manifest.json"),
        ([f"hf://dataset/{HUB_REPO}@{TAG}"], "release_manifest.json"),
        ([HUB, "--last", "3"], "takes no filter"),
        ([HUB, "--dataset", "cps_*"], "takes no filter"),
    ],
    ids=["no type", "no revision", "no file", "last", "dataset"],
)
def test_what_is_no_mirror_on_a_hub(built: Sandbox, arguments: list[str], said: str) -> None:
    refused = built.pe_dvc("mirror", "add", "hub", *arguments, code=1).stderr
    assert said in refused
    assert "mirrors.hub" not in (built.repo / "pyproject.toml").read_text()


def test_gc_counts_no_copy_on_a_hub(built: Sandbox, hub: HubServer) -> None:
    built.environment |= hub_environment(hub)
    built.pe_dvc("push")
    built.pe_dvc("mirror", "add", "hub", HUB)
    file = built.repo / "pyproject.toml"
    file.write_text(file.read_text().replace("[tool.pe_dvc]\n", "[tool.pe_dvc]\ncopies = 1\n"))
    built.commit("A copy must remain")
    built.pe_dvc("gc")
    assert not hub.requests
