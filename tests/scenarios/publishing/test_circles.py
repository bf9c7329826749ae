"""Honest publishers who follow each message to the letter come to an end, and break nothing."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest

from pe_dvc.project.stores import open_store
from tests.scenarios.publishing.test_going_back import build, digest, latest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

NAME = "enhanced_cps_2024"
ADVICE = (
    "git pull, then pe-dvc channel adopt latest. Then run dvc repro and pe-dvc channel update "
    "latest, commit, and push again."
)


CLOCK = """
import datetime

class Wrong(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(days={days})

import pe_dvc.project.publication
pe_dvc.project.publication.datetime = Wrong
"""


def remote_options(sandbox: Sandbox) -> dict[str, str]:
    """Return what opens the bucket of a sandbox from within a test."""
    credentials = {
        option: sandbox.environment[variable]
        for option, variable in (
            ("access_key_id", "AWS_ACCESS_KEY_ID"),
            ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
        )
        if sandbox.remote_options
    }
    return {**sandbox.remote_options, **credentials}


def check_whole(sandbox: Sandbox, *clones: Path) -> None:
    """The tools of a maintainer find nothing wrong, in any clone."""
    for repo in clones or (sandbox.repo,):
        if repo != sandbox.repo:
            sandbox.run("git", "fetch", "--quiet", cwd=repo)
        assert sandbox.json("channel", "log", "latest", cwd=repo)["broken"] is None
        sandbox.pe_dvc("gc", cwd=repo)
        checked = sandbox.json("fsck", cwd=repo)
        assert checked["ok"], checked
    sandbox.read("get", f"us/{NAME}@latest", "-o", str(sandbox.directory / token_hex(4)))


def older_tool_builds_again(sandbox: Sandbox, seed: int) -> None:
    """Build what was built before, its manifest made anew: as in a clone without history."""
    sandbox.write("params.yaml", f"seed: {seed}\n")
    manifest = sandbox.repo / f"manifests/{NAME}.json"
    sandbox.run("dvc", "repro", "--quiet")
    document = json.loads(manifest.read_text())
    document["build"]["built_at"] = "2030-01-01T00:00:00Z"
    manifest.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    sandbox.run("dvc", "commit", "--force", "--quiet")
    sandbox.pe_dvc("channel", "update", "latest")
    sandbox.commit("Again")


def test_a_build_that_was_there_before_needs_no_adopt(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    first = digest(sandbox)
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    assert build(sandbox, 7) == first
    sandbox.pe_dvc("push")
    assert latest(sandbox) == (first, 3)
    check_whole(sandbox)


def test_a_refused_version_is_never_published_by_the_adopted_one(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    first = digest(sandbox)
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    older_tool_builds_again(sandbox, 7)
    refused = sandbox.pe_dvc("push", code=1).stderr
    assert f"pe-dvc manifest adopt {NAME}" in refused
    before = sandbox.run("git", "rev-parse", "HEAD").stdout.strip()
    sandbox.pe_dvc("manifest", "adopt", NAME)
    sandbox.run("dvc", "repro", "--quiet")
    sandbox.pe_dvc("channel", "update", "latest")
    sandbox.commit("Adopt")
    sandbox.pe_dvc("push")
    assert latest(sandbox)[0] == first
    check_whole(sandbox)

    sandbox.run("git", "checkout", "--quiet", before)
    sandbox.pe_dvc("fsck", "--repair")
    sandbox.read("get", f"us/{NAME}@latest", "-o", "again.parquet")
    sandbox.run("git", "checkout", "--quiet", "-")
    check_whole(sandbox)


class Person:
    """A publisher with a clone of a git remote, who does what the messages say."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.sandbox, self.clone = sandbox, sandbox.directory / name
        origin = sandbox.directory / "origin.git"
        if not origin.exists():
            sandbox.run("git", "clone", "--quiet", "--bare", str(sandbox.repo), str(origin))
        sandbox.run("git", "clone", "--quiet", str(origin), str(self.clone))
        sandbox.configure_remote(self.clone)

    def git(self, *arguments: str, code: int = 0) -> str:
        return self.sandbox.run("git", *arguments, cwd=self.clone, code=code).stdout

    def build(self, seed: int) -> None:
        (self.clone / "params.yaml").write_text(f"seed: {seed}\n")
        self.repro()
        self.git("commit", "--quiet", "--all", "--message", f"Build {seed}")

    def repro(self) -> None:
        self.sandbox.run("dvc", "repro", "--quiet", cwd=self.clone)

    def push(self) -> str:
        """Push to the bucket, and to git where that was published; return what was said."""
        done = self.sandbox.pe_dvc("push", cwd=self.clone, code=None)
        if done.returncode == 0:
            self.git("commit", "--quiet", "--allow-empty", "--all", "--message", "Published")
            self.git("push", "--quiet", "origin", "HEAD")
        return "" if done.returncode == 0 else done.stderr

    def obey(self, said: str, *, keep: str) -> None:
        """Do what a refused push says, in its order; ``keep`` is ours or theirs, of conflicts."""
        assert ADVICE in said
        pulled = self.sandbox.run(
            "git", "pull", "--quiet", "--no-rebase", "--no-edit", cwd=self.clone, code=None
        )
        if pulled.returncode != 0:
            self.git("checkout", "--quiet", f"--{keep}", ".")
        self.sandbox.pe_dvc("channel", "adopt", "latest", cwd=self.clone)
        if keep == "theirs":
            self.sandbox.run("dvc", "pull", "--quiet", cwd=self.clone)
        self.repro()
        self.sandbox.pe_dvc("channel", "update", "latest", cwd=self.clone)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "As I was told")

    def artifact(self) -> str:
        manifest = json.loads((self.clone / f"manifests/{NAME}.json").read_text())
        return str(manifest["artifact"]["sha256"])


