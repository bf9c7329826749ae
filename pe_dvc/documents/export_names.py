"""The names and labels that Stata and SPSS take: shortened where theirs are, unique, and told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATA_WORDS = frozenset(
    """_all _b _coef _cons _n _N _pi _pred _rc _skip byte double float if in int long str strL
    using with""".split()  # noqa: SIM905 - a list of them is long
)
_SPSS_WORDS = frozenset("ALL AND BY EQ GE GT LE LT NE NOT OR TO WITH".split())  # noqa: SIM905


@dataclass(frozen=True, kw_only=True)
class NameRule:
    """What a program takes as the name of a variable, in ASCII, and how long its labels may be."""

    program: str
    longest: int
    words: frozenset[str]
    """Names that mean something else there."""
    ignores_case: bool
    label: int
    """Bytes of a variable's label."""
    value_label: int
    """Bytes of a value's label."""

    def fits(self, name: str) -> bool:
        """Tell whether a name can stay as it is."""
        word = name.upper() if self.ignores_case else name
        plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None
        reserved = word in self.words or (self.program == "Stata" and _is_string_type(name))
        start = not (self.program == "SPSS" and name.startswith("_"))
        return plain and start and not reserved and len(name) <= self.longest


STATA = NameRule(
    program="Stata",
    longest=32,
    words=_STATA_WORDS,
    ignores_case=False,
    label=80,
    value_label=32_000,
)
SPSS = NameRule(
    program="SPSS", longest=64, words=_SPSS_WORDS, ignores_case=True, label=256, value_label=120
)


def fitting_names(names: Iterable[str], rule: NameRule) -> dict[str, str]:
    """Return a name for each of ``names``: its own where that fits, else one that is like it.

    Names that fit keep theirs, whatever others would become.
    """
    names = list(names)
    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: not rule.fits(name)):
        found[name] = _unique(name if rule.fits(name) else _like(name, rule), taken, rule)
        taken.add(_key(found[name], rule))
    return {name: found[name] for name in names}


def cut(text: str, most: int) -> str:
    """Return as much of a text, on one line, as ``most`` bytes of UTF-8 hold."""
    line = " ".join(text.split())
    data = line.encode()
    if len(data) <= most:
        return line
    return data[: most - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def _like(name: str, rule: NameRule) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)[: rule.longest]
    return plain if rule.fits(plain) else f"v_{plain}"[: rule.longest]


def _unique(name: str, taken: set[str], rule: NameRule) -> str:
    found, number = name, 2
    while _key(found, rule) in taken:
        end = f"_{number}"
        found, number = f"{name[: rule.longest - len(end)]}{end}", number + 1
    return found


def _key(name: str, rule: NameRule) -> str:
    return name.upper() if rule.ignores_case else name


def _is_string_type(name: str) -> bool:
    return re.fullmatch(r"str[0-9]+", name) is not None
