"""A thief with all online keys rewrites a bucket's history: the story by the commands typed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.commands import Done
    from tests.support.sandbox import Sandbox

LATEST = "pe-data://us/enhanced_cps_2024@latest"


def publish(sandbox: Sandbox, seed: int) -> None:
    sandbox.write("params.yaml", f"seed: {seed}\n")
    sandbox.build()
    sandbox.pe_dvc("push")
    sandbox.commit("Note what was published")


def by(sandbox: Sandbox, reader: str, *command: str, code: int = 0) -> Done:
    """Let a reader run a command of pe-dvc, who keeps what was verified under that name.

    One called ``careless`` pinned the root alone, and not what was seen beside it.
    """
    own = {"PE_DVC_STATE_DIR": str(sandbox.directory / "states" / reader)}
    if reader == "careless":
        own["PE_DVC_CONFIG_DIR"] = str(sandbox.directory / "careless")
    return sandbox.pe_dvc(
        *command, cwd=sandbox.researcher, code=code, PE_DVC_STORE=sandbox.store, **own
    )


def show(sandbox: Sandbox, reader: str, code: int = 0) -> Done:
    return by(sandbox, reader, "show", LATEST, "--json", code=code)


def read(sandbox: Sandbox, reader: str) -> str:
    return str(json.loads(show(sandbox, reader).stdout)["manifest"]["artifact"]["sha256"])


def remembered_log(sandbox: Sandbox, reader: str) -> str:
    """The line that people read to each other."""
    said = by(sandbox, reader, "trust", "show", "us").stdout
    (line,) = [line for line in said.splitlines() if line.startswith("log ")]
    return line


def rewrite_history(sandbox: Sandbox) -> None:
    """With copies of all online keys and the bucket's credentials: a history that never was."""
    clone, keys = sandbox.directory / "thief/us-data", sandbox.directory / "thief/keys"
    shutil.copytree(sandbox.repo, clone, symlinks=True)
    (keys / "us").mkdir(parents=True, mode=0o700)
    keys.chmod(0o700)
    for role in ("latest", "snapshot", "timestamp"):
        shutil.copy(sandbox.directory / f"keys/us/{role}.pem", keys / "us")
    shutil.rmtree(Path(sandbox.store) / "channels/us")
    shutil.rmtree(clone / "channels/us/seen")  # else his own push would refuse that bucket

    def run(*command: str) -> None:
        sandbox.run(*command, cwd=clone, PE_DVC_KEYS_DIR=str(keys))

    def push(message: str) -> None:
        run("git", "add", "--all")
        run("git", "commit", "--quiet", "--message", message)
        run("pe-dvc", "push")
        shutil.rmtree(clone / "channels/us/seen")

    (clone / "params.yaml").write_text("seed: 666\n")
    run("dvc", "repro", "--quiet")
    push("Forge")
    for number in range(2):  # until versions are above those that readers have seen
        run("pe-dvc", "channel", "renew", "latest")
        push(f"Renew {number}")


def check_evidence(said: str) -> None:
    """Both publications and what the tiles gave are where the message says that they are."""
    kept = [Path(line) for line in re.findall(r"^ +(/\S+\.json)$", said, re.M)]
    assert [file.name.partition(".")[0] for file in kept] == [
        *("timestamp", "snapshot"),
        *("timestamp", "snapshot"),
        "log",
    ]
    documents = [json.loads(file.read_bytes()) for file in kept]
    sizes = [one["signed"]["x-pe-dvc-log"]["size"] for one in documents[:4]]
    assert sizes == [7, 7, 8, 8]
    assert documents[-1]["country"] == "us"


def test_a_rewritten_history_is_refused_until_the_offline_root_begins_a_new_log(
    built: Sandbox,
) -> None:
    built.pe_dvc("push")
    built.commit("Note what was published")
    publish(built, 8)
    built.trust()
    true = read(built, "old")
    assert read(built, "other") == true
    assert remembered_log(built, "old") == remembered_log(built, "other")

    rewrite_history(built)
    refused = show(built, "old", code=1).stderr
    assert "of which the first 7 are not those of" in refused
    assert "begin a new log by the offline root" in refused
    check_evidence(refused)
    check_evidence(show(built, "pinned", code=1).stderr)  # never read, and has a file of seen/
    root = shutil.copy(built.repo / "channels/us/root.json", built.directory)
    by(built, "careless", "trust", "add", "us", str(root))
    assert read(built, "careless") != true, "the known limit: this one has seen nothing before"
    assert remembered_log(built, "careless") != remembered_log(built, "other")

    # No push goes on from there, with the stolen keys or with new ones.
    said = built.pe_dvc("push", code=1).stderr
    assert "not those that git saw" in said
    assert "channels/us/seen/2-" in said
    built.pe_dvc("channel", "recover")
    built.commit("Replace the stolen keys")
    said = built.pe_dvc("push", code=1).stderr
    assert "pe-dvc channel recover --new-log" in said
    show(built, "old", code=1)

    # docs/runbook-keys.md, "A new log"
    built.follow(said, "the keys were stolen: run pe-dvc channel recover --new-log")
    built.commit("Note what was published")
    for reader in ("old", "pinned", "careless", "new"):
        assert read(built, reader) == true, reader
    assert " of log 2, " in remembered_log(built, "old")
    assert remembered_log(built, "old") == remembered_log(built, "new")

    shutil.rmtree(Path(built.store) / "channels/us")
    said = built.pe_dvc("push", code=1).stderr
    built.follow(said, "Only where there is none, run pe-dvc channel recover --new-log")
    assert read(built, "old") == true
    assert " of log 3, " in remembered_log(built, "old")
