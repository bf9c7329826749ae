"""The promises of the README, from `dvc repro` to a verified file, on a directory and on S3."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import GIT_STATUS

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

LATEST = "pe-data://us/enhanced_cps_2024@latest"


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_from_repro_to_a_verified_file(sandbox: Sandbox) -> None:
    built = sandbox.repo / "data/enhanced_cps_2024.parquet"
    pushed = sandbox.json("push")
    assert sorted(pushed["manifests"]) == ["cps_2024", "enhanced_cps_2024"]
    assert sorted(pushed["uploaded"]) == ["data/cps_2024.parquet", "data/enhanced_cps_2024.parquet"]

    # A researcher with a clone, plain DVC first.
    clone = sandbox.directory / "clone"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(clone), cwd=sandbox.directory)
    sandbox.configure_remote(clone)
    sandbox.run("dvc", "pull", "--quiet", cwd=clone)
    assert (clone / "data/enhanced_cps_2024.parquet").read_bytes() == built.read_bytes()
    checks = sandbox.json("verify", cwd=clone)
    assert [check["verdict"] for check in checks] == ["ok", "ok"]
    assert sandbox.run("dvc", "status", cwd=clone).stdout.strip().endswith("up to date.")

    # A researcher without one.
    sandbox.trust()
    shown = json.loads(sandbox.read("show", LATEST, "--json").stdout)
    assert shown["manifest"]["artifact"]["sha256"] == sha256_of(built)
    assert shown["manifest"]["table"]["weight"] == "household_weight"
    assert shown["manifest"]["table"]["tables"][0]["rows"] == 1000
    assert list((sandbox.directory / "cache").rglob("*.parquet")) == [], "show fetched a payload"

    got = Path(sandbox.read("get", LATEST).stdout.strip())
    assert got.read_bytes() == built.read_bytes()
    before = got.stat()
    assert sandbox.read("get", shown["reference"]).stdout.strip() == str(got)
    assert (before.st_ino, before.st_mtime_ns) == (got.stat().st_ino, got.stat().st_mtime_ns)


def test_a_second_repro_changes_nothing_and_a_second_push_writes_nothing(sandbox: Sandbox) -> None:
    said = sandbox.pe_dvc("push").stderr
    sandbox.run("dvc", "repro", "--quiet")
    assert sandbox.run("git", "status", "--porcelain").stdout == "?? channels/us/seen/\n"
    sandbox.follow(said, "noted what readers now see, for new clones: git add …, and commit")
    assert sandbox.run("git", "status", "--porcelain").stdout == ""
    again = sandbox.json("push")
    assert (again["uploaded"], again["manifests"]) == ([], [])
    assert again["channel"]["written"] == []
    sandbox.run("dvc", "repro", "--quiet", "--force")
    assert sandbox.run(*GIT_STATUS).stdout == "", "same inputs, same bytes"


def test_a_rebuild_moves_the_pointer_and_pins_stay(built: Sandbox) -> None:
    sandbox = built
    sandbox.pe_dvc("push")
    sandbox.trust()
    first = json.loads(sandbox.read("get", LATEST, "--json").stdout)
    sandbox.write("params.yaml", "seed: 8\n")
    sandbox.build()
    sandbox.pe_dvc("push")
    second = json.loads(sandbox.read("get", LATEST, "--json").stdout)
    assert first["sha256"] != second["sha256"]
    pinned = json.loads(sandbox.read("get", first["reference"], "--json").stdout)
    assert pinned.pop("not_revoked_as_of") >= first.pop("not_revoked_as_of")
    assert pinned == {**first, "manifest_verified": False}, "a pin vouches for the bytes alone"


def test_without_a_pinned_root_nothing_but_a_pin_is_read(built: Sandbox) -> None:
    sandbox = built
    sandbox.pe_dvc("push")
    refused = sandbox.read("get", LATEST, code=1)
    assert "no root of trust is pinned for 'us'" in refused.stderr
    assert "pe-dvc trust add us root.json" in refused.stderr
    digest = sha256_of(sandbox.repo / "data/enhanced_cps_2024.parquet")
    sandbox.read("get", f"us/enhanced_cps_2024@sha256:{digest}")


def test_dvc_status_stays_clean_when_the_pointer_is_signed_later(unbuilt_sandbox: Sandbox) -> None:
    sandbox = unbuilt_sandbox
    sandbox.create()
    key = sandbox.directory / "keys/us/latest.pem"
    hidden = key.rename(key.with_suffix(".away"))
    said = sandbox.run("dvc", "repro")
    assert "NOT signed" in said.stderr + said.stdout
    sandbox.pe_dvc("install")
    draft = (sandbox.repo / "channels/us/latest.json").read_text()
    keyid = json.loads((sandbox.repo / "channels/us/targets.json").read_text())["signatures"][0]
    forged = draft.replace('"signatures": []', f'"signatures": [{json.dumps(keyid)}]')
    assert forged != draft
    sandbox.write("channels/us/latest.json", forged)
    sandbox.run("git", "add", "--all")
    sandbox.run("git", "commit", "--message", "No draft: signed by another key", code=1)
    sandbox.write("channels/us/latest.json", draft)
    sandbox.commit("Built on a laptop, whose hook lets a draft pass")
    refused = sandbox.pe_dvc("push", code=1)
    assert "has its key runs: pe-dvc channel sign latest" in refused.stderr
    hidden.rename(key)
    sandbox.pe_dvc("channel", "sign", "latest", "--yes")
    assert sandbox.run("dvc", "status").stdout.strip().endswith("up to date.")
    sandbox.commit("Sign")
    sandbox.pe_dvc("push")
    sandbox.trust()
    sandbox.read("get", LATEST)


def test_new_channels_have_nothing_of_those_before(built: Sandbox) -> None:
    """Git's history still holds the old ones, signed by keys that count no longer."""
    shutil.rmtree(built.repo / "channels")
    shutil.rmtree(built.directory / "keys")
    built.commit("Remove the channels")
    built.pe_dvc("channel", "init", "--country", "us")
    built.commit("New channels")
    built.pe_dvc("channel", "update", "latest")
    built.commit("Sign the datasets")
    built.pe_dvc("push")
    log = built.json("channel", "log", "latest")
    assert log["broken"] is None
    assert [version["version"] for version in log["versions"]] == [1, 2]


def test_a_data_repo_in_a_subdirectory_of_a_git_repo(built: Sandbox) -> None:
    """What was committed is found there: the next build has the next version."""
    built.pe_dvc("push")
    top = built.directory / "all"
    shutil.copytree(built.repo, top / "us", symlinks=True)
    shutil.rmtree(top / "us/.git")
    built.run("git", "init", "--quiet", cwd=top)
    for seed in (7, 8, 9):
        (top / "us/params.yaml").write_text(f"seed: {seed}\n")
        built.run("dvc", "repro", "--quiet", cwd=top / "us")
        built.run("git", "add", "--all", cwd=top)
        built.run("git", "commit", "--quiet", "--message", f"Build {seed}", cwd=top)
    built.pe_dvc("push", cwd=top / "us")
    log = built.json("channel", "log", "latest", cwd=top / "us")
    assert log["broken"] is None
    assert [(v["version"], v["commit"] is not None) for v in log["versions"]] == [
        (1, True),
        (2, True),
        (3, True),
    ]
