"""The note of what gates found, signed beside a pointer of ``next``. ADR 0021."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.primitives.markdown import markdown_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GATES = "gates"
"""The name of the note among a pointer's."""
PASSED, FAILED = "passed", "FAILED"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One result of a gate, in words and numbers that may be said."""

    gate: str
    of: str | None
    passed: bool
    measured: str = ""
    expected: str = ""

    def to_note(self) -> dict[str, Any]:
        """Return it as it is signed: texts alone."""
        fields = {"of": self.of, "measured": self.measured, "expected": self.expected}
        said = {key: text for key, text in fields.items() if text}
        return {"gate": self.gate, "result": PASSED if self.passed else FAILED, **said}

    def __str__(self) -> str:
        """Return it as a line."""
        of = f" of {self.of}" if self.of else ""
        measured = f": {self.measured}" if self.measured else ""
        expected = f"; expected {self.expected}" if self.expected else ""
        return f"{PASSED if self.passed else FAILED} {self.gate}{of}{measured}{expected}"


class Noted(Protocol):
    """What has notes: a pointer."""

    @property
    def notes(self) -> Mapping[str, Any]:
        """What is signed beside it."""
        ...


def results_of(pointer: Noted) -> list[Result]:
    """Return the results that are signed beside a pointer; what is no result says nothing."""
    note = pointer.notes.get(GATES)
    return [
        Result(
            gate=str(one.get("gate")),
            of=one.get("of"),
            passed=one.get("result") == PASSED,
            measured=str(one.get("measured", "")),
            expected=str(one.get("expected", "")),
        )
        for one in (note if isinstance(note, list) else ())
        if isinstance(one, dict)
    ]


class GateResults(dict[str, tuple[Result, ...]]):
    """What every gate found, by the name of the dataset."""

    def to_markdown(self) -> list[str]:
        """Return it as lines of Markdown, for a pull request: failures first."""
        return [line for name in sorted(self) for line in _section(name, self[name])]


def _section(name: str, results: Sequence[Result]) -> list[str]:
    failed = [one for one in results if not one.passed]
    passed = [one for one in results if one.passed]
    verdict = "gates FAILED" if failed else "gates passed"
    lines = [f"### {markdown_text(name)}: {verdict}, {len(passed)} of {len(results)} passed", ""]
    lines += _table(failed)
    if passed:
        lines += [f"<details><summary>{len(passed)} passed</summary>", "", *_table(passed)]
        lines += ["</details>", ""]
    return lines


def _table(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    cells = ((one.gate, one.of or "", one.measured, one.expected) for one in results)
    rows = [f"| {' | '.join(map(markdown_text, row))} |" for row in cells]
    return ["| gate | of | measured | expected |", "|---|---|---|---|", *rows, ""]
