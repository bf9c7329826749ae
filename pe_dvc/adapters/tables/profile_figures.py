"""What a profile says of a column or a weight: each figure only where the rule allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pe_dvc.documents.disclosure import Count, Total
from pe_dvc.documents.profile import (
    MOST_CATEGORIES,
    QUANTILES,
    TOP_RECORDS,
    TOP_WEIGHT,
    Category,
    ColumnProfile,
    WeightProfile,
    rounded,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pe_dvc.adapters.tables.categories import Categories
    from pe_dvc.adapters.tables.distribution import Distribution
    from pe_dvc.documents.disclosure import Disclosure

Counted = list[tuple[str, int, float]]
"""Values with their rows and their weight."""


class _Figures:
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
        return {**self.said, "suppressed": tuple(self._hidden)}


def number_figures(entity: str | None, found: Distribution, rule: Disclosure) -> ColumnProfile:
    """Return what may be said of a column of numbers."""
    figures, carriers = _Figures(rule), found.carriers
    figures.count("nulls", found.nulls, of=found.nulls + found.rows)
    if figures.is_few(found.nulls + found.rows - carriers):
        figures.hide("carriers")  # beside the number of all rows it would give the missing ones
    else:
        figures.count("carriers", carriers, of=found.rows)
    if found.infinite or not found.weight > 0:
        return ColumnProfile(entity=entity, **figures.fields)
    # A column of zeros alone says nothing of anyone.
    rests_on = carriers or found.rows
    if "carriers" in figures.said:
        figures.number("weighted_carriers", found.weighted_carriers, rests_on=rests_on)
    else:
        figures.hide("weighted_carriers")
    figures.number("total", found.total, rests_on=rests_on)
    if figures.is_few(found.nulls):
        figures.hide("mean")  # the total by it is the weight of all that are not missing
    else:
        figures.number("mean", found.mean, rests_on=rests_on)
    figures.number("sd", found.sd, rests_on=rests_on)
    _add_quantiles(figures, found)
    _add_tails(figures, found)
    if len(found.values) <= MOST_CATEGORIES and _are_codes(found.values):
        counted = [
            (f"{int(value)}", int(rows), float(weight))
            for value, rows, weight in zip(found.values, found.counts, found.weights, strict=True)
        ]
        _add_categories(figures, counted, nulls=found.nulls)
    return ColumnProfile(entity=entity, **figures.fields)


def text_figures(
    entity: str | None, found: Categories | None, nulls: int, rows: int, rule: Disclosure
) -> ColumnProfile:
    """Return what may be said of a column of texts, or of another one that has no numbers."""
    figures = _Figures(rule)
    figures.count("nulls", nulls, of=rows)
    if found is not None:
        figures.count("carriers", rows - nulls, of=rows)
        if found.are_few:
            _add_categories(figures, found.found(), nulls=nulls)
    return ColumnProfile(entity=entity, **figures.fields)


def weight_figures(
    column: str, via: str | None, weights: NDArray[np.float64], rule: Disclosure
) -> WeightProfile:
    """Return what may be said of the weights of a table's rows."""
    figures, carriers = _Figures(rule), int(np.count_nonzero(weights))
    total = float(weights.sum())
    if carriers and total > 0:
        heaviest = np.sort(weights)[-TOP_RECORDS:]
        squares = float(weights @ weights)
        figures.number("sum", total, rests_on=carriers)
        figures.number("n_eff", total * total / squares, rests_on=carriers)
        median = float(np.median(weights[weights > 0]))
        if rule.is_gated:
            figures.hide("max_over_median")  # it would give the largest weight
        else:
            figures.number("max_over_median", weights.max() / median, rests_on=carriers)
        share = float(heaviest.sum()) / total
        if figures.is_few(max(carriers - TOP_RECORDS, 0)):
            figures.hide("top_100")  # what it leaves is the weight of few
        else:
            figures.number("top_100", share, rests_on=min(carriers, TOP_RECORDS))
    return WeightProfile(column=column, via=via, **figures.fields)


def _add_quantiles(figures: _Figures, found: Distribution) -> None:
    rule = figures.rule
    least = rule.minimum_carriers if rule.is_gated else None
    values = found.quantiles([percent / 100 for percent in QUANTILES], least=least)
    finite = [None if v is None or not np.isfinite(v) else v for v in values]
    named = {f"p{percent:g}": value for percent, value in zip(QUANTILES, finite, strict=True)}
    figures.said["quantiles"] = {k: rounded(v) for k, v in named.items() if v is not None}
    for name, value in named.items():
        if value is None:
            figures.hide(name)


def _add_tails(figures: _Figures, found: Distribution) -> None:
    """Say what few hold, where neither they nor the others are too few.

    Nor may the rows be few that one of both shares has, and the other has not.
    """
    positive = found.positive
    if not positive > 0:
        return
    if figures.is_few(found.adding - found.top_rows):
        figures.hide("top_100")
    else:
        figures.number("top_100", found.top / positive, rests_on=found.top_rows)
    adds, rows, others = found.top_of_weight(TOP_WEIGHT)
    between = 0 if adds == found.top else max(abs(rows - found.top_rows), 1)
    if figures.is_few(others, between):
        figures.hide("top_weight")
    else:
        figures.number("top_weight", adds / positive, rests_on=rows)


def _add_categories(figures: _Figures, counted: Counted, *, nulls: int) -> None:
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
