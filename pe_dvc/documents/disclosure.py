"""What may be said of numbers and values that were computed from microdata. ADR 0012.

They travel as ``Value``, ``Count`` and ``Total``: gates compare these, and their own text says
nothing of them. A ``Finding`` is a sentence with such numbers in it, and a ``Disclosure`` is the
one thing that writes it out. Of a gated country it says counts, and none that rests on few units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Literal, NamedTuple, NoReturn

from pe_dvc.primitives.names import country_code
from pe_dvc.primitives.printable import brief
from pe_dvc.primitives.sizes import figure_text

Access = Literal["public", "gated"]
MINIMUM_CARRIERS = 10
"""Units that a number must rest on, where a repo's settings do not say how many."""
GATED_COUNTRIES = frozenset(["uk"])
"""Countries whose microdata are gated unless a repo's settings say otherwise."""


@total_ordering
class Computed:
    """A number or value computed from microdata. Compared with others, and with plain ones.

    As text it is ``hidden``, and it cannot be pickled, copied or written as JSON.
    """

    __slots__ = ("_computed",)
    __hash__ = None  # type: ignore[assignment]
    hidden = "a value"

    def __init__(self, computed: Any) -> None:
        self._computed = computed

    def __repr__(self) -> str:
        return self.hidden

    def __format__(self, _: str) -> str:
        return self.hidden

    def __bool__(self) -> bool:
        return bool(self._computed)

    def __eq__(self, other: object) -> bool:
        return bool(self._computed == _plain(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self._computed < _plain(other))

    def __reduce__(self) -> NoReturn:
        raise TypeError("what was computed from microdata is not copied and not written")

    def _in_public(self) -> str:
        """Return it as text, for a public country."""
        return brief(repr(self._computed))

    def _in_gated(self, minimum: int) -> str:
        """Return what may be said of it where numbers must rest on ``minimum`` units."""
        return self.hidden


class Value(Computed):
    """A value of one row, or of few: a key, a least weight. Never said of a gated country."""

    __slots__ = ()


class Count(Computed):
    """How many rows, keys or the like there are; ``of`` how many in all, where that is known."""

    __slots__ = ("_noun", "_of")

    def __init__(self, count: int, noun: str, *, of: int | None = None) -> None:
        super().__init__(int(count))
        self._noun, self._of = noun, of

    @property
    def hidden(self) -> str:  # type: ignore[override]
        """The noun, without a number."""
        return f"some {self._noun}s"

    def _in_public(self) -> str:
        """Return the number and the noun."""
        return f"{self._computed:,} {self._noun}{'' if self._computed == 1 else 's'}"

    def may_be_said(self, minimum: int) -> bool:
        """Tell whether neither the units counted, if there are any, nor the others are few."""
        others = minimum if self._of is None else self._of - self._computed
        return all(number == 0 or number >= minimum for number in (self._computed, others))

    def _in_gated(self, minimum: int) -> str:
        """Return the same, unless the units counted, or the others, are few."""
        others = minimum if self._of is None else self._of - self._computed
        if self._computed < minimum:
            return f"fewer than {minimum} {self._noun}s"
        if 0 < others < minimum:
            return f"all but fewer than {minimum} {self._noun}s"
        return self._in_public()


class Total(Computed):
    """A sum over all rows, weighted or not; ``carriers`` are the rows that add to it."""

    __slots__ = ("_carriers",)
    hidden = "a total"

    def __init__(self, total: float, *, carriers: int) -> None:
        super().__init__(float(total))
        self._carriers = int(carriers)

    def has_moved(self, before: float, tolerance: float) -> bool:
        """Tell whether it differs from ``before`` by more than that part of it."""
        return not abs(self._computed - before) <= abs(before) * tolerance

    def rests_on_few(self, minimum: int) -> bool:
        """Tell whether fewer than ``minimum`` rows add to it, or it is no finite number.

        An infinite total says what the value of one row is.
        """
        return self._carriers < minimum or not math.isfinite(self._computed)

    def beside(self, expected: float) -> Measure:
        """Return it beside what another source gives."""
        return Measure(self._computed, carriers=self._carriers, expected=expected)

    def _in_public(self) -> str:
        """Return six digits of it."""
        return figure_text(self._computed)

    def _in_gated(self, minimum: int) -> str:
        """Return the same, unless it rests on few rows."""
        few = f"a total of fewer than {minimum} rows"
        return few if self.rests_on_few(minimum) else self._in_public()


class Measure(Total):
    """A total beside what another source gives: their ratio tells it, so goes where it goes."""

    __slots__ = ("_expected",)

    def __init__(self, total: float, *, carriers: int, expected: float) -> None:
        super().__init__(total, carriers=carriers)
        self._expected = expected

    def _in_public(self) -> str:
        """Return the number, and which part it is of the expected one."""
        known = self._computed and self._expected
        ratio = f" ({self._computed / self._expected:.3g} of it)" if known else ""
        return super()._in_public() + ratio


class Named(Computed):
    """A category, by its name; ``rows`` have it."""

    __slots__ = ("_rows",)
    hidden = "a category"

    def __init__(self, name: str, *, rows: int) -> None:
        super().__init__(name)
        self._rows = rows

    def _in_public(self) -> str:
        """Return the name."""
        return brief(str(self._computed))

    def _in_gated(self, minimum: int) -> str:
        """Return the same, unless few rows have it."""
        few = self._rows < minimum
        return f"a category of fewer than {minimum} rows" if few else self._in_public()


class Repeated(NamedTuple):
    """What occurs more than once in a column: how many keys, in how many rows, and one of them."""

    keys: Count
    rows: Count
    example: Value


class Orphans(NamedTuple):
    """The rows that refer to what is not there, and one of the values that they hold."""

    rows: Count
    example: Value


def _plain(other: object) -> Any:
    return other._computed if isinstance(other, Computed) else other


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A sentence in two versions, each of texts and of what was computed.

    ``public`` may hold values; ``counts`` is for gated countries, and for what is signed. The texts
    between name columns, tables and limits, and nothing that stands in a row.
    """

    public: tuple[str | Computed, ...]
    counts: tuple[str | Computed, ...]

    @classmethod
    def alike(cls, *parts: str | Computed) -> Finding:
        """Return a sentence that is the same in both versions."""
        return cls(public=parts, counts=parts)

    def __str__(self) -> str:
        """Return it without any number."""
        return "".join(str(part) for part in self.counts)


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """The rule of one country: what is said of computed things, by everything that makes text."""

    access: Access = "gated"
    minimum_carriers: int = MINIMUM_CARRIERS

    @property
    def is_gated(self) -> bool:
        """Whether only counts and totals over many are said."""
        return self.access == "gated"

    @property
    def signed(self) -> Disclosure:
        """The rule for what is signed, which cannot be taken back: always a gated country's."""
        return Disclosure(access="gated", minimum_carriers=self.minimum_carriers)

    def stricter(self, other: Disclosure) -> Disclosure:
        """Return the rule for what is made of data of both: it keeps to either."""
        return Disclosure(
            access="gated" if self.is_gated or other.is_gated else "public",
            minimum_carriers=max(self.minimum_carriers, other.minimum_carriers),
        )

    def say(self, finding: Finding) -> str:
        """Return a sentence as it may be said."""
        parts = finding.counts if self.is_gated else finding.public
        return "".join(part if isinstance(part, str) else self._text(part) for part in parts)

    def reason(self, error: BaseException) -> str:
        """Return what a library says of a fault; of a gated country its kind only.

        Libraries put the value at fault into their messages.
        """
        if self.is_gated:
            return type(error).__name__
        return brief(" ".join(str(error).split())) or type(error).__name__

    def signed_total(self, total: Total) -> str | None:
        """Return all digits of a total, to be signed; None for one that may not be."""
        few = self.is_gated and total.rests_on_few(self.minimum_carriers)
        return None if few else repr(total._computed)

    def number(self, count: Count) -> int | None:
        """Return a count as a plain number; None for one of few units, or of all but few."""
        few = self.is_gated and not count.may_be_said(self.minimum_carriers)
        return None if few else int(count._computed)

    def figure(self, total: Total) -> float | None:
        """Return a total, or a figure made of totals, as a plain number; None if it rests on few.

        What is no finite number is None as well.
        """
        few = self.is_gated and total.rests_on_few(self.minimum_carriers)
        return None if few or not math.isfinite(total._computed) else float(total._computed)

    def _text(self, part: Computed) -> str:
        return part._in_gated(self.minimum_carriers) if self.is_gated else part._in_public()


GATED = Disclosure(access="gated")


def default_access(country: str) -> Access:
    """Return how microdata of a country, or of one of its producers, may leave by default."""
    return "gated" if country_code(country) in GATED_COUNTRIES else "public"
