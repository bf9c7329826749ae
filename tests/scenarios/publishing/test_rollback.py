"""``pe-dvc channel rollback``: publishers, reviewers, and readers who come new or come back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.project.channel_rollback import rollback
from tests.support.commands import GIT_STATUS
from tests.support.kept_repo import KeptRepo
from tests.support.sandbox import RELEASE
from tests.support.servers import S3Endpoint
from tests.support.stories import build, digest, latest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

NAME, OTHER = "enhanced_cps_2024", "cps_2024"
WHY = ("--reason", "Weights are wrong")


def back(sandbox: Sandbox, *arguments: str, code: int = 0, cwd: Path | None = None) -> str:
    """Roll back and return what was said."""
    return sandbox.pe_dvc("channel", "rollback", *arguments, *WHY, code=code, cwd=cwd).stderr


def published(sandbox: Sandbox, channel: str = "latest") -> dict[str, Any]:
    """Return the pointers that a reader is shown who was there before."""
    shown = sandbox.read("channel", "show", channel, "--country", "us", "--json").stdout
    pointers: dict[str, Any] = json.loads(shown)
    return pointers


def newcomer(sandbox: Sandbox, cwd: Path) -> str:
    """Return what is shown to a reader who was never there."""
    shown = sandbox.run(
        *("pe-dvc", "show", f"us/{NAME}@latest", "--json"),
        cwd=cwd,
        PE_DVC_STORE=sandbox.store,
        PE_DVC_STATE_DIR=str(cwd / "state"),
        PE_DVC_CACHE_DIR=str(cwd / "cache"),
    )
    return str(json.loads(shown.stdout)["manifest"]["artifact"]["sha256"])


def check_whole(sandbox: Sandbox) -> None:
    """Nothing is broken afterwards, for the next publisher and for those who keep the bucket."""
    assert sandbox.json("channel", "log", "latest")["broken"] is None
    sandbox.pe_dvc("verify")
    sandbox.pe_dvc("fsck")
    sandbox.pe_dvc("gc")


def test_after_a_bad_build_readers_of_all_ages_get_the_good_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    good = digest(sandbox)
    bad = build(sandbox, 8)
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (bad, 2)

    said = back(sandbox, "latest", "--to", "1")
    assert "latest is at version 3" in said
    assert f"restored manifests/{NAME}.json" in said
    first = sandbox.run("git", "rev-list", "--max-parents=0", "HEAD").stdout.strip()
    assert f"git checkout {first[:12]} -- dvc.lock" in said
    assert digest(sandbox) == good
    assert latest(sandbox) == (bad, 2), "nothing is published before it is committed and pushed"

    assert "restored manifests/weighted.metrics.json" in said
    sandbox.follow(said, "git checkout … -- …, then pe-dvc pull")
    metrics = sandbox.run("git", "diff", "--stat", first, "--", "manifests").stdout
    assert metrics == "", "manifests, sidecars and metrics are those of the good build"
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (good, 3)
    assert newcomer(sandbox, tmp_path) == good
    note = published(sandbox)[NAME]["custom"]["rollback"]
    assert note["reason"] == "Weights are wrong"
    assert (note["from"], note["to"]) == (f"sha256:{bad}", "latest:1")
    assert "<" in note["by"]
    log = sandbox.read("channel", "log", "latest", "--country", "us").stdout
    assert "went back to latest:1: Weights are wrong (" in log
    check_whole(sandbox)


def test_a_build_after_it_goes_on_from_there(built: Sandbox) -> None:
    built.trust()
    built.pe_dvc("push")
    good = digest(built)
    bad = build(built, 8)
    built.pe_dvc("push")
    back(built, "latest", "--to", "1")
    built.run("git", "checkout", "HEAD~1", "--", "dvc.lock")
    built.pe_dvc("pull")
    built.commit("Go back to version 1")
    built.pe_dvc("push")

    # The parameters that made the bad build are still here: what was taken back stays so.
    said = built.run("dvc", "repro").stderr
    assert f"{NAME} stays: went back from this build to latest:1: Weights are wrong" in said
    assert digest(built) == bad
    for name in (NAME, OTHER):
        built.pe_dvc("manifest", "adopt", name)
    built.run("dvc", "repro", "--quiet")
    built.commit("The bad build again")
    built.pe_dvc("push")
    assert latest(built)[0] == good

    better = build(built, 10)
    built.pe_dvc("push")
    assert latest(built) == (better, 4)
    assert "rollback" not in published(built)[NAME]["custom"]
    check_whole(built)


def test_one_of_several_goes_back(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    good = published(sandbox)
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    bad = published(sandbox)

    said = back(sandbox, "latest", NAME, "--to", "1")
    assert f"restored manifests/{NAME}.json" in said
    assert f"manifests/{OTHER}.json" not in said
    sandbox.follow(said, "pe-dvc get … --output …")
    assert sandbox.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    assert sandbox.run(*GIT_STATUS).stdout == ""
    sandbox.pe_dvc("push")
    now = published(sandbox)
    assert now[NAME]["hashes"] == good[NAME]["hashes"]
    assert now[OTHER] == bad[OTHER]
    check_whole(sandbox)


def test_two_reviewers_take_next_back(built: Sandbox) -> None:
    """A draft, as a nomination is one: readers see it when both have signed."""
    built.pe_dvc("channel", "keys", "add", "next", "--threshold", "2", "--name", "bob")
    built.trust()
    built.pe_dvc("channel", "promote", "latest", "next")
    built.commit("Nominate")
    built.pe_dvc("push")
    good = digest(built)
    build(built, 8)
    built.pe_dvc("channel", "promote", "latest", "next")
    built.commit("Nominate the bad one")
    built.pe_dvc("push")
    bad = published(built, "next")
    assert bad[NAME]["hashes"]["sha256"] != good
    versions = {one["channel"]: one["version"] for one in built.json("channel", "list")}

    keys = sorted((built.directory / "keys/us").glob("next*.pem"))
    assert len(keys) == 2
    kept = built.directory / "bob.pem"
    keys[1].rename(kept)
    before = digest(built)
    said = back(built, "next", "--to", str(versions["next"] - 1))
    assert f"next is at version {versions['next'] + 1}" in said
    assert "1 signature missing" in said
    assert digest(built) == before, "the manifests are those of latest"
    built.commit("Take next back")
    assert published(built, "next") == bad
    keys[0].rename(built.directory / "alice.pem")
    kept.rename(keys[1])
    assert built.json("channel", "sign", "next", "--yes")["missing"] == 0
    (built.directory / "alice.pem").rename(keys[0])
    built.commit("Bob signs")
    built.pe_dvc("push")
    now = published(built, "next")
    assert now[NAME]["hashes"]["sha256"] == good
    assert now[NAME]["custom"]["rollback"]["reason"] == "Weights are wrong"
    check_whole(built)


def test_what_is_not_whole_any_more_is_refused(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    old = json.loads((sandbox.repo / f"manifests/{NAME}.json").read_text())["artifact"]
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    sandbox.run("pe-dvc", "verify")
    before = status(sandbox)
    md5 = old["dvc"]["md5"]
    remove(sandbox, f"us/files/md5/{md5[:2]}/{md5[2:]}")
    said = back(sandbox, "latest", "--to", "1", code=3)
    assert f"{NAME}, sha256:{old['sha256']} is not whole" in said
    assert "Nothing was changed." in said
    assert status(sandbox) == before
    back(sandbox, "latest", OTHER, "--to", "1")


def test_what_never_was_published_or_no_longer_counts_is_refused(built: Sandbox) -> None:
    built.pe_dvc("push")
    before = status(built)
    assert "latest:7 is no version of latest that was" in back(built, "latest", "--to", "7", code=3)
    assert "says not to which version" in back(built, "latest", "--to", "latest", code=1)
    assert "no release yesterday is published" in back(built, "latest", "--to", "yesterday", code=3)
    unknown = back(built, "latest", "other", "--to", "1", code=3)
    assert "latest:1 has no dataset 'other'" in unknown
    reason = built.pe_dvc("channel", "rollback", "latest", "--to", "1", "--reason", "", code=1)
    assert "a rollback needs a reason" in reason.stderr
    said = back(built, "latest", "--to", "1")
    assert "latest has what latest:1 had: there is nothing to go back to" in said
    assert status(built) == before


def test_a_clone_that_never_saw_the_bad_build_takes_it_back(built: Sandbox, tmp_path: Path) -> None:
    """CI published it, and its commit was lost: what readers see is what is gone back from."""
    built.trust()
    built.pe_dvc("push")
    good = digest(built)
    bad = build(built, 8)
    built.pe_dvc("push")
    built.run("git", "reset", "--quiet", "--hard", "HEAD~1")
    built.run("dvc", "checkout", "--quiet")
    assert latest(built) == (bad, 2)
    back(built, "latest", "--to", "1")
    built.commit("Go back")
    built.pe_dvc("push")
    assert latest(built) == (good, 3)
    check_whole(built)


def test_a_digest_is_gone_back_to(built: Sandbox) -> None:
    built.trust()
    built.pe_dvc("push")
    good = digest(built)
    build(built, 8)
    built.pe_dvc("push")
    back(built, "latest", NAME, "--to", f"@sha256:{good}")
    assert digest(built) == good
    wrong = back(built, "latest", OTHER, "--to", f"@sha256:{good}", code=3)
    assert "no signed version of latest or next ever had" in wrong


def test_a_release_is_gone_back_to(built: Sandbox) -> None:
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write(RELEASE)
    built.commit("Release settings")
    built.pe_dvc("push")
    built.run("git", "tag", "1.78.2")
    built.pe_dvc("release", "create", "1.78.2", "--from-latest")
    built.commit("Release 1.78.2")
    built.pe_dvc("release", "push", "1.78.2")
    good = digest(built)
    build(built, 8)
    built.pe_dvc("push")
    said = back(built, "latest", "--to", "1.78.2")
    assert "latest is at version 3" in said
    assert digest(built) == good


def test_what_dvc_add_tracks_is_taken_back_by_its_own_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = KeptRepo(tmp_path, monkeypatch)
    for word in ("good", "bad"):
        kept.build(word)
        kept.push()
    done = rollback(kept.repo, "latest", to="2", reason="Weights are wrong")
    assert done.dvc_files == (f"data/{OTHER}.parquet.dvc", f"data/{NAME}.parquet.dvc")


def test_a_file_of_dvc_add_goes_back_and_nothing_is_left_to_rebuild(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.write("data/targets.csv", "name,value\nsnap,100\n")
    sandbox.pe_dvc("add", "data/targets.csv", "--name", "targets", "--kind", "auxiliary")
    publish_build(sandbox)
    good = published(sandbox)["targets"]
    sandbox.write("data/targets.csv", "name,value\nsnap,1\n")
    sandbox.run("dvc", "add", "--quiet", "data/targets.csv")
    publish_build(sandbox)

    said = back(sandbox, "latest", "targets", "--to", "2")
    data, _, _ = said.partition("Then dvc repro")
    sandbox.follow(data, "git checkout … -- …, then pe-dvc pull")
    sandbox.follow(said, "Then dvc repro for dvc.lock, commit")
    assert sandbox.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    assert sandbox.run(*GIT_STATUS).stdout == ""
    sandbox.pe_dvc("push")
    assert published(sandbox)["targets"]["hashes"] == good["hashes"]


def publish_build(sandbox: Sandbox) -> None:
    sandbox.run("dvc", "repro", "--quiet")
    sandbox.commit("Build")
    sandbox.pe_dvc("push")


def status(sandbox: Sandbox) -> str:
    return sandbox.run(*GIT_STATUS).stdout


def remove(sandbox: Sandbox, key: str) -> None:
    """Delete an object past pe_dvc."""
    if sandbox.remote_options:
        bucket = sandbox.store.removeprefix("s3://")
        client = S3Endpoint(sandbox.remote_options["endpointurl"]).client()
        client.delete_object(Bucket=bucket, Key=key)
    else:
        (sandbox.directory / "bucket" / key).unlink()
