"""``pe-dvc gc`` on a real bucket: what is left can still be pulled, shown and verified."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from tests.support.servers import S3Endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

NOW = ("--grace-days", "0")


def begin_upload(sandbox: Sandbox) -> list[int]:
    """Leave an upload as a killed process does; return the bytes of all that there are."""
    if not sandbox.remote_options:
        return []
    client = S3Endpoint(sandbox.remote_options["endpointurl"]).client()
    where = {"Bucket": sandbox.store.removeprefix("s3://"), "Key": "us/files/md5/4e/92"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"part")
    time.sleep(1.1)  # S3 tells to the second when it was begun
    return [len(b"part")]


def test_what_no_branch_names_goes_and_the_rest_still_works(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    uploads = begin_upload(sandbox)
    kept = sandbox.json("gc", *NOW)
    assert kept["plan"]["remove"] == []
    assert [one["size"] for one in kept["uploads"]["found"]] == uploads

    sandbox.run("git", "checkout", "--quiet", "-b", "trial")
    sandbox.write("scratch.bin", "scratch")
    sandbox.run("dvc", "add", "--quiet", "scratch.bin")
    sandbox.commit("Try something")
    sandbox.pe_dvc("push")
    sandbox.run("git", "checkout", "--quiet", "-")
    assert sandbox.json("gc", *NOW)["plan"]["remove"] == []
    sandbox.run("git", "branch", "--quiet", "-D", "trial")

    young = sandbox.json("gc", "--apply")
    assert (young["removed"], young["plan"]["remove"]) == (0, []), "the grace period was ignored"
    said = sandbox.pe_dvc("gc").stderr
    assert "kept, whether in use or not\nin use     0 objects of the older ones" in said
    assert said.endswith("There is nothing to remove.\n")
    assert young["uploads"]["found"] == []
    dry = sandbox.pe_dvc("gc", *NOW)
    assert "payload" in dry.stdout
    assert ("not finished  us/files/md5/4e/92" in dry.stdout) == bool(uploads)
    assert "dry run" in dry.stderr
    done = sandbox.json("gc", "--apply", *NOW)
    assert done["removed"] == 1
    assert [one["size"] for one in done["plan"]["remove"]] == [len("scratch")]
    assert done["uploads"]["removed"] == len(uploads)
    again = sandbox.json("gc", "--apply", *NOW)
    assert (again["removed"], again["uploads"]["found"]) == (0, [])

    clone = sandbox.directory / "clone"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(clone), cwd=sandbox.directory)
    sandbox.configure_remote(clone)
    sandbox.run("dvc", "pull", "--quiet", cwd=clone)
    assert {check["verdict"] for check in sandbox.json("verify", cwd=clone)} == {"ok"}
    sandbox.trust()
    sandbox.read("get", "pe-data://us/enhanced_cps_2024@latest")


def test_a_shallow_clone_removes_nothing(built: Sandbox) -> None:
    built.pe_dvc("push")
    built.run("git", "commit", "--quiet", "--allow-empty", "--message", "More history")
    clone = built.directory / "clone"
    url = f"file://{built.repo}"
    built.run("git", "clone", "--quiet", "--depth=1", url, str(clone), cwd=built.directory)
    built.configure_remote(clone)
    refused = built.pe_dvc("gc", "--apply", *NOW, cwd=clone, code=1)
    assert "shallow" in refused.stderr
    assert "--unshallow" in refused.stderr


def other_project(sandbox: Sandbox) -> Path:
    """Return a data repo of the same country with channels of its own, at the same bucket."""
    other = sandbox.directory / "other"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(other), cwd=sandbox.directory)
    sandbox.configure_remote(other)
    shutil.rmtree(other / "channels")
    keys = str(sandbox.directory / "other-keys")
    sandbox.pe_dvc("channel", "init", "--country", "us", cwd=other, PE_DVC_KEYS_DIR=keys)
    sandbox.run("git", "add", "--all", cwd=other)
    sandbox.run("git", "commit", "--quiet", "--message", "Channels of our own", cwd=other)
    return other


def test_another_projects_bucket_is_neither_cleared_nor_repaired(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    other = other_project(sandbox)
    for command in (("gc", *NOW), ("gc", "--apply", *NOW), ("fsck", "--repair")):
        refused = sandbox.pe_dvc(*command, cwd=other, code=1).stderr
        assert "have another root than this repo's: it is another project's bucket" in refused
        assert "PE_DVC_STORE" in refused
    sandbox.pe_dvc("gc", "--apply", *NOW)


def test_a_bucket_that_keeps_versions_frees_nothing_and_gc_says_so(sandbox: Sandbox) -> None:
    if sandbox.remote_options:
        client = S3Endpoint(sandbox.remote_options["endpointurl"]).client()
        bucket = sandbox.store.removeprefix("s3://")
        enabled = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
    sandbox.run("git", "checkout", "--quiet", "-b", "trial")
    sandbox.write("scratch.bin", "scratch")
    sandbox.run("dvc", "add", "--quiet", "scratch.bin")
    sandbox.commit("Try something")
    sandbox.pe_dvc("push")
    sandbox.run("git", "checkout", "--quiet", "-")
    sandbox.run("git", "branch", "--quiet", "-D", "trial")
    time.sleep(1.1)  # S3 tells when an object was written to the second: else it is of now
    said = sandbox.pe_dvc("gc", "--apply", *NOW).stderr
    assert "removed 1 object" in said
    kept = "nothing was freed: the bucket keeps old versions"
    assert (kept in said) == bool(sandbox.remote_options)


def test_what_a_plain_dvc_repo_keeps_on_the_same_remote_is_left(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    plain = sandbox.directory / "plain"
    plain.mkdir()
    sandbox.run("git", "init", "--quiet", cwd=plain)
    sandbox.run("dvc", "init", "--quiet", cwd=plain)
    (plain / ".dvc/config").write_text("[core]\n    remote = policyengine\n")
    sandbox.configure_remote(plain)
    (plain / "theirs.csv").write_text("theirs")
    sandbox.run("dvc", "add", "--quiet", "theirs.csv", cwd=plain)
    sandbox.run("dvc", "push", "--quiet", cwd=plain)

    time.sleep(1.1)
    said = sandbox.pe_dvc("gc", "--apply", *NOW).stderr
    assert "unknown    1 object (6 B) left" in said
    assert "There is nothing to remove" in said
    (plain / "theirs.csv").unlink()
    sandbox.run("rm", "-r", ".dvc/cache", cwd=plain)
    sandbox.run("dvc", "pull", "--quiet", cwd=plain)
    assert (plain / "theirs.csv").read_text() == "theirs"

    counted = sandbox.json("gc", *NOW)["plan"]
    assert (len(counted["unknown"]), counted["remove"]) == (1, [])
    assert sandbox.json("gc", "--apply", "--unknown", *NOW)["removed"] == 1
