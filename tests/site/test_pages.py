"""The pages of a site in a real browser: no error, search, keyboards, small screens, WCAG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.project import directories
from pe_dvc.trust.pins import pin_root
from tests.support.country import NAME, Country, reader_at
from tests.support.described import PROFILE, TWO_TABLES, statistics
from tests.support.environment import own_directories
from tests.support.other_environments import node_program
from tests.support.release_history import DATASETS, History
from tests.support.site import publish_described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

DATASET = f"us/datasets/{NAME}.html"
KINDS = {
    "home": "index.html",
    "dataset": DATASET,
    "several tables": "us/datasets/states/AL.html",
    "variable": "us/variables/filing_status.html",
    "withdrawn": "us/withdrawn/",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

PHONE: Any = {"width": 360, "height": 740}

WIDE = """Array.from(document.querySelectorAll("body *"))
  .filter((one) => one.getBoundingClientRect().right > 361 && !one.closest(".wide, pre"))
  .map((one) => one.outerHTML.slice(0, 150))"""
"""What sticks out of a phone's screen."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a site as ``pe-dvc site serve`` shows it."""
    reader_at(tmp_path / "reader", monkeypatch)
    monkeypatch.chdir(tmp_path)
    country = Country(tmp_path / "country", LocalStore(tmp_path / "bucket"), contact="a@b.org")
    country.trust(directories.config_dir())
    states = publish_described(country, b"states", TWO_TABLES, name="states/AL")
    for number in range(3):
        profile = json.loads(json.dumps(PROFILE))
        columns = profile["tables"][0]["columns"]
        columns["employment_income"]["total"] = 5.0 + number
        columns["age"]["quantiles"] = {
            "p5": 1.0,
            "p25": 20.0,
            "p50": 40.0,
            "p75": 60.0,
            "p95": 80.0,
        }
        data = b"version %d" % number
        known = publish_described(country, data, profile=statistics(profile))
        country.point("latest", [known, states])
        if number == 0:
            first = known
    country.revoke(first, replacement=known)
    KINDS["withdrawn"] = f"us/withdrawn/{first.artifact.sha256}.html"
    with pe_dvc.serve_site(store=str(tmp_path / "bucket")) as found:
        yield found.url


def opened(page: Page, site: str, path: str) -> None:
    """Open a page, and wait until its panel has said what it found."""
    page.goto(f"{site}{path}")
    page.locator("#trust:not([data-verdict=checking])[data-verdict]").wait_for(timeout=30_000)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_opens_without_an_error_and_is_verified(
    site: str, page: Page, faults: list[str], kind: str
) -> None:
    opened(page, site, KINDS[kind])
    assert page.locator("#trust").get_attribute("data-verdict") == "verified"
    # The bucket says that there is no newer root.
    assert all("404" in fault for fault in faults), faults


def test_the_search_finds_by_a_word_with_a_slip(site: str, page: Page) -> None:
    opened(page, site, "index.html")
    page.get_by_label("Search datasets and variables").fill("emplyoment")
    result = page.locator("#search li a").first
    result.wait_for()
    assert result.inner_text() == "employment_income"
    assert "found" in page.locator("#search [role=status]").inner_text()
    result.click()
    page.wait_for_url("**/us/variables/employment_income.html")
    assert "Wages & salaries, including <tips>." in page.locator("main").inner_text()


def test_any_two_versions_are_compared(site: str, page: Page) -> None:
    opened(page, site, DATASET)
    page.locator("#compare button").click()
    page.locator("#compare table").first.wait_for()
    text = page.locator("#compare").inner_text()
    assert "total of person.employment_income" in text
    assert "+17%" in text
    page.get_by_label("Before").select_option(index=0)
    page.locator("#compare button").click()
    page.get_by_text("The same version.").wait_for()


