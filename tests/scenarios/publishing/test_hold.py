"""A dataset is held in ``latest``: builds go on, and readers keep what was checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.stories import build, digest, latest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

NAME = "enhanced_cps_2024"


def test_a_held_dataset_stays_for_readers_while_others_move(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    good = digest(sandbox)
    said = sandbox.pe_dvc("channel", "hold", NAME, "--reason", "Weights are checked").stderr
    assert f"{NAME} is held: commit and push" in said
    sandbox.commit("Hold")
    sandbox.pe_dvc("push")

    sandbox.write("params.yaml", "seed: 8\n")
    built = sandbox.run("dvc", "repro").stderr
    assert f"{NAME} stays: held: Weights are checked (" in built
    sandbox.commit("Build with seed 8")
    assert digest(sandbox) != good
    verified = sandbox.pe_dvc("verify").stdout
    assert "and latest has another one, held: Weights are checked" in verified
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (good, 3), "readers of all ages see what is held"
    listed = sandbox.read("channel", "show", "latest", "--country", "us").stdout
    assert "held: Weights are checked (" in listed
    status = sandbox.pe_dvc("channel", "status").stdout
    assert f"{NAME} is held in latest: Weights are checked" in status
    log = sandbox.json("channel", "log", "latest")
    assert log["broken"] is None

    sandbox.pe_dvc("channel", "release-hold", NAME)
    sandbox.pe_dvc("channel", "update", "latest")
    sandbox.commit("Release the hold")
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (digest(sandbox), 4)
    sandbox.pe_dvc("fsck")


def test_what_is_held_is_not_nominated(built: Sandbox) -> None:
    built.pe_dvc("channel", "hold", NAME, "--reason", "Weights are checked")
    refused = built.pe_dvc("channel", "promote", "latest", "next", code=1).stderr
    assert f"{NAME} is held: Weights are checked" in refused
    overridden = ("--override", "All is well")
    built.pe_dvc("channel", "promote", "latest", "next", *overridden, code=1)
    said = built.json("channel", "promote", "latest", "next", "cps_2024")
    assert said["added"] == ["cps_2024"]
    built.pe_dvc("channel", "release-hold", NAME)
    assert built.json("channel", "promote", "latest", "next")["added"] == [NAME]


def test_a_hold_needs_a_reason_a_dataset_and_is_released_once(built: Sandbox) -> None:
    before = (built.repo / "channels/us/latest.json").read_bytes()
    assert "needs a reason" in built.pe_dvc("channel", "hold", NAME, "--reason", " ", code=1).stderr
    unknown = built.pe_dvc("channel", "hold", "enhanced_cps", "--reason", "A", code=3).stderr
    assert f"latest has no dataset 'enhanced_cps'\n  Did you mean {NAME}?" in unknown
    released = built.pe_dvc("channel", "release-hold", NAME, code=3).stderr
    assert f"{NAME} is not held in latest" in released
    assert (built.repo / "channels/us/latest.json").read_bytes() == before


def test_a_hold_that_nobody_signed_keeps_nothing(built: Sandbox) -> None:
    """Whoever edits a file in a pull request has CI sign no pointer that no build made."""
    path = built.repo / "channels/us/latest.json"
    document = json.loads(path.read_text())
    target = document["signed"]["targets"][f"us/latest/{NAME}"]
    target["hashes"]["sha256"] = "0" * 64
    target["custom"]["hold"] = {"reason": "Trust me", "by": "Mallory"}
    path.write_text(json.dumps(document))
    said = built.pe_dvc("channel", "update", "latest").stderr
    assert "stays" not in said
    signed = path.read_text()
    assert "Trust me" not in signed
    assert digest(built) in signed

    path.write_text(json.dumps(document))
    refused = built.pe_dvc("channel", "hold", "cps_2024", "--reason", "Checked", code=1).stderr
    assert "signature" in refused
    assert "Trust me" in path.read_text(), "as it was: nothing was signed"


def test_a_hold_is_met_by_a_publisher_who_did_not_know_of_it(
    built: Sandbox, tmp_path: Path
) -> None:
    built.pe_dvc("push")
    held = digest(built)
    other = tmp_path / "other"
    built.run("git", "clone", "--quiet", str(built.repo), str(other), cwd=tmp_path)
    built.configure_remote(other)
    built.pe_dvc("channel", "hold", NAME, "--reason", "Weights are checked")
    built.commit("Hold")
    built.pe_dvc("push")

    (other / "params.yaml").write_text("seed: 11\n")
    built.run("dvc", "repro", "--quiet", "--force", cwd=other)
    built.run("git", "commit", "--quiet", "--all", "--message", "Theirs", cwd=other)
    refused = built.pe_dvc("push", cwd=other, code=1).stderr
    assert f"both of you changed {NAME}" in refused
    built.trust()
    assert latest(built) == (held, 2)


def test_an_earlier_version_or_a_digest_is_nominated(built: Sandbox) -> None:
    built.pe_dvc("push")
    first = digest(built)
    build(built, 8)
    built.pe_dvc("push")
    second = digest(built)
    said = built.pe_dvc("channel", "promote", "latest:9", "next", code=3).stderr
    assert "latest:9 is no version of latest that was published" in said
    assert "There are 1, 2: see pe-dvc channel log latest." in said
    built.pe_dvc("channel", "promote", "latest:1", "next")
    assert nominated(built) == {"cps_2024", NAME}
    assert pointer(built)["hashes"]["sha256"] == first

    built.pe_dvc("channel", "promote", f"@sha256:{second}", "next", NAME)
    assert pointer(built)["hashes"]["sha256"] == second
    wrong = built.pe_dvc("channel", "promote", f"@sha256:{second}", "next", "cps_2024", code=3)
    assert "no signed version of latest or next ever had" in wrong.stderr
    assert (
        "Name the dataset"
        in built.pe_dvc("channel", "promote", f"@sha256:{second}", "next", code=1).stderr
    )
    unknown = built.pe_dvc("channel", "promote", "nothing", "next", code=3).stderr
    assert "no release nothing is published" in unknown, "a release may be called by any label"
    for source in ("latest:x", "12"):
        refused = built.pe_dvc("channel", "promote", source, "next", code=1).stderr
        assert f"{source!r} names nothing published" in refused


def nominated(sandbox: Sandbox) -> set[str]:
    signed = json.loads((sandbox.repo / "channels/us/next.json").read_text())["signed"]
    return {path.split("/")[2] for path in signed["targets"]}


def pointer(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    signed = json.loads((sandbox.repo / "channels/us/next.json").read_text())["signed"]
    found: dict[str, dict[str, str]] = signed["targets"][f"us/next/{NAME}"]
    return found
