"""What comparing two tables row by row costs, beside a merge of pandas.

``python -m benchmarks.diff [ROWS] [COLUMNS]``: two parquet files of the same keys in another order,
280,005 rows of 70 columns unless said otherwise. One row in a thousand has another weight, and one
in ten thousand is gone. Each way runs in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE, AFTER = "before.parquet", "after.parquet"


def main(rows: int, columns: int) -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as folder:
        made = context.Process(target=_make, args=(folder, rows, columns))
        made.start()
        made.join()
        size = sum(Path(folder, name).stat().st_size for name in (BEFORE, AFTER)) / 1e6
        print(f"{rows:,} rows of {columns} columns, {size:.0f} MB of parquet in two files")
        for way in (_pe_dvc, _pandas):
            process = context.Process(target=_measured, args=(way, folder))
            process.start()
            process.join()


def _make(folder: str, rows: int, columns: int) -> None:
    random = np.random.default_rng(1)
    values: dict[str, object] = {"RECID": np.arange(rows), "s006": random.uniform(100, 2000, rows)}
    values["source"] = np.where(np.arange(rows) % 1000 == 0, "synthetic", "survey")
    for number in range(columns - 3):
        income = random.lognormal(9, 1.2, rows)
        income[random.random(rows) < 0.6] = 0
        values[f"e{number:05d}"] = income
    frame = pd.DataFrame(values)
    frame.to_parquet(Path(folder, BEFORE))
    tail = frame["source"] == "synthetic"
    frame["s006"] = frame["s006"].where(~tail, frame["s006"] * 4)
    frame = frame[random.random(rows) > 1e-4].sample(frac=1, random_state=1)
    frame.to_parquet(Path(folder, AFTER))


def _measured(way: Callable[[str], str], folder: str) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    said = way(folder)
    took, spent = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = way.__name__.strip("_")
    print(f"{name:8} {took:6.1f} s, cpu {spent:6.1f} s, peak {peak:6.0f} MiB: {said}", flush=True)


def _pe_dvc(folder: str) -> str:
    import pe_dvc

    sides = (str(Path(folder, name)) for name in (BEFORE, AFTER))
    found = pe_dvc.diff(*sides, key="RECID", weight="s006", country="us")
    (table,) = found.datasets[0].changes
    first = table.where[0]
    return f"{table.changed} changed, {table.removed} removed, in {first.column} {first.bucket}"


def _pandas(folder: str) -> str:
    before, after = (pd.read_parquet(Path(folder, name)) for name in (BEFORE, AFTER))
    both = before.merge(after, on="RECID", how="outer", suffixes=("", "_y"), indicator=True)
    matched = both[both["_merge"] == "both"]
    changed = np.zeros(len(matched), np.bool_)
    for column in before.columns[1:]:
        one, other = matched[column], matched[f"{column}_y"]
        changed |= ~((one == other) | (one.isna() & other.isna())).to_numpy()
    removed = int((both["_merge"] == "left_only").sum())
    return f"{int(changed.sum())} changed, {removed} removed"


if __name__ == "__main__":
    asked = [int(text) for text in sys.argv[1:3]]
    main(*asked, *(280_005, 70)[len(asked) :])
