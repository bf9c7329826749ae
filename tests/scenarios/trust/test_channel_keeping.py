"""Channels as people keep them: nominated, looked at, kept without gaps, and their keys changed."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

RUNBOOK = ROOT / "docs/runbook-keys.md"
LATEST = "pe-data://us/enhanced_cps_2024@latest"


def rebuild(sandbox: Sandbox, seed: int) -> None:
    sandbox.write("params.yaml", f"seed: {seed}\n")
    sandbox.build()


def test_the_runbook_is_what_can_be_run(built: Sandbox) -> None:
    """Every command, in its order; a reader who has pinned the first root reads after each part."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    sandbox = built
    sandbox.pe_dvc("push")
    sandbox.trust()
    sandbox.read("show", LATEST)
    blocks = re.findall(r"```sh\n(.*?)```", RUNBOOK.read_text(), re.DOTALL)
    assert len(blocks) == 10
    for block in blocks:
        sandbox.run("bash", "-e", "-o", "pipefail", "-c", block)
        sandbox.read("show", LATEST)
    status = {role["role"]: role for role in sandbox.json("channel", "status")["roles"]}
    assert len(status["next"]["signed_by"]) + len(status["next"]["unsigned_by"]) == 2
    assert status["root"]["version"] == 10
    made = {file.name for file in sandbox.repo.rglob("*.pem")}
    assert not made, "no key lies in the clone"
    assert sandbox.json("channel", "log", "latest")["broken"] is None


def test_nominated_looked_at_and_told_apart(built: Sandbox) -> None:
    sandbox = built
    said = sandbox.json("channel", "promote", "latest", "next")
    assert (said["added"], said["signed"]) == (["cps_2024", "enhanced_cps_2024"], True)
    sandbox.commit("Nominate")
    sandbox.pe_dvc("push")
    sandbox.trust()
    assert [c["datasets"] for c in sandbox.json("channel", "list")] == [2, 2]

    # Rows go from 1000 to 900 and a column is gone: two gates say so, and nothing is written.
    text = (sandbox.repo / "build.py").read_text().replace("rows = 1000", "rows = 900")
    sandbox.write("build.py", re.sub(r'    "age_head".*\n', "", text))
    gates = "        vintage: cps_asec_2024\n        gates: {rows: 0.05}\n"
    sandbox.write(
        "dvc.yaml",
        (sandbox.repo / "dvc.yaml").read_text().replace("        vintage: cps_asec_2024\n", gates),
    )
    sandbox.build()
    refused = sandbox.pe_dvc("channel", "promote", "latest", "next", code=1)
    assert "enhanced_cps_2024: gate columns of household.age_head: it is gone" in refused.stderr
    assert "gate rows of household: 900; expected 950 to 1,050" in refused.stderr
    assert sandbox.run("git", "status", "--porcelain").stdout == ""

    sandbox.pe_dvc("channel", "promote", "latest", "next", "--override", "A smaller sample")
    sandbox.commit("Nominate it anyway")
    sandbox.pe_dvc("push")
    shown = json.loads(sandbox.read("channel", "show", "next", "--country", "us", "--json").stdout)
    override = shown["enhanced_cps_2024"]["custom"]["override"]
    assert override["reason"] == "A smaller sample"
    assert len(override["failed"]) == 2

    diff = json.loads(
        sandbox.read("channel", "diff", "next:2", "next", "--country", "us", "--json").stdout
    )
    changed = {dataset["name"]: dataset for dataset in diff["changed"]}
    assert changed["enhanced_cps_2024"]["rows"] == {"household": [1000, 900]}
    assert changed["enhanced_cps_2024"]["columns"] == {"household.age_head": ["int32", None]}
    assert sandbox.json("channel", "diff", "latest", "next")["changed"] == []