@pytest.fixture
def two(sandbox: Sandbox) -> tuple[Sandbox, Person, Person]:
    """Two publishers who both built the same dataset; the first has published."""
    sandbox.trust()
    sandbox.pe_dvc("push")
    first, second = Person(sandbox, "first"), Person(sandbox, "second")
    second.build(9)  # earlier than what wins
    first.build(8)
    assert first.push() == ""
    return sandbox, first, second


def test_the_second_to_build_one_dataset_keeps_its_build(
    two: tuple[Sandbox, Person, Person],
) -> None:
    sandbox, first, second = two
    before = sandbox.json("fsck")
    said = second.push()
    assert "both of you changed" in said
    assert sandbox.json("fsck") == before  # not even uploaded
    second.obey(said, keep="ours")
    assert second.push() == ""
    assert latest(sandbox) == (second.artifact(), 3)
    check_whole(sandbox, first.clone, second.clone)


def test_the_second_to_build_one_dataset_gives_way(two: tuple[Sandbox, Person, Person]) -> None:
    sandbox, first, second = two
    second.obey(second.push(), keep="theirs")
    assert second.push() == ""
    assert latest(sandbox) == (first.artifact(), 2)
    check_whole(sandbox, first.clone, second.clone)


def test_the_first_never_pushed_to_git(sandbox: Sandbox) -> None:
    """Its commit is lost, and what it published is in nobody's clone."""
    sandbox.trust()
    sandbox.pe_dvc("push")
    first, second = Person(sandbox, "first"), Person(sandbox, "second")
    first.build(8)
    sandbox.pe_dvc("push", cwd=first.clone)
    second.build(9)
    second.obey(second.push(), keep="ours")
    assert second.push() == ""
    assert latest(sandbox) == (second.artifact(), 3)
    check_whole(sandbox, second.clone)


def test_three_publishers_of_one_dataset(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    people = [Person(sandbox, name) for name in ("ann", "ben", "cem")]
    for seed, person in enumerate(people, start=8):
        person.build(seed)
    waiting, pushes = list(people), 0
    while waiting:
        person = waiting.pop(0)
        pushes += 1
        assert pushes < 12, "a circle"
        if said := person.push():
            person.obey(said, keep="ours")
            waiting.append(person)
    assert latest(sandbox)[0] == people[-1].artifact()
    check_whole(sandbox, *(person.clone for person in people))


def test_a_publisher_killed_before_the_timestamp_stops_nobody(sandbox: Sandbox) -> None:
    """Its clone is lost: a version lies in the bucket that no snapshot names."""
    sandbox.trust()
    sandbox.pe_dvc("push")
    dead, next_one = Person(sandbox, "dead"), Person(sandbox, "next")
    dead.build(8)
    store = open_store(sandbox.store, options=remote_options(sandbox))
    store.create("channels/us/2.latest.json", (dead.clone / "channels/us/latest.json").read_bytes())
    next_one.build(9)
    assert next_one.push() == ""
    assert latest(sandbox) == (next_one.artifact(), 3)
    assert sandbox.json("push", cwd=next_one.clone)["rebased"] is None
    check_whole(sandbox, next_one.clone)


def test_keys_are_looked_for_before_anything_is_uploaded(sandbox: Sandbox) -> None:
    (sandbox.directory / "keys/us/timestamp.pem").unlink()
    refused = sandbox.pe_dvc("push", code=1).stderr
    assert "none of the 1 key(s) of timestamp is on this machine" in refused
    assert "Nothing was changed" in refused
    assert "PE_DVC_SIGNER_TIMESTAMP" in refused
    assert "PE_DVC_KEYS_DIR" in refused
    assert keys_in(sandbox) == []


def test_a_clone_without_keys_that_is_behind_needs_none(sandbox: Sandbox) -> None:
    sandbox.pe_dvc("push")
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    sandbox.run("git", "checkout", "--quiet", "HEAD~1")
    sandbox.run("dvc", "checkout", "--quiet")
    (sandbox.directory / "keys/us").rename(sandbox.directory / "elsewhere")
    assert sandbox.json("push")["channel"]["written"] == []


@pytest.mark.parametrize("days", [15, -60])
def test_a_clock_that_is_far_from_the_stores_publishes_nothing(sandbox: Sandbox, days: int) -> None:
    (sandbox.directory / "sitecustomize.py").write_text(CLOCK.format(days=days))
    sandbox.environment["PYTHONPATH"] = str(sandbox.directory)
    refused = sandbox.pe_dvc("push", code=1).stderr
    assert "this machine's clock says" in refused
    assert "Nothing was changed. Set the clock" in refused
    assert keys_in(sandbox) == []


def keys_in(sandbox: Sandbox) -> list[str]:
    store = open_store(sandbox.store, options=remote_options(sandbox))
    return [info.key for info in store.list("us")]
