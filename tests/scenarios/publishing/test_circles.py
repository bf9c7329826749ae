"""Honest publishers who follow each message to the letter come to an end, and break nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.project.stores import open_store
from tests.support.stories import Person, build, check_whole, digest, latest, remote_options

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

NAME = "enhanced_cps_2024"


CLOCK = """
import datetime

class Wrong(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(days={days})

import pe_dvc.project.publication
pe_dvc.project.publication.datetime = Wrong
"""


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
    before = sandbox.run("git", "rev-parse", "HEAD").stdout.strip()
    adopted = sandbox.follow(refused, "The first one is kept. Adopt it")
    sandbox.follow(adopted[-1], "Took over … Next:")
    sandbox.pe_dvc("push")
    assert latest(sandbox)[0] == first
    check_whole(sandbox)

    sandbox.run("git", "checkout", "--quiet", before)
    sandbox.pe_dvc("fsck", "--repair")
    sandbox.read("get", f"us/{NAME}@latest", "-o", "again.parquet")
    sandbox.run("git", "checkout", "--quiet", "-")
    check_whole(sandbox)


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
    assert (
        second.obey(said, "another publisher was first, and both of you changed", keep="ours") == ""
    )
    assert latest(sandbox) == (second.artifact(), 3)
    check_whole(sandbox, first.clone, second.clone)


def test_the_second_to_build_one_dataset_gives_way(two: tuple[Sandbox, Person, Person]) -> None:
    sandbox, first, second = two
    assert (
        second.obey(
            second.push(), "another publisher was first, and both of you changed", keep="theirs"
        )
        == ""
    )
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
    assert (
        second.obey(
            second.push(), "another publisher was first, and both of you changed", keep="ours"
        )
        == ""
    )
    assert latest(sandbox) == (second.artifact(), 3)
    check_whole(sandbox, second.clone)


def test_three_publishers_of_one_dataset(sandbox: Sandbox) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    people = [Person(sandbox, name) for name in ("ann", "ben", "cem")]
    for seed, person in enumerate(people, start=8):
        person.build(seed)
    assert people[0].push() == ""
    for person in people[1:]:
        assert (
            person.obey(
                person.push(), "another publisher was first, and both of you changed", keep="ours"
            )
            == ""
        )
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
    assert "this machine has none of the keys of timestamp (1)" in refused
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
