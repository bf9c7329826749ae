"""Tables of public data, made in a real browser of verified chunks of the payload."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.digest import CHUNK_SIZE, chunk_digests, sha256_bytes
from pe_dvc.project import directories
from pe_dvc.project.site import STATIC
from tests.support.bucket_server import BucketServer, served
from tests.support.country import NAME, Country, chunks_of, payload_of, reader_at
from tests.support.described import codebook
from tests.support.other_environments import node_program
from tests.support.site import publish_described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

ROWS = 3000
HOSTILE = "<img src=x onerror=alert(1)>"
COLUMNS: dict[str, Any] = {
    "person_id": pa.array(range(ROWS), pa.int64()),
    "age": pa.array([number % 90 for number in range(ROWS)], pa.int32()),
    "status": pa.array([("A", HOSTILE, None)[number % 3] for number in range(ROWS)]),
    "weight": pa.array([float(1 + number % 2) for number in range(ROWS)]),
}
pytestmark = pytest.mark.skipif(
    not (STATIC / "vendor/hyparquet").is_dir(), reason="!!! not tested: make site-scripts"
)


def parquet(compression: str) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(COLUMNS), sink, compression=compression, row_group_size=1000)
    return sink.getvalue()


class Site:
    """A dataset whose payload is in the bucket; pages and bucket are on two origins."""

    def __init__(self, directory: Path, bucket: BucketServer, pages: BucketServer) -> None:
        self.directory, self.bucket, self.pages = directory, bucket, pages
        self.country = Country(directory / "country", LocalStore(directory / "bucket"))
        self.country.trust(directories.config_dir())

    def publish(self, compression: str = "snappy", **how: Any) -> None:
        payload = parquet(compression)
        digests = chunk_digests([payload])
        columns = [{"name": name, "type": str(values.type)} for name, values in COLUMNS.items()]
        table = {"name": "person", "rows": ROWS, "entity": "person", "columns": columns}
        contents = {
            "format": "parquet",
            "tables": [table],
            "entities": {"person": {"key": "person_id"}},
            "weight": "weight",
        }
        chunks = {"size": CHUNK_SIZE, "sha256": sha256_bytes(digests)}
        manifest = publish_described(self.country, payload, contents, chunks=chunks, **how)
        self.country.write(chunks_of(manifest), digests)
        self.country.write(payload_of(manifest), payload)
        self.payload = self.directory / "bucket" / payload_of(manifest)
        self.country.point("latest", [manifest])

    def build(self) -> str:
        store = str(self.directory / "bucket")
        pe_dvc.build_site(self.directory / "site", store=store, bucket_url=self.bucket.url)
        return (self.directory / f"site/us/datasets/{NAME}.html").read_text()

    def open(self, page: Page) -> None:
        self.build()
        page.goto(f"{self.pages.url}/us/datasets/{NAME}.html")
        page.locator("#live").wait_for()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    stores = [LocalStore(tmp_path / name) for name in ("bucket", "site")]
    with served(stores[0]) as bucket, served(stores[1]) as pages:
        yield Site(tmp_path, bucket, pages)


def cells(page: Page) -> list[list[str]]:
    """Return the texts of the table that is shown."""
    page.locator("#live table").wait_for()
    found: list[list[str]] = page.evaluate(
        "Array.from(document.querySelectorAll('#live tbody tr'), (row) =>"
        " Array.from(row.cells, (cell) => cell.textContent))"
    )
    return found


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", "lz4", "none"])
def test_the_first_rows_are_shown(site: Site, page: Page, compression: str) -> None:
    site.publish(compression)
    site.open(page)
    page.get_by_role("button", name="Show the first rows").click()
    rows = cells(page)
    assert len(rows) == 20
    assert rows[:3] == [["0", "0", "A", "1"], ["1", "1", HOSTILE, "2"], ["2", "2", "", "1"]]


def test_one_variable_is_tabulated_by_the_weight(site: Site, page: Page, faults: list[str]) -> None:
    site.publish()
    site.open(page)
    page.locator("#live [name=first]").select_option("status")
    page.get_by_role("button", name="Tabulate").click()
    rows = cells(page)
    assert [row[:3] for row in rows] == [
        [HOSTILE, "1500", "33.3%"],
        ["A", "1500", "33.3%"],
        ["missing", "1500", "33.3%"],
    ]
    assert not page.locator("#live img").count()
    assert all("404" in fault for fault in faults), faults


def test_a_number_becomes_a_histogram_and_two_variables_a_cross_table(
    site: Site, page: Page
) -> None:
    site.publish()
    site.open(page)
    page.locator("#live [name=first]").select_option("age")
    page.get_by_role("button", name="Tabulate").click()
    ages = cells(page)
    assert "10 to below 20" in [row[0] for row in ages]
    assert sum(int(row[1].replace(",", "")) for row in ages) == 4500
    page.locator("#live [name=second]").select_option("status")
    page.get_by_role("button", name="Tabulate").click()
    page.locator("#live caption", has_text="age by status").wait_for()
    assert len(cells(page)[0]) == 4


def test_only_the_columns_that_are_needed_are_read_and_nothing_before_it_is_asked(
    site: Site, page: Page
) -> None:
    site.publish()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    site.open(page)
    page.locator("#trust[data-verdict=verified]").wait_for()
    assert not [url for url in asked if "/files/md5/" in url or "/vendor/" in url]
    page.get_by_role("button", name="Tabulate").click()
    cells(page)
    assert [url for url in asked if "/files/md5/" in url]
    assert all(url.startswith("http://127.0.0.1:") for url in asked)


def test_a_flipped_byte_of_the_payload_is_shown_as_nothing(site: Site, page: Page) -> None:
    site.publish()
    data = bytearray(site.payload.read_bytes())
    data[len(data) // 2] ^= 1
    site.payload.write_bytes(bytes(data))
    site.open(page)
    page.get_by_role("button", name="Tabulate").click()
    status = page.locator("#live [role=status]")
    page.locator("#live", has_text="Not verified").wait_for()
    assert "a file is not the one that was signed" in status.inner_text()
    assert not page.locator("#live table").count()


def test_a_page_that_is_not_of_the_newest_data_reads_none(site: Site, page: Page) -> None:
    site.publish("gzip")
    site.build()
    site.publish("snappy")
    page.goto(f"{site.pages.url}/us/datasets/{NAME}.html")
    page.get_by_role("button", name="Tabulate").click()
    page.locator("#live", has_text="not of the newest data").wait_for()
    assert not page.locator("#live table").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_wcag_is_violated_on_a_phone(site: Site, page: Page, scheme: Any) -> None:
    axe = Path(node_program("axe", "axe-core/axe.min.js")[1]).read_text()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    site.publish()
    site.open(page)
    for name in ("Show the first rows", "Tabulate"):
        page.get_by_role("button", name=name).click()
        page.locator("#live table").wait_for()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
        page.evaluate(axe)
        found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] })")
        assert not [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


def test_gated_data_have_none(site: Site) -> None:
    site.publish(known=codebook(access="gated"))
    html = site.build()
    assert 'id="live"' not in html
    assert "tables.js" not in html


def test_without_an_address_of_the_bucket_there_is_none(site: Site) -> None:
    site.publish()
    pe_dvc.build_site(site.directory / "site", store=str(site.directory / "bucket"))
    assert 'id="live"' not in (site.directory / f"site/us/datasets/{NAME}.html").read_text()
