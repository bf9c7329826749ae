"""The glossary has each term once, in order; every link in the docs leads to an existing place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GLOSSARY = (ROOT / "docs/glossary.md").read_text()
ENTRIES = re.findall(r"^### (.+)\n\n((?:.+\n)+)", GLOSSARY, re.MULTILINE)
TERMS = [term for term, _ in ENTRIES]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

# What every reader of the docs meets; the glossary may have more.
REQUIRED = {
    *("artifact", "bucket", "cache", "channel", "chunk list", "dataset", "DVC cache", "gate"),
    *("key file", "manifest", "payload", "pin", "pointer", "reference", "release", "remote"),
    *("revoked", "role", "root", "signer", "store", "threshold", "timestamp", "tombstone"),
}


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    without_code = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", without_code, re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        assert slug not in found, f"{page.name}: two headings with the anchor #{slug}"
        found.add(slug)
    return found


def test_every_term_is_there_once() -> None:
    assert len(ENTRIES) == GLOSSARY.count("### ")
    lowered = [term.casefold() for term in TERMS]
    assert len(set(lowered)) == len(lowered)
    assert set(TERMS) >= REQUIRED


def test_terms_are_in_order() -> None:
    assert sorted(TERMS, key=str.casefold) == TERMS


@pytest.mark.parametrize(("term", "text"), ENTRIES, ids=TERMS)
def test_an_entry_is_short_and_says_where_its_term_is_specified(term: str, text: str) -> None:
    assert re.search(r"\]\(.+?\)", text), term
    prose = re.sub(r"\[[^]]*\]\([^)]*\)|`[^`]*`", "x", " ".join(text.split()))
    assert len(re.findall(r"[.:](?: |$)", prose)) <= 4, f"{term}: three sentences at most"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_existing_anchors(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        there = page.parent / target if target else page
        assert there.is_file(), f"{page.name}: {target}"
        assert anchor in anchors(there), f"{page.name}: {target}#{anchor}"
