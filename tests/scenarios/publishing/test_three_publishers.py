"""Three publishers at once, in three clones, who do what each message says, to the letter."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.stories import NAME, Person, build, check_whole, latest

if TYPE_CHECKING:
    from tests.support.counters import Tally
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

ROUNDS = 6


def go_back(person: Person) -> None:
    """Roll back, and do what is said of the data."""
    arguments = ("channel", "rollback", "latest", "--to", "1", "--reason", "Weights are wrong")
    said = person.sandbox.pe_dvc(*arguments, cwd=person.clone).stderr
    person.obey(said, "git checkout … -- …, then pe-dvc pull", keep="ours")


def obey(person: Person, said: str) -> str:
    """Do what a refused push says, and return what its own push said."""
    if "both of you changed" in said:
        return person.obey(
            said, "another publisher was first, and both of you changed", keep="ours"
        )
    if "not committed" in said:
        return person.obey(said, "Nothing was pushed. Commit (git add -A", keep="ours")
    return person.obey(said, "another publisher was first: … is … version", keep="ours")


def published(sandbox: Sandbox) -> set[str]:
    """Return the artifacts of every version of latest that counts."""
    log = sandbox.json("channel", "log", "latest")
    assert log["broken"] is None
    shown = [
        json.loads(sandbox.pe_dvc("channel", "show", f"latest:{one['version']}", "--json").stdout)
        for one in log["versions"]
        if one["note"] is None or one["note"].startswith("git holds another")
    ]
    return {pointers[NAME]["hashes"]["sha256"] for pointers in shown}


def test_one_builds_one_went_back_and_one_lost_a_commit(sandbox: Sandbox, tally: Tally) -> None:
    sandbox.trust()
    sandbox.pe_dvc("push")
    build(sandbox, 8)
    sandbox.pe_dvc("push")
    ann, ben, lost = (Person(sandbox, name) for name in ("ann", "ben", "lost"))
    lost.build(10)
    sandbox.pe_dvc("push", cwd=lost.clone)
    gone = lost.artifact()
    shutil.rmtree(lost.clone)
    cem = Person(sandbox, "cem")
    cem.build(11)
    ann.build(9)
    go_back(ben)

    waiting = {person.name: person for person in (ann, ben, cem)}
    ours: dict[str, str] = {}
    for _ in range(ROUNDS):
        before = {name: person.artifact() for name, person in waiting.items()}
        with ThreadPoolExecutor(len(waiting)) as pool:
            told = dict(zip(waiting, pool.map(Person.push, waiting.values()), strict=True))
        ours |= {name: before[name] for name, said in told.items() if not said}
        for name in [name for name in told if not told[name]]:
            del waiting[name]
        for name, person in list(waiting.items()):
            tally("messages to publishers in races, followed", 1)
            if not obey(person, told[name]):
                ours[name] = person.artifact()
                del waiting[name]
        if not waiting:
            break
    assert not waiting, "a circle"
    clones = [person.clone for person in (ann, ben, cem)]
    check_whole(sandbox, *clones)
    sandbox.run("git", "pull", "--quiet", str(sandbox.directory / "origin.git"), "HEAD")
    assert {*ours.values(), gone} <= published(sandbox), ours
    assert latest(sandbox)[0] in ours.values()
