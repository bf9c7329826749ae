"""Which messages that advise a command have a test that follows them: the rest may only shrink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.advice import advising_messages, commands_in, followed, matches
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.support.counters import Tally

NOT_FOLLOWED = ROOT / "tests/docs/advice_not_followed.txt"
"""Messages that no test follows yet, one a line. None may be added."""
AT_MOST = 95


def test_each_message_that_advises_a_command_is_followed_or_listed(tally: Tally) -> None:
    known = followed()
    messages = advising_messages()
    lacking = {m.key for m in messages if not any(matches(piece, m) for piece in known)}
    listed = set(NOT_FOLLOWED.read_text().splitlines())
    assert lacking - listed == set(), "follow these in a test (tests/support/advice.py)"
    assert listed - lacking == set(), f"take these out of {NOT_FOLLOWED.name}"
    assert len(listed) <= AT_MOST, "the list may only shrink"
    tally("messages that advise a command", len(messages))
    tally("of these, followed to the letter by a test", len(messages) - len(lacking))


def test_what_tests_follow_is_a_message_of_the_code() -> None:
    messages = advising_messages()
    assert [p for p in followed() if not any(matches(p, m) for m in messages)] == []


def test_commands_are_read_out_of_sentences() -> None:
    said = (
        "Take over what was published: git pull, then pe-dvc channel adopt latest. Then run dvc "
        "repro and pe-dvc channel update latest, commit, and push again."
    )
    assert commands_in(said) == [
        "git pull",
        "pe-dvc channel adopt latest",
        "dvc repro",
        "pe-dvc channel update latest",
        "commit",
        "push again",
    ]
    told = "The commit is gone: dvc repro would run it again. Run `dvc commit 'a b'` at this commit"
    assert commands_in(told) == ["dvc commit 'a b'"]
