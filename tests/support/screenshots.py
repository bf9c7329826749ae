"""The pictures in docs/site.md, of a site of made-up data; ``make screenshots`` takes them.

They are of the machine's own fonts and dates, so they are made again by hand, when pages change.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.adapters.tables.profile import profile_of
from pe_dvc.documents.places import Place
from pe_dvc.documents.profile_plan import ColumnPlan, TablePlan
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.digest import CHUNK_SIZE, chunk_digests, sha256_bytes
from tests.support.browser import launched
from tests.support.bucket_server import served
from tests.support.country import NAME, Country, chunks_of, payload_of
from tests.support.described import codebook
from tests.support.disclosure import PUBLIC
from tests.support.environment import own_directories
from tests.support.paths import ROOT
from tests.support.profiles import people
from tests.support.site import publish_described

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from pe_dvc.documents.manifest import Manifest

FOLDER = ROOT / "docs/screenshots"
LARGEST = 150_000
"""Bytes of a picture."""
WIDE, PHONE = (1100, 800), (360, 700)

KNOWN = {
    "age": {"label": "Age", "unit": "year", "description": "In whole years."},
    "disabled": {"label": "Has a disability"},
    "id": {"label": "Person"},
    "income": {
        "label": "Employment income",
        "unit": "currency-USD",
        "description": "Wages and salaries of the year, before taxes.",
    },
    "losses": {"label": "Self-employment income", "unit": "currency-USD"},
    "sex": {
        "label": "Sex",
        "values": [{"value": 1, "label": "Male"}, {"value": 2, "label": "Female"}],
    },
    "state": {"label": "State"},
    "weight": {"label": "Weight"},
}
ABOUT = {
    "description": "Persons of the Current Population Survey with imputed income. Made-up data.",
    "licence": "https://creativecommons.org/licenses/by/4.0/",
}


def main() -> None:
    """Publish made-up data, build their site, and take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pe-dvc-screenshots-") as name:
        home = Path(name)
        os.environ.update(own_directories(home / "reader"))
        os.environ["PE_DVC_CONFIG_DIR"] = str(home / "config")
        withdrawn = _publish(home)
        stores = [LocalStore(home / part) for part in ("bucket", "site")]
        with served(stores[0]) as bucket, served(stores[1]) as pages, launched() as browser:
            store = str(home / "bucket")
            pe_dvc.build_site(home / "site", store=store, bucket_url=bucket.url)
            _take_all(browser, pages.url, f"us/withdrawn/{withdrawn.artifact.sha256}.html")


def _publish(home: Path) -> Manifest:
    """Publish three versions of a dataset; return the first one, which is withdrawn."""
    country = Country(home / "country", LocalStore(home / "bucket"), contact="data@example.org")
    country.trust(home / "config")
    versions = [_version(country, home, seed) for seed in range(3)]
    for version in versions:
        country.point("latest", [version])
    country.point("next", [versions[1]])
    country.revoke(versions[0], replacement=versions[-1])
    return versions[0]


def _version(country: Country, home: Path, seed: int) -> Manifest:
    frame = people(seed).drop(columns=["nothing", "empty"]).dropna()
    frame["age"] = frame["age"].astype("int32")
    path = home / f"{seed}.parquet"
    frame.to_parquet(path)
    fields = [{"name": field.name, "type": str(field.type)} for field in pq.read_schema(path)]
    table = {"name": "person", "rows": len(frame), "entity": "person", "columns": fields}
    payload = path.read_bytes()
    digests = chunk_digests([payload])
    manifest = publish_described(
        country,
        payload,
        {
            "format": "parquet",
            "tables": [table],
            "entities": {"person": {"key": "id"}},
            "weight": "weight",
        },
        known=codebook(variables=KNOWN),
        profile=profile_of(
            DataFile(path=path, label=path.name, rule=PUBLIC, hints=Hints()),
            "parquet",
            [_plan([str(name) for name in frame], len(frame))],
        ),
        about=ABOUT,
        chunks={"size": CHUNK_SIZE, "sha256": sha256_bytes(digests)},
    )
    country.write(chunks_of(manifest), digests)
    country.write(payload_of(manifest), payload)
    return manifest


def _plan(names: list[str], rows: int) -> TablePlan:
    places = {name: Place(table="person", column=name) for name in names}
    columns = (
        ColumnPlan(place=at, entity=None, is_key=at.column == "id") for at in places.values()
    )
    return TablePlan(
        name="person",
        entity="person",
        period=None,
        rows=rows,
        columns=tuple(columns),
        weight=places["weight"],
        link=None,
        via=None,
    )


def _take_all(browser: Browser, site: str, withdrawn: str) -> None:
    dataset = f"us/datasets/{NAME}.html"
    _take(browser, f"{site}/index.html", "home-light")
    _take(browser, f"{site}/{dataset}", "dataset-dark", scheme="dark")
    _take(browser, f"{site}/us/variables/income.html", "variable-light")
    _take(browser, f"{site}/{dataset}", "tables-dark", scheme="dark", tabulated="age")
    _take(browser, f"{site}/{dataset}#variables", "variables-phone", size=PHONE)
    _take(browser, f"{site}/{withdrawn}", "withdrawn-phone", scheme="dark", size=PHONE)


def _take(
    browser: Browser,
    url: str,
    name: str,
    *,
    scheme: Any = "light",
    size: tuple[int, int] = WIDE,
    tabulated: str | None = None,
) -> None:
    with browser.new_context(
        color_scheme=scheme, viewport={"width": size[0], "height": size[1]}
    ) as context:
        tab = context.new_page()
        tab.goto(url)
        tab.locator("#trust[data-verdict=verified]").wait_for()
        if tabulated is not None:
            _tabulate(tab, tabulated)
        file = FOLDER / f"{name}.png"
        tab.screenshot(path=file, animations="disabled")
    found = file.stat().st_size
    print(f"{file.relative_to(ROOT)}  {found / 1000:.0f} kB")
    if found > LARGEST:
        raise SystemExit(f"{file} is larger than {LARGEST} bytes")


def _tabulate(tab: Page, name: str) -> None:
    tab.locator("#live [name=first]").select_option(name)
    tab.get_by_role("button", name="Tabulate").click()
    tab.locator("#live table").wait_for()
    tab.locator("#live").evaluate("section => section.scrollIntoView()")


if __name__ == "__main__":
    main()