def test_drafts_keep_their_version_and_the_log_has_no_gaps(built: Sandbox) -> None:
    sandbox = built
    sandbox.pe_dvc("push")
    for seed in (8, 9):  # built twice before one commit: one version
        sandbox.write("params.yaml", f"seed: {seed}\n")
        sandbox.run("dvc", "repro", "--quiet")
    refused = sandbox.pe_dvc("push", code=1)
    assert "not committed: channels/us/latest.json" in refused.stderr
    sandbox.commit("Nine")
    for seed in (10, 11):  # committed twice before one push: both are published
        rebuild(sandbox, seed)
    sandbox.pe_dvc("push")
    log = sandbox.json("channel", "log", "latest")
    assert log["broken"] is None
    versions = [entry["version"] for entry in log["versions"]]
    assert versions == list(range(1, versions[-1] + 1))
    commits = sandbox.run("git", "log", "--format=%H", "--", "channels/us/latest.json").stdout
    assert [e["commit"] for e in log["versions"] if e["commit"]][::-1] == commits.split()
    assert log["versions"][-1]["replaced"] == ["cps_2024", "enhanced_cps_2024"]

    # An attacker removes versions from the bucket. One that readers had breaks the log, one that
    # was published with its successor is said to be in git only.
    bucket = sandbox.directory / "bucket/channels/us"
    (bucket / f"{versions[1]}.latest.json").unlink()
    assert "in git only" in sandbox.pe_dvc("channel", "log", "latest").stdout
    (bucket / "1.latest.json").unlink()
    broken = sandbox.pe_dvc("channel", "log", "latest", code=1)
    assert "1.latest.json is missing" in broken.stderr


def test_a_lost_commit_is_taken_over(built: Sandbox) -> None:
    sandbox = built
    sandbox.pe_dvc("push")
    rebuild(sandbox, 8)
    sandbox.pe_dvc("push")
    published = (sandbox.repo / "channels/us/latest.json").read_bytes()
    sandbox.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    assert (sandbox.repo / "channels/us/latest.json").read_bytes() != published
    sandbox.pe_dvc("channel", "adopt", "latest")
    assert (sandbox.repo / "channels/us/latest.json").read_bytes() == published
    assert "nothing to adopt" in sandbox.pe_dvc("channel", "adopt", "latest").stderr


def test_trust_on_first_use_by_name_and_offline(built: Sandbox) -> None:
    sandbox = built
    sandbox.pe_dvc("push")
    assert "--from-store" in sandbox.read("show", LATEST, code=1).stderr
    said = sandbox.read("trust", "add", "us", "--from-store").stderr
    fingerprint = json.loads(sandbox.read("trust", "list", "--json").stdout)["us"]
    assert fingerprint in said
    assert "Not verified: compare" in said
    online = json.loads(sandbox.read("get", LATEST, "--json").stdout)
    (sandbox.directory / "bucket").rename(sandbox.directory / "unplugged")
    offline = sandbox.read("get", LATEST, "--offline", "--json")
    read = json.loads(offline.stdout)
    checked, noted = (
        datetime.fromisoformat(one.pop("not_revoked_as_of")) for one in (online, read)
    )
    assert read == online
    assert checked <= noted < checked + timedelta(minutes=1)  # noted when that was read
    assert "offline: the channels of us as verified less than a minute ago" in offline.stderr
    assert (
        "was never read" in sandbox.read("show", LATEST[:-6] + "next", "--offline", code=3).stderr
    )


def test_channels_created_again_have_a_history_of_their_own(built: Sandbox) -> None:
    """After all root keys were lost: what the old keys signed is in git, and stays there."""
    built.pe_dvc("push")
    for lost in (built.repo / "channels", built.directory / "keys"):
        shutil.rmtree(lost)
    (built.directory / "bucket/channels/us").rename(built.directory / "old-channels")
    built.pe_dvc("channel", "init", "--country", "us")
    built.commit("New keys")
    assert "Run pe-dvc channel update latest" in built.pe_dvc("push", code=1).stderr
    built.pe_dvc("channel", "update", "latest")
    built.commit("Sign with the new keys")
    built.pe_dvc("push")
    assert "version 1 " in built.pe_dvc("channel", "log", "latest").stdout
