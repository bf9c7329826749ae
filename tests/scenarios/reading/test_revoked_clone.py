"""A clone of a data repo one of whose datasets was withdrawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import sha256_bytes
from tests.support.advice import follow
from tests.support.country import revocation_of
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

KEPT, GONE = "data/cps_2024.parquet", "data/enhanced_cps_2024.parquet"


def withdraw(sandbox: Sandbox) -> Manifest:
    """Sign the withdrawal of a dataset, commit it, and publish it."""
    path = sandbox.repo / "manifests/enhanced_cps_2024.json"
    manifest = Manifest.from_bytes(path.read_bytes(), where=str(path))
    keys = Path(sandbox.environment["PE_DVC_KEYS_DIR"])
    entry = replace(
        revocation_of(manifest),
        dvc_md5=manifest.artifact.dvc.md5,
        manifest_sha256=sha256_bytes(path.read_bytes()),
    )
    SignedChannels(sandbox.repo / "channels", keys).revoke(entry)
    sandbox.commit("Withdraw enhanced_cps_2024")
    sandbox.pe_dvc("push")
    return manifest


def make_clone(sandbox: Sandbox) -> Path:
    made = sandbox.directory / "clone"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(made), cwd=sandbox.directory)
    sandbox.configure_remote(made)
    return made


def with_hook(clone: Path, sandbox: Sandbox) -> Path:
    """Return a clone that has its data, and pe_dvc's git hooks."""
    sandbox.run("dvc", "pull", "--quiet", cwd=clone)
    sandbox.pe_dvc("install", cwd=clone)
    return clone


@pytest.fixture
def clone(sandbox: Sandbox) -> Path:
    """A clone at the commit before the withdrawal, which knows nothing of it."""
    sandbox.pe_dvc("push")
    made = make_clone(sandbox)
    withdraw(sandbox)
    return made


def test_pull_brings_the_rest(sandbox: Sandbox, clone: Path) -> None:
    done = sandbox.pe_dvc("pull", cwd=clone, code=4)
    assert (
        "withdrawn on 2026-11-26 by Data Stewards of PolicyEngine: its licence ended" in done.stderr
    )
    assert (clone / KEPT).is_file()
    assert not (clone / GONE).exists()
    done = sandbox.pe_dvc("pull", "enhanced_cps_2024", cwd=clone, code=4)
    assert GONE in done.stderr
    sandbox.pe_dvc("pull", "cps_2024", cwd=clone)


def test_pull_touches_no_file_that_is_here(sandbox: Sandbox, clone: Path) -> None:
    (clone / GONE).write_bytes(b"changed here")
    sandbox.pe_dvc("pull", cwd=clone, code=4)
    assert (clone / GONE).read_bytes() == b"changed here"
    assert (clone / KEPT).is_file()


def test_pull_refuses_what_the_dvc_cache_has(sandbox: Sandbox) -> None:
    """Its maintainer has built it."""
    sandbox.pe_dvc("push")
    withdraw(sandbox)
    (sandbox.repo / GONE).unlink()
    sandbox.pe_dvc("pull", code=4)
    assert not (sandbox.repo / GONE).exists()


def test_verify_says_so_by_what_is_known_here(sandbox: Sandbox, clone: Path) -> None:
    sandbox.pe_dvc("pull", cwd=clone, code=4)
    checks = json.loads(sandbox.pe_dvc("verify", "--json", cwd=clone, code=4).stdout)
    verdicts = {check["name"]: check["verdict"] for check in checks}
    assert verdicts == {"cps_2024": "ok", "enhanced_cps_2024": "revoked"}
    assert "its licence ended" in sandbox.pe_dvc("verify", cwd=clone, code=None).stdout
    assert sandbox.pe_dvc("verify", cwd=clone, code=None).returncode == 4


def test_the_git_hook_purges_once(sandbox: Sandbox) -> None:
    """A merge brings the withdrawal: DVC's cache is purged, the checkout's file stays."""
    sandbox.pe_dvc("push")
    clone = with_hook(make_clone(sandbox), sandbox)
    withdraw(sandbox)
    cached = {path for path in (clone / ".dvc/cache/files").rglob("*") if path.is_file()}
    done = sandbox.run("git", "pull", "--no-rebase", "--quiet", cwd=clone, code=None)
    assert "revoked  enhanced_cps_2024" in done.stdout + done.stderr
    assert f"withdrawn, not removed without --workspace: {GONE}" in done.stderr
    left = {path for path in (clone / ".dvc/cache/files").rglob("*") if path.is_file()}
    assert len(cached - left) == 1
    assert (clone / GONE).is_file()
    again = sandbox.run("git", "checkout", "-b", "later", cwd=clone)
    assert "objects of DVC's cache" not in again.stderr, "it was done for this version"
    assert "revoked  enhanced_cps_2024" in again.stdout + again.stderr


