"""What the content digest of tables costs, beside the sha256 of the same file.

``python -m benchmarks.content [ROWS]``: a data frame of 91 columns, in parquet and in HDFStore.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pe_dvc.adapters.digests import digest_file
from pe_dvc.adapters.tables.content import content_digests
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.formats import format_of
from pe_dvc.documents.manifest import Contents, Table


def main(rows: int) -> None:
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {f"x{n}": random.random(rows) for n in range(60)}
    columns |= {f"i{n}": random.integers(0, 9, rows) for n in range(30)}
    frame = pd.DataFrame({**columns, "state": np.array(["CA", "NY"])[random.integers(0, 2, rows)]})
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as folder:
        parquet, store = Path(folder, "person.parquet"), Path(folder, "person.h5")
        frame.to_parquet(parquet)
        frame.to_hdf(store, key="person", format="table", mode="w")
        del frame, columns
        for path in (parquet, store):
            _measure(path)


def _measure(path: Path) -> None:
    file = DataFile(path=path, label=path.name)
    shape = format_of(path, name=path.name).reader().describe(file)
    tables = tuple(Table(name="person", rows=t.rows, columns=t.columns) for t in shape.tables)
    contents = Contents(format=shape.format, entities={}, tables=tables)
    size = path.stat().st_size / 1e6
    for name, call in (
        ("sha256 and chunks", lambda: digest_file(path)),
        ("content digest", lambda: content_digests(file, contents)),
    ):
        started, cpu = time.perf_counter(), time.process_time()
        call()
        took, spent = time.perf_counter() - started, time.process_time() - cpu
        print(f"{path.suffix:9} {size:6.0f} MB  {name:18} {took:6.2f} s, cpu {spent:6.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{path.suffix:9} peak of the process, the data frame included: {peak:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