REACHABLE = """Array.from(
  document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")
).filter((one) => one.checkVisibility())"""
"""What a keyboard must reach."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_keyboard_reaches_all_that_a_page_offers_and_shows_where_it_is(
    site: str, page: Page, kind: str
) -> None:
    opened(page, site, KINDS[kind])
    assert unreached(page) == []


def unreached(page: Page) -> list[str]:
    """Return what Tab does not come to, or comes to without a sign."""
    page.evaluate(f"window.wanted = {REACHABLE}")
    seen = set()
    for _ in range(page.evaluate("wanted.length") + 2):
        page.keyboard.press("Tab")
        style = "getComputedStyle(document.activeElement).outlineStyle"
        at = page.evaluate(f"{style} === 'none' ? -1 : wanted.indexOf(document.activeElement)")
        seen.add(at)
    found: list[str] = page.evaluate(
        "seen => wanted.filter((_, at) => !seen.includes(at)).map((one) => one.outerHTML)",
        list(seen),
    )
    return found


def test_a_keyboard_compares_versions_on_a_phone(site: str, page: Page, axe: str) -> None:
    page.set_viewport_size(PHONE)
    opened(page, site, DATASET)
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#compare select')"):
            break
    page.keyboard.press("End")  # the oldest one that can be read
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#compare table").first.wait_for()
    assert "total of person.employment_income" in page.locator("#compare").inner_text()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360, page.evaluate(WIDE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert not violations(page, axe)


def test_a_keyboard_is_enough(site: str, page: Page) -> None:
    opened(page, site, "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    assert {"query", NAME, "states/AL"} <= reached


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_shows_a_page_without_scrolling_sideways(site: str, page: Page, kind: str) -> None:
    page.set_viewport_size(PHONE)
    opened(page, site, KINDS[kind])
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360, page.evaluate(WIDE)


@pytest.fixture(scope="module")
def axe() -> str:
    """The script that finds what keeps people from a page."""
    return Path(node_program("axe", "axe-core/axe.min.js")[1]).read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_wcag_is_violated(
    site: str, page: Page, axe: str, kind: str, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    opened(page, site, KINDS[kind])
    said = violations(page, axe)
    assert not said, "\n".join(said)


def violations(page: Page, axe: str) -> list[str]:
    """Return what of a page keeps people from it."""
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run({ runOnly: rules })", RULES)
    assert found["passes"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node.get('failureSummary')}"
        for one in found["violations"]
        for node in one["nodes"][:2]
    ]


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a site with a release, and one that is deprecated."""
    history = History(tmp_path / "maintainer")
    for variable, place in own_directories(history.base).items():
        monkeypatch.setenv(variable, place)
    monkeypatch.setenv("PE_DVC_STORE", str(history.bucket))
    for tag in ("1.9.0", "1.10.0"):
        history.release(tag, {**DATASETS, "cps_2024": tag.encode()})
        history.publish_channels()
        history.publish_release(tag)
    pin_root(directories.config_dir(), "us", history.signed.root)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pe_dvc.serve_site() as found:
        yield found.url


def test_a_page_of_a_release(released: str, page: Page, axe: str, faults: list[str]) -> None:
    page.set_viewport_size(PHONE)
    for path in ("us/release/1.9.0.html", "us/release/1.10.0.html"):
        opened(page, released, path)
        assert page.locator("#trust").get_attribute("data-verdict") == "verified"
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360, page.evaluate(WIDE)
        assert unreached(page) == []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert not violations(page, axe)
    page.get_by_role("link", name="cps_2024", exact=True).click()
    page.wait_for_url("**/us/datasets/cps_2024.html")
    assert all("404" in fault for fault in faults), faults


def test_without_javascript_the_pages_read(site: str, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site}{DATASET}")
    assert "Employment income" in tab.locator("main").inner_text()
    assert "Not checked in this browser" in tab.locator("#trust").inner_text()
    assert not tab.locator("#compare").is_visible()
    context.close()
