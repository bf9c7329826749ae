"""Chromium, as the machine has it, driven by Playwright."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


def program() -> str | None:
    """Return the browser of this machine, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def launched() -> Iterator[Browser]:
    """Run a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run a browser. Skips tests where there is none.

    It is one of a module and not of the session: while it runs, so does Playwright's event loop,
    and no other test of the process could run one.
    """
    if program() is None:
        pytest.skip("!!! not tested, as there is no browser: apt-get install chromium")
    pytest.importorskip("playwright.sync_api", reason="!!! playwright is missing")
    with launched() as browser:
        yield browser


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in the pages of ``page``: errors of scripts, and those of the console."""
    return []


@pytest.fixture
def page(chromium: Browser, faults: list[str]) -> Iterator[Page]:
    """A tab of a browser that has seen nothing yet. It reaches this machine only."""
    context = chromium.new_context()
    context.route(lambda url: not _is_here(url), lambda route: route.abort())
    tab = context.new_page()
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield tab
    context.close()


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))
