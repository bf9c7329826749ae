"""Small data repos, made with the real git and the real DVC."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from tests.support.commands import run

if TYPE_CHECKING:
    from pathlib import Path

WRITE = (
    "from pathlib import Path; from pe_dvc.project.manifest import write_manifests; "
    "[print(w.name, w.change, w.sha256) for w in write_manifests(Path('.'))]"
)
PYPROJECT = '[project]\nname = "data"\nversion = "1.0"\n[tool.pe_dvc]\ncountry = "us"\n'
# Without lists, as in `tests.support.sandbox`.
BUILD = """\
import sys
from array import array
import pyarrow as pa, pyarrow.parquet as pq
rows = int(open("raw.txt").read()) if len(sys.argv) < 3 else int(sys.argv[2])
def column(kind, *values):
    buffers = [None, *(pa.py_buffer(array(code, value)) for code, value in values)]
    return pa.Array.from_buffers(kind, rows, buffers)
table = pa.table({
    "RECID": column(pa.int64(), ("q", range(rows))),
    "h_seq": column(pa.int64(), ("q", [i // 2 for i in range(rows)])),
    "fips": column(pa.int8(), ("b", [1] * rows)),
    "name": column(pa.string(), ("i", range(rows + 1)), ("B", b"x" * rows)),
    "s006": column(pa.float64(), ("d", [1.5] * rows)),
})
pq.write_table(table, sys.argv[1])
"""
PE = """\
country: us
rows: tax_unit
entities:
  tax_unit: {key: RECID, references: {household: h_seq}}
  household: {key: h_seq}
columns: {fips: household}
weight: s006
vintage: cps_asec_2014
"""


def new_repo(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    run("git", "init", "-q", cwd=root)
    run("dvc", "init", "-q", cwd=root)
    (root / "pyproject.toml").write_text(PYPROJECT)
    return root


def files(root: Path) -> dict[str, bytes]:
    """Return every file of a repo that is not git's, nor a note of DVC's."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git/" not in f"{path}/" and ".dvc/tmp" not in str(path)
    }


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def indent(text: str, by: int) -> str:
    return "".join(" " * by + line for line in text.splitlines(keepends=True))


def pipeline_of(pe: str = PE) -> str:
    return f"""\
stages:
  download:
    cmd: python -c "open('raw.txt', 'w').write('6')"
    outs: [raw.txt]
  build:
    cmd: python build.py data/cps.parquet
    deps: [build.py, raw.txt]
    params: [seed]
    outs: [data/cps.parquet]
  manifests:
    cmd: python write.py
    deps: [data/cps.parquet]
    outs:
      - manifests: {{cache: false, persist: true}}
artifacts:
  model:
    path: model.pkl
    type: model
  cps:
    path: data/cps.parquet
    type: dataset
    meta:
      pe:
{indent(pe, 8)}"""


def cps_repo(root: Path) -> Path:
    """A repo of two real stages and the stage that writes manifests; nothing has run yet."""
    new_repo(root)
    write(root, "build.py", BUILD)
    write(root, "write.py", WRITE)
    write(root, "params.yaml", "seed: 7\nstate: no\n")
    (root / "data").mkdir()
    (root / "dvc.yaml").write_text(pipeline_of())
    return root