def test_prune_leaves_what_the_checkout_links_to(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    sandbox.run("dvc", "config", "--local", "cache.type", "symlink")
    (sandbox.repo / GONE).unlink()
    sandbox.run("dvc", "checkout", "--quiet")
    assert (sandbox.repo / GONE).is_symlink()
    withdraw(sandbox)
    assert json.loads(sandbox.pe_dvc("cache", "prune", "--revoked", "--json").stdout)["dvc"] == []
    assert (sandbox.repo / GONE).is_file()
    done = json.loads(sandbox.pe_dvc("cache", "prune", "--revoked", "--workspace", "--json").stdout)
    assert (done["workspace"], len(done["dvc"])) == ([GONE], 1)
    assert not (sandbox.repo / GONE).exists()
    assert (sandbox.repo / KEPT).is_file()


def test_what_is_told_of_it(sandbox: Sandbox) -> None:
    """Logs, differences and gc name it; nothing refuses the other datasets for it."""
    said = "withdrawn on 2026-11-26 by Data Stewards of PolicyEngine: its licence ended"
    sandbox.pe_dvc("push")
    withdraw(sandbox)
    assert sandbox.pe_dvc("channel", "log", "latest").stdout.count(said) == 1
    assert list(sandbox.json("channel", "log", "latest")["withdrawn"].values()) == [said]
    assert sandbox.json("gc")["withdrawn"] == {}
    sandbox.run("dvc", "push", "--quiet")
    assert len(sandbox.json("gc")["withdrawn"]) == 1
    assert "withdrawn, and still there until pe-dvc revoke --remove" in sandbox.pe_dvc("gc").stderr


def test_differences_name_it_and_go_on(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    sandbox.write("params.yaml", "seed: 9\n")
    sandbox.build()
    sandbox.pe_dvc("push")
    withdraw(sandbox)
    found = sandbox.json("channel", "diff", "latest:1", "latest")
    assert list(found["withdrawn"]) == ["enhanced_cps_2024"]
    assert [one["name"] for one in found["changed"]] == ["cps_2024"]
    assert "! enhanced_cps_2024" in sandbox.pe_dvc("channel", "diff", "latest:1", "latest").stdout
    found = json.loads(sandbox.pe_dvc("diff", "latest:1", "latest", "--json", code=1).stdout)
    assert list(found["withdrawn"]) == ["enhanced_cps_2024"]
    assert [one["name"] for one in found["datasets"]] == ["cps_2024"]
    for form in ((), ("--markdown",), ("--html",)):
        assert (
            "its licence ended"
            in sandbox.pe_dvc("diff", "latest:1", "latest", *form, code=1).stdout
        )
    one = "us/enhanced_cps_2024@latest"
    assert "its licence ended" in sandbox.pe_dvc("diff", f"{one}:1", one, code=4).stderr


def test_prune_removes_it_from_every_cache_and_no_changed_file(
    sandbox: Sandbox, clone: Path
) -> None:
    reference = "us/enhanced_cps_2024@latest"
    maintainer = sandbox.repo
    before = {path.name for path in (maintainer / ".dvc/cache/files").rglob("*")}
    said = sandbox.pe_dvc("get", reference, code=4).stderr
    (maintainer / GONE).chmod(0o644)
    done = json.loads(sandbox.pe_dvc("cache", "prune", "--revoked", "--json").stdout)
    assert (done["kept"], done["workspace"]) == ([GONE], [])
    assert len(done["dvc"]) == 1
    gone = before - {path.name for path in (maintainer / ".dvc/cache/files").rglob("*")}
    assert {name for name in gone if len(name) == 30} == {done["dvc"][0][2:]}
    (maintainer / GONE).write_bytes(b"changed here")
    done = json.loads(sandbox.pe_dvc("cache", "prune", "--revoked", "--workspace", "--json").stdout)
    assert done["changed"] == [GONE]
    assert (maintainer / GONE).read_bytes() == b"changed here"
    assert (maintainer / KEPT).is_file()
    follow(said, "Copies on this machine go by", lambda command: sandbox.run(*command))


def test_the_git_hook_purges_before_the_withdrawal_is_published(sandbox: Sandbox) -> None:
    """Whoever merges it has it first: what stewards signed in git counts."""
    sandbox.pe_dvc("push")
    clone = with_hook(make_clone(sandbox), sandbox)
    sandbox.pe_dvc(
        *("revoke", "us/enhanced_cps_2024@latest"), *("--reason", "R.", "--authority", "A")
    )
    sandbox.commit("Withdraw, not pushed")
    cached = {path for path in (clone / ".dvc/cache/files").rglob("*") if path.is_file()}
    sandbox.run("git", "pull", "--no-rebase", "--quiet", cwd=clone, code=None)
    left = {path for path in (clone / ".dvc/cache/files").rglob("*") if path.is_file()}
    assert len(cached - left) == 1
    assert (clone / GONE).is_file()
