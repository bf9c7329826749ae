"""A CI machine is taken over: the story with all its people, by the commands that they type."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import payload_key
from pe_dvc.project.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.commands import Done
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

LATEST = "pe-data://us/enhanced_cps_2024@latest"
ONLINE = ("latest", "snapshot", "timestamp")


class Person:
    """Somebody with a clone and some keys of their own."""

    def __init__(self, sandbox: Sandbox, name: str, *roles: str) -> None:
        self.sandbox, self.home = sandbox, sandbox.directory / name
        self.clone, self.keys = self.home / "us-data", self.home / "keys"
        shutil.copytree(sandbox.repo, self.clone, symlinks=True)
        self.take_keys(*roles)

    def take_keys(self, *roles: str) -> None:
        """Copy the newest key files of these roles."""
        shutil.rmtree(self.keys, ignore_errors=True)
        (self.keys / "us").mkdir(parents=True, mode=0o700)
        self.keys.chmod(0o700)
        theirs = self.sandbox.directory / "keys/us"
        for role in roles:
            newest = sorted(theirs.glob(f"{role}*.pem"), key=lambda p: p.stat().st_mtime_ns)[-1]
            shutil.copy(newest, self.keys / "us" / newest.name)

    def run(self, *command: str, code: int = 0) -> Done:
        return self.sandbox.run(*command, cwd=self.clone, code=code, PE_DVC_KEYS_DIR=str(self.keys))

    def build(self, seed: int) -> None:
        (self.clone / "params.yaml").write_text(f"seed: {seed}\n")
        self.run("dvc", "repro", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", f"Build {seed}")


def sha256_for(sandbox: Sandbox, reader: str) -> str:
    """Return which artifact a reader gets, who keeps what was verified under that name."""
    state = str(sandbox.directory / "states" / reader)
    done = sandbox.pe_dvc(
        "show",
        LATEST,
        "--json",
        cwd=sandbox.researcher,
        PE_DVC_STORE=sandbox.store,
        PE_DVC_STATE_DIR=state,
    )
    return str(json.loads(done.stdout)["manifest"]["artifact"]["sha256"])


@pytest.fixture
def bucket(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The bucket, as who has its credentials writes to it."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(sandbox.store, options=sandbox.remote_options)


def test_a_ci_machine_is_taken_over(sandbox: Sandbox, bucket: Store, tmp_path: Path) -> None:
    sandbox.pe_dvc("push")
    sandbox.trust()
    thief, second = Person(sandbox, "thief", *ONLINE), Person(sandbox, "second", *ONLINE)
    true = sha256_for(sandbox, "old")
    assert "readers see what git holds" in sandbox.pe_dvc("channel", "status").stdout

    # The thief publishes, and takes the next names.
    thief.build(666)
    thief.run("pe-dvc", "push")
    false = sha256_for(sandbox, "fooled")
    assert false != true, "the known limit"
    for number in range(3, 40):
        bucket.overwrite(f"channels/us/{number}.latest.json", b"squatted")
        bucket.overwrite(f"channels/us/{number}.snapshot.json", b"squatted")
    bucket.overwrite("channels/us/2.root.json", b"squatted")
    bucket.overwrite(f"channels/us/{10**19}.latest.json", b"squatted")
    said = sandbox.pe_dvc("channel", "status").stdout
    assert "readers see latest 2, signed by" in said
    assert "keys were stolen: run pe-dvc channel recover" in said
    assert "version 2" in sandbox.pe_dvc("channel", "log", "latest").stdout

    # The maintainer has the offline keys.
    recovered = sandbox.pe_dvc("channel", "recover").stderr
    assert "latest-2.pem" in recovered
    fingerprint = hashlib.sha256((sandbox.repo / "channels/us/root.json").read_bytes()).hexdigest()
    assert f"fingerprint of the new root: {fingerprint}" in recovered
    assert f"fingerprint {fingerprint}" in sandbox.pe_dvc("channel", "status").stdout
    assert "root 2 with the new keys is not published" in sandbox.pe_dvc("channel", "status").stdout
    sandbox.commit("Replace the stolen keys")
    assert "2.root.json: it was not signed by today's keys" in sandbox.pe_dvc("push").stderr
    sandbox.commit("Note what was published")
    assert "readers see what git holds: latest 40" in sandbox.pe_dvc("channel", "status").stdout
    for reader in ("old", "fooled", "new"):
        assert sha256_for(sandbox, reader) == true, reader

    # The log tells the two apart, in and out of a clone.
    log = json.loads(sandbox.pe_dvc("channel", "log", "latest", "--json").stdout)
    assert log["broken"] is None
    notes = {entry["version"]: entry["note"] for entry in log["versions"]}
    assert notes[1] is None
    assert notes[40] is None
    assert "keys that no longer count" in notes[2]
    assert "not signed by any key" in notes[5]
    told = sandbox.pe_dvc("channel", "log", "latest").stdout
    assert f"sha256:{false}" in told, "to find it in the caches of those who were deceived"
    assert true not in told
    without_clone = sandbox.read("channel", "log", "latest", "--country", "us")
    assert "NOT SIGNED" in without_clone.stdout

    # The second publisher and the thief are refused; who gets the new keys goes on.
    for person in (thief, second):
        refused = person.run("pe-dvc", "push", code=1).stderr
        assert "newer than root version 1" in refused
    ci = Person(sandbox, "ci", *ONLINE)
    ci.build(8)
    ci.run("pe-dvc", "push")
    built = sha256_for(sandbox, "fooled")
    assert built not in (true, false)

    # With the bucket's credentials the thief still damages: readers refuse, and it is put right.
    sandbox.run("git", "pull", "--quiet", str(ci.clone), "HEAD")
    key = payload_key("us", _md5(ci.clone, "enhanced_cps_2024"))
    bucket.overwrite(key, b"x" * bucket.head(key).size)
    assert ci.run("pe-dvc", "fsck", code=1)
    ci.run("pe-dvc", "fsck", "--repair")
    ci.run("pe-dvc", "fsck")

    # A reviewer nominates and signs as before.
    reviewer = Person(sandbox, "reviewer", "next")
    reviewer.run("pe-dvc", "channel", "promote", "latest", "next")
    assert "next" in reviewer.run("pe-dvc", "channel", "sign", "next", "--yes").stdout


def _md5(clone: Path, name: str) -> str:
    manifest = json.loads((clone / f"manifests/{name}.json").read_text())
    return str(manifest["artifact"]["dvc"]["md5"])
