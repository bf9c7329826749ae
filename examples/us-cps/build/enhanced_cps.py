"""The enhanced CPS: the tax units of one year with amounts and calibrated weights of another.

Usage: python build/enhanced_cps.py CPS WEIGHTS FACTORS FROM_YEAR TO_YEAR OUTPUT
"""

from __future__ import annotations

import sys

import pyarrow.compute as pc
from ageing import aged
from pyarrow import csv, parquet


def main(cps: str, weights: str, factors: str, first: str, last: str, output: str) -> None:
    units = parquet.read_table(cps)
    calibrated = csv.read_csv(weights)[f"WT{last}"]
    if len(calibrated) != len(units):
        sys.exit(f"enhanced_cps: {len(calibrated)} weights for {len(units)} tax units")
    units = aged(units, csv.read_csv(factors), int(first), int(last))
    # Both count the same units, s006 in hundredths.
    weight = pc.divide(calibrated.cast("float64"), 100.0)
    for name, values in {"s006": calibrated, "household_weight": weight}.items():
        units = units.set_column(units.schema.get_field_index(name), name, values)
    parquet.write_table(units, output, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
