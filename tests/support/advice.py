"""The commands that messages advise: read out of what was said, run, and counted.

A test follows a message by ``follow``, which names it by a piece of its text with ``…`` for what
is filled in. ``tests/docs/test_advice.py`` knows by these calls which messages were followed.
"""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FILLED_IN = "…"
_COMMAND = re.compile(
    r"(?<![\w/.-])(?:pe-dvc|dvc|git) +(?:'[^']*'|[^\s,;:()\"`&])(?:[^,;:()\"`&\n]|(?<=\S):)*"
    r"|(?:(?<=[,:] )|(?<=[Tt]hen )|(?<=and )|(?<=\. ))[Cc]ommit\b|\bpush again\b"
)
_ENDS = (
    *("a", "again", "and", "at", "after", "before", "by", "finds", "first", "for", "from", "here"),
    *("if", "in", "is", "it", "lists", "moves", "of", "on", "or", "restores", "shows", "that"),
    *("the", "then", "there", "to", "where", "which", "with"),
)
"""Words at which a sentence goes on after a command."""
_TOLD = ("brings", "fails", "looks", "would")
"""Words after which nothing is advised: a command is spoken of."""
_VERBS = {
    "git": "add checkout fetch pull revert rm tag",
    "dvc": "add cache checkout commit config pull push remote repro update",
    "pe-dvc": "cache channel check fsck gc get install ls manifest pull push release show trust "
    "verify",
}


def commands_in(text: str) -> list[str]:
    """Return the commands in a message, in its order; ``commit`` and ``push again`` are two."""
    found, start = [], 0
    while match := _COMMAND.search(text, start):
        start = match.end()
        program, *words = match.group().split(" ")
        if program not in _VERBS:
            found.append(match.group().lower())
            continue
        kept = _arguments(words)
        start = match.start() + len(" ".join([program, *kept]))
        if words[len(kept) : len(kept) + 1] and words[len(kept)] in _TOLD:
            continue
        if kept and kept[0].rstrip(".") in _VERBS[program].split():
            found.append(" ".join([program, *kept]).rstrip(". "))
    return found


def _arguments(words: list[str]) -> list[str]:
    """Return the words up to the one at which the sentence goes on, or ends."""
    kept = list(takewhile(lambda word: word and word not in (*_ENDS, *_TOLD), words))
    ends = next((n for n, word in enumerate(kept) if word.endswith(".")), len(kept))
    return kept[: ends + 1]


def follow(said: str, message: str, run: Callable[[list[str]], object]) -> list[str]:
    """Run what ``said`` advises, in its order, from ``message`` on; return the commands.

    ``message`` is a piece of the text as the code has it. ``run`` gets each command, split; what is
    a verb in the message becomes ``git commit`` or ``pe-dvc push``.
    """
    match = re.search(_pattern(message), said, re.DOTALL)
    assert match, f"{message!r} was not said, but: {said}"
    commands = commands_in(said[match.start() :])
    assert commands, f"nothing is advised: {said}"
    for command in commands:
        run(shlex.split(_SHORT.get(command, command)))
    return commands


_SHORT = {"commit": "git commit --all --message Commit", "push again": "pe-dvc push"}


@dataclass(frozen=True)
class Message:
    """A message of the code that advises commands; ``text`` is what went wrong, and the remedy."""

    module: str
    text: str

    @property
    def key(self) -> str:
        """One line for a list."""
        return f"{self.module}: {' '.join(self.text.split())[:100]}"


def advising_messages() -> list[Message]:
    """Return the messages of the package that advise a command."""
    return sorted(
        {
            Message(str(path.relative_to(ROOT / "pe_dvc")), text)
            for path in (ROOT / "pe_dvc").rglob("*.py")
            for text in _said_by(ast.parse(path.read_text()))
            if any(command.startswith(("pe-dvc", "dvc", "git")) for command in commands_in(text))
        },
        key=lambda message: message.key,
    )


def matches(piece: str, message: Message) -> bool:
    """Tell whether what a test follows is a piece of a message."""
    return re.search(_pattern(piece), message.text, re.DOTALL) is not None


def _pattern(piece: str) -> str:
    parts = (r"\s+".join(map(re.escape, part.split(" "))) for part in piece.split(FILLED_IN))
    return ".*?".join(parts)


def followed() -> set[str]:
    """Return the pieces of messages that tests follow."""
    return {
        call.args[1].value
        for path in (ROOT / "tests").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and len(call.args) > 1
        if isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str)
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in ("follow", "obey")
    }


def _said_by(module: ast.Module) -> Iterator[str]:
    """Yield what errors say with their remedy, and what commands say."""
    known = _assigned(module.body)
    functions = [n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)]
    for function in functions:
        named = known | _assigned(ast.walk(function))
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            remedy = next((word.value for word in call.keywords if word.arg == "remedy"), None)
            if remedy is not None:
                first = _text(call.args[0], named) if call.args else ""
                yield f"{first}\n{_text(remedy, named)}"
            elif getattr(call.func, "id", "") == "say":
                yield _text(call.args[0], named)


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return the strings that are given names, the first of each."""
    found: dict[str, str] = {}
    for node in (node for node in nodes if isinstance(node, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Name):
                found.setdefault(target.id, _text(node.value, {}))
    return found


def _text(node: ast.expr, named: dict[str, str]) -> str:
    """Return a string of the code, with FILLED_IN for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, named) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left, named) + _text(node.right, named)
    if isinstance(node, ast.IfExp):
        return _text(node.body, named)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, named) if isinstance(node.value, ast.Name) else FILLED_IN
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return named.get(node.id, FILLED_IN) if isinstance(node, ast.Name) else FILLED_IN
