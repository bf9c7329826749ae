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
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.data_repo import PE_DVC
from benchmarks.measure import MIB, as_users_run
from pe_dvc.adapters.stores.local_store import LocalStore
from tests.support.browser import launched, program
from tests.support.bucket_server import served
from tests.support.country import Country
from tests.support.described import PROFILE, codebook, statistics
from tests.support.environment import own_directories
from tests.support.site import publish_described

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
        with served(LocalStore(home / "bucket")) as bucket:
            _build(home, bucket.url)
            _search(home / "site")
            _open(home / "site")


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


def _build(home: Path, bucket_url: str) -> None:
    site = home / "site"
    places = own_directories(home / "reader") | {"PE_DVC_CONFIG_DIR": str(home / "config")}
    store = ["--store", str(home / "bucket"), "--bucket-url", bucket_url]
    command = [PE_DVC, "site", "build", str(site), *store]
    began = time.perf_counter()
    environment = {**as_users_run(), **places}
    subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True)
    took = time.perf_counter() - began
    files = [path for path in site.rglob("*") if path.is_file()]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = spent.ru_utime + spent.ru_stime
    print(f"pe-dvc site build   {took:8.1f} s, {cpu:.1f} s of processors, {peak:,.0f} MiB at most")
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


SEARCH = """
import { readFileSync } from "node:fs";
const { indexOf, search } = await import(process.argv[1]);
const index = indexOf(JSON.parse(readFileSync(0, "utf8")));
const times = [];
const time = (query) => {
  const began = performance.now();
  search(index, query);
  times.push(performance.now() - began);
};
for (let turn = 0; turn < 20; turn += 1)
  for (const query of ["income tax", "univresal credti", "item77", "i", "incmoe of item20"])
    time(query);
times.sort((one, other) => one - other);
console.log(JSON.stringify(times));
"""
WORDS = ("income", "tax", "credit", "benefit", "household", "employment", "capital", "wage")


def _search(site: Path) -> None:
    """Say how long a search of 10,000 variables takes."""
    node = shutil.which("node")
    if node is None:
        print("search: not measured, as there is no Node.js")
        return
    entries = [
        ["variable", "us", f"{WORDS[i % 8]}_{WORDS[i // 8 % 8]}_{i}", f"Of item{i % 3000}", "", ""]
        for i in range(10_000)
    ]
    command = [node, "--input-type=module", "--eval", SEARCH, str(site / "static/search.js")]
    given = json.dumps(entries)
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    times = json.loads(done.stdout)
    middle, last = times[len(times) // 2], times[-1]
    print(f"a search of 10,000 variables {middle:8.1f} ms, {last:.1f} ms at most")


def _open(site: Path) -> None:
    """Say how long a dataset's page takes in Chromium, from loopback, with nothing kept."""
    if program() is None:
        print("a page of a dataset: not measured, as there is no browser")
        return
    with served(LocalStore(site)) as pages, launched() as browser:
        address = f"{pages.url}/us/datasets/dataset_000.html"
        times = [_opened(browser, address) for _ in range(5)]
    for name, of in zip(("interactive", "verified"), zip(*times, strict=True), strict=True):
        print(f"a page of a dataset {name:12} {sorted(of)[len(of) // 2]:8.0f} ms")


def _opened(browser: Browser, url: str) -> tuple[float, float]:
    """Return after how many ms a page can be used, and after how many its panel has a verdict."""
    with browser.new_context() as context:
        tab = context.new_page()
        began = time.perf_counter()
        tab.goto(url, wait_until="domcontentloaded")
        usable = time.perf_counter() - began
        tab.locator("#trust[data-verdict=verified]").wait_for()
        return usable * 1000, (time.perf_counter() - began) * 1000


def _size(path: Path) -> int:
    return os.stat(path).st_size  # noqa: PTH116 (a hundred thousand of them)


if __name__ == "__main__":
    main()
