"""The CPS of 2014 as parquet: every column as it came, a key of households, and the weight.

Usage: python build/cps.py CSV OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.compute as pc
from pyarrow import csv, parquet


def main(source: str, output: str) -> None:
    cps = csv.read_csv(source)
    # s006 counts hundredths of a tax unit.
    cps = cps.append_column("household_weight", pc.divide(cps["s006"].cast("float64"), 100.0))
    # h_seq counts the households of one survey year, and the file pools three years.
    household = pc.add(pc.multiply(cps["FLPDYR"], 100_000), cps["h_seq"])
    cps = cps.append_column("household_id", household)
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(cps, output, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
