"""How amounts of one year become amounts of another: which growth factor moves which amount.

The factors and what each stands for are those of Tax-Calculator (its class Records extrapolates
the same file in the same way, a year at a time). A row of growfactors.csv is the growth from the
year before to the row's year.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa

AMOUNTS = {
    "AWAGE": ["e00200", "e00200p", "e00200s", "pencon_p", "pencon_s"],
    "AINTS": ["e00300", "e00400"],
    "ADIVS": ["e00600", "e00650"],
    "ACGNS": ["e01100"],
    "ASCHF": ["e02100", "e02100p", "e02100s"],
    "AUCOMP": ["e02300"],
    "ASOCSEC": ["e02400"],
    "ACPIM": ["e03270", "e17500"],
    "AIPD": ["e19200"],
    "ATXPY": [
        *("e00800", "e01400", "e01500", "e01700", "e03150", "e03210", "e03240", "e03300"),
        *("e18400", "e18500", "e19800", "e20100", "e20400", "e32800"),
    ],
    "ABENOTHER": ["other_ben"],
    "ABENMCARE": ["mcare_ben"],
    "ABENMCAID": ["mcaid_ben"],
    "ABENSSI": ["ssi_ben"],
    "ABENSNAP": ["snap_ben"],
    "ABENWIC": ["wic_ben"],
    "ABENHOUSING": ["housing_ben"],
    "ABENTANF": ["tanf_ben"],
    "ABENVET": ["vet_ben"],
}
# Business profits and business losses grow apart; a unit's total is the sum of its earners'.
PROFITS, LOSSES = "ASCHCI", "ASCHCL"
EARNERS, TOTAL = ["e00900p", "e00900s"], "e00900"


def growth(factors: pa.Table, name: str, first: int, last: int) -> float:
    """Return how much the factor ``name`` grew from the year ``first`` to the year ``last``.

    Raises ValueError where ``factors`` lacks one of the years.
    """
    by_year = dict(zip(factors["YEAR"].to_pylist(), factors[name].to_pylist(), strict=True))
    years = range(first + 1, last + 1)
    if missing := [year for year in years if year not in by_year]:
        raise ValueError(f"no growth factor {name} for {missing}")
    return float(prod(by_year[year] for year in years))


def aged(units: pa.Table, factors: pa.Table, first: int, last: int) -> pa.Table:
    """Return ``units`` with every amount of ``first`` aged to ``last``, as float64 dollars."""
    for name, columns in AMOUNTS.items():
        factor = growth(factors, name, first, last)
        for column in columns:
            units = _replace(units, column, pc.multiply(units[column].cast("float64"), factor))
    profits, losses = (growth(factors, name, first, last) for name in (PROFITS, LOSSES))
    for column in EARNERS:
        amounts = units[column].cast("float64")
        factor = pc.if_else(pc.greater_equal(amounts, 0.0), profits, losses)
        units = _replace(units, column, pc.multiply(amounts, factor))
    return _replace(units, TOTAL, pc.add(*(units[column] for column in EARNERS)))


def _replace(table: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), column, values)
