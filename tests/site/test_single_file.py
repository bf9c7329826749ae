"""A site in one file, opened from the disk in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.primitives.errors import ConflictError
from pe_dvc.project import directories
from tests.support.bucket_server import BucketServer, served
from tests.support.country import NAME, Country, reader_at
from tests.support.described import PROFILE, TWO_TABLES, codebook, statistics
from tests.support.other_environments import node_program
from tests.support.site import publish_described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

DATASET = f"us/datasets/{NAME}.html"
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


class Site:
    """A country with two versions of a dataset, and its site in a file."""

    def __init__(self, directory: Path, bucket: BucketServer) -> None:
        self.directory, self.bucket = directory, bucket
        self.file = directory / "us.html"
        self.country = Country(directory / "country", LocalStore(directory / "bucket"))
        self.country.trust(directories.config_dir())
        self.states = publish_described(self.country, b"states", TWO_TABLES, name="states/AL")
        for number in range(2):
            self.point(number)

    def point(self, number: int) -> None:
        profile = json.loads(json.dumps(PROFILE))
        profile["tables"][0]["columns"]["employment_income"]["total"] = 5.0 + number
        known = codebook(variables={"age": {"label": HOSTILE}})
        manifest = publish_described(
            self.country, b"version %d" % number, profile=statistics(profile), known=known
        )
        self.country.point("latest", [manifest, self.states])

    def build(self) -> str:
        store = str(self.directory / "bucket")
        pe_dvc.build_site_file(self.file, store=store, bucket_url=self.bucket.url)
        return self.file.read_text()

    def open(self, page: Page, path: str = "index.html") -> str:
        """Open a page of the file; return what its panel says."""
        page.goto(f"{self.file.as_uri()}#{path}")
        panel = shown(page).locator(".trust:not([data-verdict=checking])[data-verdict]")
        panel.wait_for(timeout=30_000)
        said: str = panel.inner_text()
        return said


def shown(page: Page) -> Any:
    """Return the page of the file that is shown."""
    return page.locator("main > article:visible")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    with served(LocalStore(tmp_path / "bucket")) as bucket:
        yield Site(tmp_path, bucket)


def test_each_page_is_shown_alone_and_verified(site: Site, page: Page, faults: list[str]) -> None:
    site.build()
    for path in ("index.html", DATASET, "us/variables/age.html"):
        text = site.open(page, path)
        assert text.startswith("Verified in your browser: "), text
        assert "This page is a file on this machine. The bucket was checked, and not" in text
        assert shown(page).count() == 1
        assert shown(page).get_attribute("id") == path
    assert page.title() == "age, us"
    assert "against what this browser has seen before" in text
    assert all("404" in fault for fault in faults), faults


def test_the_search_leads_to_a_page_of_the_file(site: Site, page: Page) -> None:
    site.build()
    site.open(page)
    page.get_by_label("Search datasets and variables").fill("emplyoment")
    page.locator(".search li a").first.click()
    page.locator("h1:visible", has_text="employment_income").wait_for()
    assert shown(page).get_attribute("id") == "us/variables/employment_income.html"


def test_any_two_versions_are_compared(site: Site, page: Page) -> None:
    site.build()
    site.open(page, DATASET)
    shown(page).locator(".compare button").click()
    shown(page).locator(".compare table").first.wait_for()
    assert "total of person.employment_income" in shown(page).locator(".compare").inner_text()


def test_a_file_of_older_data_says_so(site: Site, page: Page) -> None:
    site.build()
    site.point(3)
    assert "This page is not of the newest data" in site.open(page, DATASET)


def test_a_bucket_that_does_not_allow_files_to_read_it_is_no_attack(site: Site, page: Page) -> None:
    site.build()
    page.route(f"{site.bucket.url}/**", lambda route: route.abort())
    text = site.open(page)
    assert "Not checked: the bucket cannot be read from here" in text
    assert "a browser reads only a bucket that allows every origin (CORS)" in text


def test_a_root_that_was_altered_in_the_file(site: Site, page: Page) -> None:
    text = site.build()
    match = re.search(r'id="us/root\.json">.*?"sig": ?"([0-9a-f]{8})', text, re.S)
    assert match is not None
    site.file.write_text(text.replace(match[1], "00000000"))
    assert "Not verified: not enough of the keys have signed" in site.open(page)


def test_no_script_runs_but_the_one_that_was_built(site: Site, page: Page) -> None:
    text = site.build()
    added = "<script>document.documentElement.className = 'taken'</script></body>"
    site.file.write_text(text.replace("</body>", added))
    site.open(page)
    assert page.evaluate("document.documentElement.className") == ""


def test_hostile_texts_are_shown_as_text(site: Site, page: Page) -> None:
    page.add_init_script("window.alert = () => { document.title = 'taken'; }")
    site.build()
    site.open(page, "us/variables/age.html")
    assert HOSTILE in shown(page).inner_text()
    site.open(page)
    page.get_by_label("Search datasets and variables").fill("age")
    page.locator(".search li", has_text=HOSTILE).first.wait_for()
    assert not page.locator("img").count()
    assert page.title() == "Datasets"


def test_without_javascript_a_page_is_shown_at_a_time(site: Site, chromium: Any) -> None:
    site.build()
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(site.file.as_uri())
    assert shown(tab).get_attribute("id") == "index.html"
    tab.get_by_role("link", name=NAME, exact=True).first.click()
    assert shown(tab).get_attribute("id") == DATASET
    assert "Not checked in this browser" in shown(tab).locator(".trust").inner_text()
    context.close()


@pytest.mark.parametrize("path", ["index.html", DATASET])
def test_a_phone_shows_it_and_nothing_of_wcag_is_violated(
    site: Site, page: Page, path: str
) -> None:
    site.build()
    page.set_viewport_size({"width": 360, "height": 740})
    site.open(page, path)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
    page.evaluate(Path(node_program("axe", "axe-core/axe.min.js")[1]).read_text())
    found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] })")
    assert not [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


def test_the_same_state_gives_the_same_bytes_and_ids_are_there_once(site: Site) -> None:
    text = site.build()
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert links
    assert links <= set(ids)
    assert site.build() == text


def test_a_file_of_someone_else_is_left(site: Site) -> None:
    site.file.write_text("<!doctype html>\n<html lang='en'>")
    with pytest.raises(ConflictError, match=r"us\.html is no site that pe-dvc built"):
        site.build()
    assert "made-by" not in site.file.read_text()
