"""What went wrong in the incidents of 2026: a recalibration of the weights of the enhanced CPS.

Usage: python build/recalibrate.py DATASET TAIL CLAIMANTS

The 280 tax units with the largest capital gains get TAIL times their weight, and those with
means-tested benefits CLAIMANTS times theirs. The number of tax units stays as it is.
"""

from __future__ import annotations

import sys

import numpy as np
from pyarrow import parquet

BENEFITS = ["snap_ben", "housing_ben", "tanf_ben", "ssi_ben"]
TOP = 280


def main(dataset: str, tail: str, claimants: str) -> None:
    """Change the weights of the file where it is."""
    units = parquet.read_table(dataset)
    before = units["household_weight"].to_numpy()
    weight = before.copy()
    top = np.argsort(units["e01100"].to_numpy(), kind="stable")[-TOP:]
    weight[top] *= float(tail)
    claims = sum(units[name].to_numpy() for name in BENEFITS) > 0
    weight[claims] *= float(claimants)
    hundredths = np.rint(weight * (before.sum() / weight.sum()) * 100).astype("int64")
    for name, values in {"s006": hundredths, "household_weight": hundredths / 100}.items():
        units = units.set_column(units.schema.get_field_index(name), name, [values])
    parquet.write_table(units, dataset, compression="zstd")


if __name__ == "__main__":
    main(*sys.argv[1:])
