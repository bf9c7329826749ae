"""What messages advise is done as it stands, and the next attempt gets on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.commands import GIT_STATUS
from tests.support.sandbox import RELEASE
from tests.support.stories import NAME, build, digest

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

REASON = ("--reason", "Weights are wrong")


def test_what_is_not_committed_is_committed_and_pushed(built: Sandbox) -> None:
    with (built.repo / "dvc.yaml").open("a") as pipeline:
        pipeline.write("# seen\n")
    refused = built.pe_dvc("push", code=1)
    built.follow(refused.stderr, "Nothing was pushed. Commit (git add -A")
    assert built.run(*GIT_STATUS).stdout == ""


def test_channels_that_were_never_pushed_are_pushed_and_refreshed(built: Sandbox) -> None:
    refused = built.pe_dvc("channel", "refresh", code=3).stderr
    built.follow(refused, "does not exist, and git holds root … Run pe-dvc push first")
    built.pe_dvc("channel", "refresh")


def test_versions_are_looked_up_where_a_message_says(built: Sandbox) -> None:
    built.pe_dvc("push")
    wrong = built.pe_dvc("channel", "rollback", "latest", "--to", "7", *REASON, code=3).stderr
    (log,) = built.follow(wrong, "is no version of … that was published")
    assert "version 1" in log
    vague = built.pe_dvc("channel", "rollback", "latest", "--to", "latest", *REASON, code=1).stderr
    assert built.follow(vague, "says not to which version") == [log]
    unknown = f"@sha256:{'0' * 64}"
    never = built.pe_dvc("channel", "rollback", "latest", NAME, "--to", unknown, *REASON, code=3)
    assert built.follow(never.stderr, "no signed version of latest or next ever had") == [log]
    same = built.pe_dvc("channel", "promote", "next", "next", code=1).stderr
    built.follow(same, "next is not promoted to next")


def test_what_is_no_longer_whole_is_found_by_fsck(built: Sandbox) -> None:
    built.pe_dvc("push")
    old = digest(built)
    build(built, 8)
    built.pe_dvc("push")
    (built.directory / f"bucket/us/{old[:2]}/{old}.manifest.json").unlink()
    back = ("channel", "rollback", "latest", "--to", "1", *REASON)
    refused = built.pe_dvc(*back, code=3).stderr
    (found,) = built.follow(refused, "Nothing was changed. Run pe-dvc fsck", code=1)
    assert f"{old}.manifest.json" in found


def test_a_hold_that_is_over_lets_the_build_move(built: Sandbox) -> None:
    built.pe_dvc("channel", "hold", NAME, *REASON)
    built.commit("Hold")
    build(built, 8)
    said = built.pe_dvc("channel", "release-hold", NAME).stderr
    built.follow(said, "is no longer held: pe-dvc channel update latest moves it")
    assert digest(built) in (built.repo / "channels/us/latest.json").read_text()


def test_a_release_is_made_by_what_its_messages_say(built: Sandbox) -> None:
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write(RELEASE)
    built.pe_dvc("channel", "promote", "latest", "next")
    built.commit("Release settings")
    built.pe_dvc("push")
    built.run("git", "tag", "1.78.2")
    refused = built.pe_dvc("release", "push", "1.78.2", code=None)
    assert refused.returncode
    (made,) = built.follow(refused.stderr, "has no release … Run pe-dvc release create …")
    built.commit("Register")
    built.follow(made, "commit channels, then pe-dvc release push …")
    built.pe_dvc("release", "verify", "1.78.2")


def test_a_lost_manifest_is_written_again(built: Sandbox) -> None:
    built.pe_dvc("push")
    before = digest(built)
    (built.repo / f"manifests/{NAME}.json").unlink()
    refused = built.pe_dvc("manifest", "adopt", NAME, code=3).stderr
    built.follow(refused, "has no manifest here Run dvc repro")
    assert digest(built) == before


def test_a_log_that_proves_nothing_is_repaired_by_fsck(built: Sandbox) -> None:
    built.pe_dvc("push")
    assert "proven to be in the log" in built.pe_dvc("channel", "log", "latest").stderr
    log = built.directory / "bucket/channels/us/log/tile"
    for tile in [path for path in log.rglob("*") if path.is_file()]:
        tile.unlink()
    refused = built.pe_dvc("channel", "log", "latest", code=1).stderr
    built.follow(refused, "Run pe-dvc fsck --repair in the data repo")
    assert "proven to be in the log" in built.pe_dvc("channel", "log", "latest").stderr
