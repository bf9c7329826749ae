"""A dataset is withdrawn: by its stewards, in the bucket, for CI, and for old clones."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.project.stores import open_store
from tests.support.advice import follow
from tests.support.commands import GIT_STATUS, Done
from tests.support.stories import digest

if TYPE_CHECKING:
    from pe_dvc.store.port import Store
    from tests.support.sandbox import Sandbox

NAME = "enhanced_cps_2024"
WHY = ("--reason", "A respondent can be told apart.", "--authority", "Census Bureau")


def store_of(sandbox: Sandbox) -> Store:
    if not sandbox.store.startswith("s3://"):
        return LocalStore(sandbox.directory / "bucket")
    names = {"access_key_id": "AWS_ACCESS_KEY_ID", "secret_access_key": "AWS_SECRET_ACCESS_KEY"}
    keys = {ours: sandbox.environment[theirs] for ours, theirs in names.items()}
    return open_store(
        sandbox.store, options={**sandbox.remote_options, **keys, "region": "us-east-1"}
    )


def keys_in(sandbox: Sandbox) -> set[str]:
    return {info.key for info in store_of(sandbox).list("us/")}


def test_the_whole_story(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    sha256 = digest(sandbox)
    before = keys_in(sandbox)
    lock = (sandbox.repo / "dvc.lock").read_bytes()

    planned = sandbox.pe_dvc("revoke", f"us/{NAME}@latest", *WHY, "--dry-run")
    assert f"pe-data://us/{NAME}@sha256:{sha256}  withdrawn on " in planned.stdout
    assert f"channel         pe-data://us/{NAME}@latest" in planned.stderr
    assert "nothing was changed: this is a dry run" in planned.stderr
    assert sandbox.run(*GIT_STATUS).stdout == ""
    assert keys_in(sandbox) == before

    done = sandbox.json("revoke", f"us/{NAME}@latest", *WHY, "--contact", "data@example.org")
    assert done["role"]["added"] == [sha256]
    assert done["role"]["signed"] is True
    assert keys_in(sandbox) == before, "nothing leaves before the role is published"
    sandbox.commit("Withdraw it")
    pushed = sandbox.json("push")
    assert pushed["withheld"] == [NAME]
    assert pushed["removal"]["left"] == {}
    stem = f"us/{sha256[:2]}/{sha256}"
    after = keys_in(sandbox)
    assert set(pushed["removal"]["removed"]) == before - after
    assert after - before == {f"{stem}.tombstone.json"}
    assert {f"{stem}.manifest.json", f"{stem}.tombstone.json"} <= after
    assert not [key for key in after if key.startswith(f"{stem}.") and "chunks" in key]
    tombstone = json.loads(store_of(sandbox).read(f"{stem}.tombstone.json", limit=9999)[0])
    assert tombstone["reason"] == "A respondent can be told apart."
    assert tombstone["contact"] == "data@example.org"
    assert sandbox.json("push")["removal"] is None, "nothing is left to do"
    assert sandbox.json("fsck")["findings"] == []
    assert "to remove  0 objects" in sandbox.pe_dvc("gc", "--grace-days", "0").stderr

    # CI builds on: the other dataset moves, and what was withdrawn is not brought back.
    sandbox.write("build.py", (sandbox.repo / "build.py").read_text().replace("0, 10", "0, 11"))
    sandbox.run("dvc", "repro")
    sandbox.commit("A longer one")
    pushed = sandbox.json("push")
    assert pushed["withheld"] == [NAME]
    assert pushed["channel"]["versions"]["latest"] == 2
    assert not before - after & keys_in(sandbox) - before

    # An old clone with plain DVC gets DVC's own message.
    old = sandbox.directory / "old"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(old))
    sandbox.configure_remote(old)
    (old / "dvc.lock").write_bytes(lock)
    failed = sandbox.run("dvc", "pull", f"data/{NAME}.parquet", cwd=old, code=None)
    assert failed.returncode == 1
    assert "Some of the cache files do not exist neither locally nor on remote" in failed.stderr


def test_two_stewards_sign_on_two_machines(built: Sandbox) -> None:
    built.pe_dvc("push")
    keys = built.directory / "keys/us"
    first, second = keys / "revoked.pem", keys / "second.pem"
    pem = built.run("openssl", "genpkey", "-algorithm", "ed25519").stdout
    second.write_text(pem)
    second.chmod(0o600)
    public = built.directory / "second.pem"
    public.write_text(built.run("openssl", "pkey", "-in", str(second), "-pubout").stdout)
    threshold = ("--public-key", str(public), "--threshold", "2")
    built.pe_dvc("channel", "keys", "add", "revoked", *threshold)
    built.commit("Two stewards")
    built.pe_dvc("push")
    before = keys_in(built)

    second.rename(built.directory / "elsewhere")
    said = built.pe_dvc("revoke", f"us/{NAME}@latest", *WHY).stderr
    built.commit("Withdraw")
    pushed = built.json("push")
    assert "1 of the 2 signatures" in pushed["channel"]["waiting"]["revoked"]
    assert pushed["removal"] is None
    assert pushed["withheld"] == []
    assert keys_in(built) == before

    def run(words: list[str]) -> None:
        """Do what a message advises, as a person who says yes."""
        asks = words[:3] == ["pe-dvc", "channel", "sign"]
        if words[0] == "git":
            built.commit("As advised")
        else:
            built.run(*words, *(["--yes"] if asks else []))

    first.unlink()
    (built.directory / "elsewhere").rename(second)
    reviewed = built.pe_dvc("channel", "sign", "revoked", code=2).stderr
    assert "withdrawn on " in reviewed, "who signs sees the reason"
    assert "A respondent can be told apart." in reviewed
    refused = built.pe_dvc("unrevoke", f"us/{NAME}@sha256:{digest(built)}", code=1).stderr
    assert "the draft of revoked 3 has no signature" in refused
    follow(refused, "the draft of … … has no signature of this machine's keys, and", run)
    follow(said, "revoked is NOT signed: … missing. Readers see none of it until", run)
    gone = before - keys_in(built)
    assert [key for key in gone if key.startswith("us/files/md5/")]


def test_a_raw_input(built: Sandbox) -> None:
    """Its object goes as well, what was made of it, and nothing new is described."""
    built.write("raw.csv", "a respondent")
    built.run("dvc", "add", "--quiet", "raw.csv")
    pipeline = (built.repo / "dvc.yaml").read_text()
    built.write("dvc.yaml", pipeline.replace("deps: [build.py]", "deps: [build.py, raw.csv]"))
    built.write("params.yaml", "seed: 9\n")
    built.run("dvc", "repro", "--quiet")
    built.commit("Add a raw input")
    built.pe_dvc("push")
    raw = hashlib.sha256(b"a respondent").hexdigest()
    md5 = hashlib.md5(b"a respondent").hexdigest()
    assert f"us/files/md5/{md5[:2]}/{md5[2:]}" in keys_in(built)
    entries = built.json("revoke", "--raw-input", raw, *WHY)["entries"]
    assert {one["name"] for one in entries} == {"raw.csv", NAME, "cps_2024"}
    built.commit("Withdraw")
    pushed = built.json("push")
    assert pushed["withheld"] == ["cps_2024", NAME]
    lock = (built.repo / "dvc.lock").read_text()
    left = [key for key in keys_in(built) if "/files/md5/" in key]
    assert len(left) == 2, "of the build before, which read no such file"
    assert not [key for key in left if "".join(key.split("/")[-2:]) in lock]
    assert built.json("fsck")["ok"]

    built.run("dvc", "repro", "--quiet")
    said = built.pe_dvc("manifest", "write").stderr
    assert "cps_2024: derives from raw input raw.csv, which was withdrawn on" not in said
    assert f"note: cps_2024, {NAME}: was withdrawn on " in said, "its pointer may stay"
    built.write("params.yaml", "seed: 8\n")
    said = built.run("dvc", "repro", code=None).stderr
    assert "derives from raw input raw.csv, which was withdrawn on " in said
    assert "A respondent can be told apart." in said


def test_taken_back(built: Sandbox) -> None:
    built.pe_dvc("push")
    before, sha256 = keys_in(built), digest(built)
    built.pe_dvc("revoke", f"us/{NAME}@latest", *WHY)
    built.commit("Withdraw it")
    built.pe_dvc("push")
    said = built.pe_dvc("unrevoke", f"us/{NAME}@sha256:{'0' * 64}", code=3).stderr
    assert "is not withdrawn" in said
    said = built.pe_dvc("unrevoke", f"us/{NAME}@sha256:{sha256}").stderr
    pushed = built.follow(said, "next: commit, then pe-dvc push")
    assert "no signed entry says that" in pushed[0]
    built.follow(said, "after that, pe-dvc fsck --repair in a clone whose DVC")
    assert keys_in(built) == before
    built.pe_dvc("fsck")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_withdrawal_that_is_killed_is_completed_by_the_next(
    sandbox: Sandbox, number: signal.Signals
) -> None:
    """Real processes, stopped at any moment: a reader gets the whole file, or the refusal."""
    sandbox.pe_dvc("push")
    sandbox.trust()
    sha256 = digest(sandbox)
    whole = (sandbox.repo / f"data/{NAME}.parquet").read_bytes()

    def stop(delay: float, *command: str) -> None:
        process = subprocess.Popen(
            ["pe-dvc", *command],
            cwd=sandbox.repo,
            env=sandbox.environment,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        time.sleep(delay)
        process.send_signal(number)
        process.wait()

    def read(*options: str, code: int | None) -> Done:
        arguments = ("get", f"us/{NAME}@latest", *options)
        cwd, store = sandbox.researcher, sandbox.store
        return sandbox.pe_dvc(*arguments, cwd=cwd, code=code, PE_DVC_STORE=store)

    for delay in (0.4, 0.8):
        stop(delay, "revoke", f"us/{NAME}@latest", *WHY)
        sandbox.pe_dvc("channel", "status")
    sandbox.pe_dvc("revoke", f"us/{NAME}@sha256:{sha256}", *WHY)
    sandbox.commit("Withdraw it")
    for delay in (0.4, 0.7, 1.0, 1.3):
        stop(delay, "push")
        place = sandbox.researcher / f"{delay}.parquet"
        got = read("-o", str(place), code=None)
        assert got.returncode in (0, 4), got.stderr
        assert not place.exists() or place.read_bytes() == whole
    sandbox.pe_dvc("push")
    read(code=4)
    assert sandbox.json("fsck")["findings"] == []
    assert sandbox.json("push")["removal"] is None
