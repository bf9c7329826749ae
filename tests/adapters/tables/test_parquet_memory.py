"""Columns of parquet files are read in memory that does not grow with their rows."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 1 << 18, 1 << 21
# In a process of its own: pyarrow counts the most bytes since the process began.
PROGRAM = """
import sys
from pathlib import Path
import pyarrow
from pe_dvc.adapters.tables import parquet
from pe_dvc.adapters.tables.data_file import DataFile
from tests.support.disclosure import PUBLIC
from pe_dvc.documents.places import Place

parquet._BATCH_ROWS = 1 << 14
file = DataFile(path=Path(sys.argv[1]), label="x", rule=PUBLIC)
for _ in getattr(parquet, sys.argv[2])(file, [Place(table="t", column="x")]):
    pass
print(pyarrow.default_memory_pool().max_memory())
"""


def most_held(path: Path, rows: int, group: int, read: str) -> int:
    """Return the most bytes that pyarrow holds while a column of so many numbers is read."""
    table = pa.table({"x": np.random.default_rng(1).random(rows)})
    pq.write_table(table, path, row_group_size=group, compression="NONE", use_dictionary=False)
    return int(subprocess.check_output([sys.executable, "-c", PROGRAM, str(path), read]))


@pytest.mark.parametrize("read", ["read_columns", "values"])
@pytest.mark.parametrize("group", [1 << 16, MANY], ids=["many groups", "one group"])
def test_eight_times_the_rows_take_no_more_memory(tmp_path: Path, group: int, read: str) -> None:
    few = most_held(tmp_path / "few.parquet", FEW, group, read)
    many = most_held(tmp_path / "many.parquet", MANY, group, read)
    assert few > 0
    assert many < 1.3 * few, (few, many)
    assert many < 8 * MANY / 2, "less than half of the column"
