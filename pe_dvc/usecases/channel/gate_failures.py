"""What gates find, and how it is said: numbers by the country's rule (``documents.disclosure``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Count, Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.documents.disclosure import Disclosure, Orphans, Repeated, Value


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a gate found: the column or table, its value, and the bound that it breaks.

    As text it has no numbers; ``sentences`` has those that may be said.
    """

    dataset: str
    gate: str
    column: str | None
    value: str | Finding
    bound: str | Finding

    def __str__(self) -> str:
        """Return it as a sentence without numbers."""
        return self._sentence(str)

    def sentences(self, rule: Disclosure) -> list[str]:
        """Return it as a sentence."""
        return [self._sentence(lambda part: part if isinstance(part, str) else rule.say(part))]

    def _sentence(self, text: Callable[[str | Finding], str]) -> str:
        column = f" of {self.column}" if self.column else ""
        value, bound = text(self.value), text(self.bound)
        return f"{self.dataset}: gate {self.gate}{column}: {value}; expected {bound}"


@dataclass(frozen=True, kw_only=True)
class ForeignFailures:
    """What a gate of another package found, whose own words may hold any value."""

    dataset: str
    gate: str
    failures: tuple[Failure, ...]

    def __str__(self) -> str:
        """Return which gate it is."""
        return f"{self.dataset}: gate {self.gate}"

    def __repr__(self) -> str:
        return str(self)

    def sentences(self, rule: Disclosure) -> list[str]:
        """Return the gate's own words; of a gated country how often it failed."""
        if not rule.is_gated:
            return [said for failure in self.failures for said in failure.sentences(rule)]
        count = Finding.alike(Count(len(self.failures), "failure"))
        return [f"{self}: {rule.say(count)}"]


def twice(found: Repeated) -> Finding:
    """Return what is said of a key that occurs twice."""
    counts = (found.keys, " in ", found.rows)
    return Finding(
        public=(found.example, " occurs twice (", *counts, ")"),
        counts=("a key occurs twice: ", *counts),
    )


def orphaned(found: Orphans, other: str) -> Finding:
    """Return what is said of rows that refer to no unit of the entity ``other``."""
    return Finding(
        public=(found.example, f" names no {other} (", found.rows, ")"),
        counts=("a reference names no ", other, ": ", found.rows),
    )


def not_so(rows: Count, bound: str, least: Value | None) -> Finding:
    """Return what is said of weights that are not what ``bound`` says, such as positive."""
    counts = ("not ", bound, " in ", rows)
    if least is None:
        return Finding.alike(*counts)
    return Finding(public=("the least is ", least, " (", *counts, ")"), counts=counts)
