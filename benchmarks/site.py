"""How long ``pe-dvc site build`` takes, and how large the site is.

``python -m benchmarks.site``: 600 datasets of 200 variables with codebooks and profiles, in a
bucket that is a directory (``--datasets``, ``--variables``). The bucket is laid out by the tests'
own support, as 600 real builds would take an hour.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.data_repo import PE_DVC
from benchmarks.measure import MIB, as_users_run
from pe_dvc.adapters.stores.local_store import LocalStore
from tests.support.country import Country
from tests.support.described import PROFILE, codebook, statistics
from tests.support.environment import own_directories
from tests.support.site import publish_described

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest

QUANTILES = ("p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "p99.9")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description=__doc__)
    parser.add_argument("--datasets", type=int, default=600)
    parser.add_argument("--variables", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as name:
        home = Path(name)
        _publish(home, asked.datasets, asked.variables)
        _build(home)


def _publish(home: Path, datasets: int, variables: int) -> None:
    country = Country(home / "country", LocalStore(home / "bucket"))
    country.trust(home / "config")
    manifests = [_dataset(country, number, variables) for number in range(datasets)]
    country.point("latest", manifests)


def _dataset(country: Country, number: int, variables: int) -> Manifest:
    names = [f"variable_{place:03d}_of_people" for place in range(variables)]
    table = {
        "name": "person",
        "rows": 100_000,
        "entity": "person",
        "columns": [{"name": name, "type": "double"} for name in names],
    }
    contents = {"format": "parquet", "tables": [table], "entities": {}}
    known = {
        name: {"label": f"Variable {place} of people", "unit": "currency-USD"}
        for place, name in enumerate(names)
    }
    name = f"dataset_{number:03d}"
    return publish_described(
        country,
        name.encode(),
        contents,
        known=codebook(variables=known),
        profile=statistics(_profile(names, number)),
        name=name,
    )


def _profile(names: list[str], number: int) -> dict[str, Any]:
    columns = {
        name: {
            "nulls": 0,
            "carriers": 70_000 + place,
            "weighted_carriers": 1e8 + place,
            "total": 1e12 + place,
            "mean": 1e4 + place,
            "quantiles": {
                mark: (at + 1) ** 3 * (10.0 + number) for at, mark in enumerate(QUANTILES)
            },
        }
        for place, name in enumerate(names)
    }
    table = {"name": "person", "rows": 100_000, "weight": {"column": "w", "sum": 3e8}}
    return PROFILE | {"tables": [{**table, "columns": columns}]}


def _build(home: Path) -> None:
    site = home / "site"
    places = own_directories(home / "reader") | {"PE_DVC_CONFIG_DIR": str(home / "config")}
    command = [PE_DVC, "site", "build", str(site), "--store", str(home / "bucket")]
    began = time.perf_counter()
    environment = {**as_users_run(), **places}
    subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True)
    took = time.perf_counter() - began
    files = [path for path in site.rglob("*") if path.is_file()]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"pe-dvc site build   {took:8.1f} s, {peak:,.0f} MiB at most")
    print(f"the site            {sum(map(_size, files)) / MIB:8.1f} MiB in {len(files):,} files")
    for path in ("index.html", "api/v1/search.json", "us/datasets/dataset_000.html"):
        data = (site / path).read_bytes()
        packed = len(gzip.compress(data, 6))
        print(f"{path:30} {len(data) / 1000:8.1f} kB, {packed / 1000:.1f} kB compressed")
    listed = json.loads((site / "files.json").read_bytes())["files"]
    by_kind: dict[str, int] = {}
    for path in listed:
        kind = "/".join(path.split("/")[:3]) if path.startswith("api") else path.split("/")[0:2][-1]
        by_kind[kind] = by_kind.get(kind, 0) + _size(site / path)
    for kind, size in sorted(by_kind.items(), key=lambda one: -one[1])[:5]:
        print(f"  of it {kind:20} {size / MIB:8.1f} MiB")


def _size(path: Path) -> int:
    return os.stat(path).st_size  # noqa: PTH116 (a hundred thousand of them)


if __name__ == "__main__":
    main()
