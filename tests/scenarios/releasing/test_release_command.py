"""`pe-dvc release`, from a real `dvc repro` to a reader without a clone, on a real S3 server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.manifest import Manifest
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.channel.update import update_channel
from tests.support.commands import GIT_STATUS
from tests.support.factories import pointer_to
from tests.support.sandbox import RELEASE, Sandbox
from tests.support.sidecars import manifest_files

if TYPE_CHECKING:
    from tests.support.servers import S3Endpoint


@pytest.fixture
def on_s3(tmp_path: Path, sandbox_template: Sandbox, s3_server: S3Endpoint) -> Sandbox:
    """Return a built sandbox whose bucket is on an S3-speaking server."""
    options = {"endpointurl": s3_server.endpoint}
    made = Sandbox(tmp_path, f"s3://{s3_server.new_bucket()}", options)
    made.environment |= s3_server.environment
    made.start_from(sandbox_template)
    return made


def nominate(made: Sandbox) -> None:
    """Sign in `next` what was built."""
    manifests = [
        Manifest.from_bytes(path.read_bytes()) for path in manifest_files(made.repo / "manifests")
    ]
    signers = Signers("us", Path(made.environment["PE_DVC_KEYS_DIR"]), environ={})
    update_channel(
        made.repo / "channels",
        "us",
        "next",
        [pointer_to(m, "next") for m in manifests],
        signers,
        now=datetime.now(UTC),
    )


def tag(made: Sandbox, name: str) -> None:
    made.run("dvc", "repro", "--quiet")
    nominate(made)
    made.commit(f"Build {name}")
    made.run("git", "tag", name)


def test_from_a_git_tag_to_a_reader(on_s3: Sandbox) -> None:
    made = on_s3
    pyproject = made.repo / "pyproject.toml"
    made.write("pyproject.toml", pyproject.read_text() + RELEASE)
    tag(made, "1.0.0")
    refused = made.pe_dvc("release", "create", "1.0.0", code=1)
    assert "1.0.0 is incomplete in" in refused.stderr
    assert "cps_2024 (payload missing)" in refused.stderr

    made.pe_dvc("push")
    created = made.json("release", "create", "1.0.0")
    assert (created["state"], created["signed"], created["channel"]) == ("staged", True, "next")
    made.commit("Release 1.0.0")
    pushed = made.json("release", "push", "1.0.0")
    assert pushed["documents"] == [
        "us/releases/1.0.0/trace.tro.jsonld",
        "us/releases/1.0.0/release_manifest.json",
        "us/releases/1.0.0/release_manifest.intoto.jsonl",
    ]
    verified = made.json("release", "verify", "1.0.0")
    assert (verified["artifacts"], verified["sha256"]) == (2, created["sha256"])
    assert verified["statements"] == 2
    assert made.run(*GIT_STATUS).stdout == ""
    assert made.run("dvc", "status").stdout.strip().endswith("up to date.")

    made.write("params.yaml", "seed: 8\n")
    tag(made, "v1.1.0")
    assert [row["tag"] for row in made.json("release", "list")] == ["1.0.0", "v1.1.0"]
    states = {row["tag"]: row["state"] for row in made.json("release", "status")}
    assert states == {"1.0.0": "staged", "v1.1.0": "unreleased"}
    changed = made.json("release", "diff", "1.0.0", "v1.1.0")["changed"]
    assert "params.params.yaml.seed" in changed[0]["inputs"]
    said = made.pe_dvc("release", "diff", "1.0.0", "v1.1.0").stdout
    assert "input params.params.yaml.seed: 7 → 8" in said

    shown = json.loads(made.pe_dvc("release", "show", "1.0.0").stdout)
    assert shown["default_datasets"]["national"] == "enhanced_cps_2024"
    assert "trov:hasComposition" in made.pe_dvc("release", "show", "1.0.0", "--tro").stdout
    made.pe_dvc("release", "export", "1.0.0", "../export")
    exported = made.directory / "export/payload/data/enhanced_cps_2024.parquet"

    made.trust()
    got = made.read("get", "pe-data://us/enhanced_cps_2024@1.0.0").stdout.strip()
    assert Path(got).read_bytes() == exported.read_bytes()
    seen = made.read("show", "us/enhanced_cps_2024@1.0.0").stdout
    assert "signed by    release 1.0.0 of us" in seen
    unknown = made.read("get", "us/enhanced_cps_2024@9.9.9", code=3)
    assert "no release 9.9.9 is published" in unknown.stderr


def test_what_a_person_sees(built: Sandbox) -> None:
    made = built
    refused = made.pe_dvc("release", "create", "1.0.0", code=3)
    assert "there is no git tag '1.0.0'" in refused.stderr
    made.run("git", "tag", "1.0.0")
    refused = made.pe_dvc("release", "create", "1.0.0", code=1)
    assert "no [tool.pe_dvc.release]" in refused.stderr
    assert "docs/releasing.md" in refused.stderr
    made.write("pyproject.toml", (made.repo / "pyproject.toml").read_text() + RELEASE)
    made.run("dvc", "repro", "--quiet")
    made.commit("Settings")
    made.run("git", "tag", "--force", "1.0.0")
    made.pe_dvc("push")
    refused = made.pe_dvc("release", "create", "1.0.0", code=1)
    assert "not in the signed channel next at that commit: cps_2024, enhanced" in refused.stderr
    assert "pe-dvc channel promote" in refused.stderr
    said = made.pe_dvc("release", "create", "1.0.0", "--from-latest").stderr
    assert "all in the bucket and signed in latest" in said
    assert "commit channels, then pe-dvc release push 1.0.0" in said
    made.commit("Release")
    assert "published  1.0.0" in made.pe_dvc("release", "push", "1.0.0").stderr
    assert made.pe_dvc("release", "verify", "1.0.0").stdout.startswith("ok  1.0.0: ")
    made.pe_dvc("release", "deprecate", "1.0.0", "--reason", "use 1.0.1")
    assert "deprecated      published" in made.pe_dvc("release", "status").stdout
    made.commit("Deprecate")
    made.pe_dvc("release", "push", "1.0.0")
    got = made.pe_dvc("get", "us/enhanced_cps_2024@1.0.0")
    assert "warning: release 1.0.0 of us is deprecated: use 1.0.1\n" in got.stderr
    assert "resolve_release.py" not in got.stderr
