"""What a profile says of a column: each figure only where the rule allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.adapters.tables.distribution import Wanted, distribution_of
from pe_dvc.documents.disclosure import Count, Total
from pe_dvc.documents.profile import (
    MOST_CATEGORIES,
    QUANTILES,
    TOP_WEIGHT,
    Category,
    ColumnProfile,
    rounded,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.categories import Categories
    from pe_dvc.adapters.tables.number_column import NumberColumn
    from pe_dvc.adapters.tables.number_sums import Sums
    from pe_dvc.documents.disclosure import Disclosure

Counted = list[tuple[str, int, float]]
"""Values with their rows and their weight."""


class Figures:
    """Collects the figures that may be said, and the names of those that may not."""

    def __init__(self, rule: Disclosure) -> None:
        self.rule, self.said, self._hidden = rule, dict[str, Any](), list[str]()

    def count(self, name: str, units: int, *, of: int) -> None:
        """Say a number of rows, if neither they nor the others are few."""
        self._say(name, self.rule.number(Count(units, "row", of=of)))

    def is_few(self, *numbers: int) -> bool:
        """Tell whether one of these numbers of rows may not be said; zero may."""
        return any(self.rule.number(Count(rows, "row")) is None for rows in numbers)

    def number(self, name: str, figure: float, *, rests_on: int) -> None:
        """Say a number that so many rows make."""
        said = self.rule.figure(Total(figure, carriers=rests_on))
        self._say(name, None if said is None else rounded(said))

    def hide(self, name: str) -> None:
        """Say nothing of a figure that there is."""
        self._hidden.append(name)

    def _say(self, name: str, figure: float | None) -> None:
        if figure is None:
            self.hide(name)
        else:
            self.said[name] = figure

    @property
    def fields(self) -> dict[str, Any]:
        """All that is said, and the names of what is not, as a profile has them."""
        return {**self.said, "suppressed": tuple(self._hidden)}


def number_figures(entity: str | None, column: NumberColumn, rule: Disclosure) -> ColumnProfile:
    """Return what may be said of a column of numbers."""
    figures, sums = Figures(rule), column.sums
    carriers = sums.carriers
    figures.count("nulls", sums.nulls, of=sums.nulls + sums.rows)
    if figures.is_few(sums.nulls + sums.rows - carriers):
        figures.hide("carriers")  # beside the number of all rows it would give the missing ones
    else:
        figures.count("carriers", carriers, of=sums.rows)
    if sums.infinite or not sums.weight > 0:
        return ColumnProfile(entity=entity, **figures.fields)
    found = distribution_of(column, _wanted(rule))
    # A column of zeros alone says nothing of anyone.
    rests_on = carriers or sums.rows
    if "carriers" in figures.said:
        figures.number("weighted_carriers", sums.weighted_carriers, rests_on=rests_on)
    else:
        figures.hide("weighted_carriers")
    figures.number("total", sums.total, rests_on=rests_on)
    if figures.is_few(sums.nulls):
        figures.hide("mean")  # the total by it is the weight of all that are not missing
    else:
        figures.number("mean", sums.mean, rests_on=rests_on)
    # Its degrees of freedom: beside the mean it tells one value more than a total does.
    figures.number("sd", found.sd, rests_on=rests_on - 1)
    _add_quantiles(figures, found.quantiles)
    _add_tails(figures, sums, found.top_weight)
    if found.few is not None and _are_codes(found.few[0]):
        counted = [
            (f"{int(value)}", int(rows), float(weight))
            for value, rows, weight in zip(*found.few, strict=True)
        ]
        _add_categories(figures, counted, nulls=sums.nulls)
    return ColumnProfile(entity=entity, **figures.fields)


def _wanted(rule: Disclosure) -> Wanted:
    return Wanted(
        quantiles=[percent / 100 for percent in QUANTILES],
        top=TOP_WEIGHT,
        few=MOST_CATEGORIES,
        least=rule.minimum_carriers if rule.is_gated else None,
    )


def text_figures(
    entity: str | None, found: Categories | None, nulls: int, rows: int, rule: Disclosure
) -> ColumnProfile:
    """Return what may be said of a column of texts, or of another one that has no numbers."""
    figures = Figures(rule)
    figures.count("nulls", nulls, of=rows)
    if found is not None:
        figures.count("carriers", rows - nulls, of=rows)
        if found.are_few:
            _add_categories(figures, found.found(), nulls=nulls)
    return ColumnProfile(entity=entity, **figures.fields)


def _add_quantiles(figures: Figures, values: list[float | None]) -> None:
    finite = [None if v is None or not np.isfinite(v) else v for v in values]
    named = {f"p{percent:g}": value for percent, value in zip(QUANTILES, finite, strict=True)}
    figures.said["quantiles"] = {k: rounded(v) for k, v in named.items() if v is not None}
    for name, value in named.items():
        if value is None:
            figures.hide(name)


def _add_tails(figures: Figures, sums: Sums, top_weight: tuple[float, int, int]) -> None:
    """Say what few hold, where neither they nor the others are too few.

    Nor may the rows be few that one of both shares has, and the other has not.
    """
    positive = sums.positive
    if not positive > 0:
        return
    if figures.is_few(sums.adding - sums.top_rows):
        figures.hide("top_100")
    else:
        figures.number("top_100", sums.top / positive, rests_on=sums.top_rows)
    adds, rows, others = top_weight
    between = 0 if adds == sums.top else max(abs(rows - sums.top_rows), 1)
    if figures.is_few(others, between):
        figures.hide("top_weight")
    else:
        figures.number("top_weight", adds / positive, rests_on=rows)


def _add_categories(figures: Figures, counted: Counted, *, nulls: int) -> None:
    """List the categories; of a gated country those of few rows, together, are others.

    The others are many as well: with the rows of all categories known, one that was left out by
    itself would be. So would missing values be, if they are few.
    """
    weight = sum(one[2] for one in counted)
    if not 0 < weight < np.inf:
        return
    if figures.is_few(nulls):
        figures.hide("categories")
        return
    rare = [one for one in counted if figures.is_few(one[1])]
    listed = [one for one in counted if one not in rare]
    while rare and listed and figures.is_few(sum(one[1] for one in rare)):
        smallest = min(listed, key=lambda one: one[1])
        listed.remove(smallest)
        rare.append(smallest)
    if rare:
        figures.said["other"] = rounded(sum(one[2] for one in rare) / weight)
        figures.hide("categories of few rows")
    if rare and not listed:
        del figures.said["other"]
    figures.said["categories"] = tuple(
        Category(value=value, rows=rows, share=rounded(by / weight)) for value, rows, by in listed
    )


def _are_codes(values: NDArray[np.float64]) -> bool:
    return bool((values == np.floor(values)).all()) and bool((abs(values) < 2**53).all())
