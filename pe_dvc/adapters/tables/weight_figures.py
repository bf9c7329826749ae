"""What a profile says of the weights of a table's rows."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from pe_dvc.adapters.tables.distribution import Wanted, distribution_of
from pe_dvc.adapters.tables.number_column import NumberColumn
from pe_dvc.adapters.tables.number_sums import largest
from pe_dvc.adapters.tables.profile_figures import Figures
from pe_dvc.documents.profile import TOP_RECORDS, WeightProfile

if TYPE_CHECKING:
    from pe_dvc.adapters.tables.profile_weights import Weights
    from pe_dvc.documents.disclosure import Disclosure


def weight_figures(
    column: str, via: str | None, weights: Weights, rule: Disclosure
) -> WeightProfile:
    """Return what may be said of the weights of a table's rows."""
    figures = Figures(rule)
    total = squares = 0.0
    carriers = 0
    heaviest, greatest = np.empty(0), -np.inf
    for part in weights.parts():
        total, squares = total + float(part.sum()), squares + float(part @ part)
        carriers += int(np.count_nonzero(part))
        heaviest, greatest = largest(heaviest, part), max(greatest, float(part.max()))
    if carriers and total > 0:
        figures.number("sum", total, rests_on=carriers)
        figures.number("n_eff", total * total / squares, rests_on=carriers)
        if rule.is_gated:
            figures.hide("max_over_median")  # it would give the largest weight
        else:
            figures.number("max_over_median", greatest / _median(weights), rests_on=carriers)
        if figures.is_few(max(carriers - TOP_RECORDS, 0)):
            figures.hide("top_100")  # what it leaves is the weight of few
        else:
            share = float(heaviest.sum()) / total
            figures.number("top_100", share, rests_on=min(carriers, TOP_RECORDS))
    return WeightProfile(column=column, via=via, **figures.fields)


def _median(weights: Weights) -> float:
    """Return the median of the weights above zero: of an even number, the mean of two."""
    with closing(NumberColumn(codes=False)) as column:
        for part in weights.parts():
            column.add(part[part > 0], None)
        column.finish()
        middle = [0.5, 0.5 + 0.5 / column.sums.rows]
        found = distribution_of(column, Wanted(quantiles=middle, top=0, few=0)).quantiles
    return float(np.mean([value for value in found if value is not None]))
