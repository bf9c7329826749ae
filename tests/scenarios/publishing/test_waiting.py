"""What cannot be published whole waits, and what is whole is published: never a broken promise."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.proxy import before
from tests.support.s3_objects import S3Objects
from tests.support.sandbox import RELEASE, Sandbox
from tests.support.stories import build, check_whole, latest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket

pytestmark = pytest.mark.either_store

NAME = "enhanced_cps_2024"


def without_key(sandbox: Sandbox, role: str) -> Path:
    """Take a role's key from this machine; return where it is now."""
    away = sandbox.directory / f"{role}.pem"
    (sandbox.directory / f"keys/us/{role}.pem").rename(away)
    return away


def test_a_draft_that_reviewers_have_not_signed_does_not_stop_latest(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    key = without_key(sandbox, "next")
    sandbox.pe_dvc("channel", "promote", "latest", "next")
    sandbox.commit("Nominate")
    newest = build(sandbox, 8)
    said = sandbox.pe_dvc("push").stderr
    assert "next stays as it is published: version 2 has 0 of the 1 signatures" in said
    assert "pe-dvc channel sign next" in said
    assert latest(sandbox)[0] == newest
    listed = json.loads(sandbox.read("channel", "list", "--country", "us", "--json").stdout)
    assert {one["channel"]: one["datasets"] for one in listed} == {"latest": 2, "next": 0}
    check_whole(sandbox)

    key.rename(sandbox.directory / "keys/us/next.pem")
    sandbox.pe_dvc("channel", "sign", "next", "--yes")
    sandbox.commit("Reviewed")
    assert sandbox.json("push")["channel"]["waiting"] == {}
    sandbox.read("show", f"us/{NAME}@next")


def test_two_reviewers_need_not_sign_an_empty_next(unbuilt_sandbox: Sandbox) -> None:
    """The channel is as ``channel init --threshold next=2`` lays it out, one reviewer apart."""
    sandbox = unbuilt_sandbox
    sandbox.create()
    sandbox.run("git", "rm", "-r", "-q", "--cached", "channels", code=None)
    for file in sorted((sandbox.repo / "channels/us").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    (sandbox.repo / "channels/us").rmdir()
    for file in (sandbox.directory / "keys/us").iterdir():
        file.unlink()
    sandbox.pe_dvc("channel", "init", "--country", "us", "--threshold", "next=2")
    sandbox.trust()
    second = sorted((sandbox.directory / "keys/us").glob("next*.pem"))[-1]
    second.rename(sandbox.directory / "other.pem")
    document = json.loads((sandbox.repo / "channels/us/next.json").read_text())
    document["signatures"] = document["signatures"][:1]
    (sandbox.repo / "channels/us/next.json").write_text(json.dumps(document))
    sandbox.build()
    said = sandbox.pe_dvc("push").stderr
    assert "next stays as it is published: version 1 has 1 of the 2 signatures" in said
    sandbox.read("get", f"us/{NAME}@latest", "-o", "latest.parquet")
    sandbox.read("ls", "us")
    sandbox.read("channel", "list", "--country", "us")
    said = sandbox.read("show", f"us/{NAME}@next", code=3).stderr
    assert "next" in said
    sandbox.pe_dvc("channel", "status")
    check_whole(sandbox)


@pytest.fixture
def released(sandbox: Sandbox) -> Sandbox:
    """A release is registered, committed and not pushed."""
    sandbox.trust()
    sandbox.write("pyproject.toml", (sandbox.repo / "pyproject.toml").read_text() + RELEASE)
    sandbox.commit("Release settings")
    sandbox.pe_dvc("push")
    sandbox.run("git", "tag", "1.0.0")
    sandbox.pe_dvc("release", "create", "1.0.0", "--from-latest")
    sandbox.commit("Register")
    return sandbox


def test_a_push_brings_the_documents_of_a_registered_release(released: Sandbox) -> None:
    pushed = released.json("push")
    assert pushed["channel"]["waiting"] == {}
    released.read("show", f"us/{NAME}@1.0.0")
    released.pe_dvc("release", "verify", "1.0.0")


def test_a_release_that_this_clone_cannot_derive_waits(released: Sandbox) -> None:
    """Without its tag nothing tells what was released."""
    released.run("git", "tag", "-d", "1.0.0")
    newest = build(released, 8)
    said = released.pe_dvc("push").stderr
    assert "releases stays as it is published: release 1.0.0" in said
    assert "pe-dvc release push 1.0.0" in said
    assert latest(released)[0] == newest
    released.run("git", "tag", "1.0.0", "HEAD~2")
    assert released.json("push")["channel"]["waiting"] == {}
    released.pe_dvc("release", "verify", "1.0.0")


def test_two_commits_and_one_push(sandbox: Sandbox) -> None:
    """The version in between is published with its data, which DVC's cache still has."""
    sandbox.trust()
    sandbox.pe_dvc("push")
    between = build(sandbox, 8)
    newest = build(sandbox, 9)
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (newest, 3)
    sandbox.read("get", f"us/{NAME}@sha256:{between}", "-o", "between.parquet")
    shown = json.loads(
        sandbox.read("channel", "show", "latest:2", "--country", "us", "--json").stdout
    )
    assert between in json.dumps(shown)
    check_whole(sandbox)


def test_two_commits_and_one_push_without_the_data_in_between(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    build(sandbox, 8)
    newest = build(sandbox, 9)
    sandbox.run("dvc", "gc", "--workspace", "--force", "--quiet")
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (newest, 3)
    check_whole(sandbox)
    log = sandbox.read("channel", "log", "latest", "--country", "us")
    assert "broken" not in log.stdout + log.stderr


@pytest.mark.parametrize("option", ["version_aware", "worktree"])
def test_a_remote_that_names_objects_otherwise_is_refused(built: Sandbox, option: str) -> None:
    built.run("dvc", "remote", "modify", "--local", "policyengine", option, "true")
    refused = built.pe_dvc("push", code=1).stderr
    assert f"the DVC remote policyengine is {option}" in refused
    assert f"dvc remote modify --unset policyengine {option}" in refused
    assert not (built.directory / "bucket/us").exists()


@pytest.mark.parametrize("header", ["if-none-match", "if-match"])
def test_a_store_that_ignores_conditions_is_refused_unless_allowed(
    tmp_path: Path, sandbox_template: Sandbox, s3_bucket: S3Bucket, header: str
) -> None:
    with before(s3_bucket) as (proxy, seen):
        proxy.hidden = frozenset({header})
        made = Sandbox(tmp_path, seen.url, {"endpointurl": seen.server.endpoint})
        made.environment |= seen.server.environment
        made.start_from(sandbox_template)
        refused = made.pe_dvc("push", code=None)
        assert refused.returncode != 0
        assert f"ignores {header.title()}" in refused.stderr
        assert "single_publisher = true" in refused.stderr
        assert list(S3Objects(s3_bucket)) == []

        shutil.rmtree(made.repo / "channels")
        anew = ("channel", "init", "--country", "us")
        keys = str(tmp_path / "other-keys")
        assert (
            f"ignores {header.title()}"
            in made.pe_dvc(*anew, code=None, PE_DVC_KEYS_DIR=keys).stderr
        )
        assert not (tmp_path / "other-keys/us").exists()
        made.run("git", "checkout", "channels")

        settings = (made.repo / "pyproject.toml").read_text()
        made.write("pyproject.toml", settings.replace('us"', 'us"\nsingle_publisher = true'))
        made.commit("One machine publishes")
        made.pe_dvc("push")

        made.write("pyproject.toml", settings)
        build(made, 8)
        in_use = made.pe_dvc("push", code=None).stderr
        assert f"ignores {header.title()}" in in_use, "in use, and never tried by this machine"
        proxy.hidden = frozenset()
        made.pe_dvc("push")
