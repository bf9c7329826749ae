"""docs/architecture.md, and every other page, names only files that exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("pe_dvc", "tests", "docs", "benchmarks", "examples", "templates")

# A path from the root of this repo, with its folder, its suffix or both: `pe_dvc/store/port.py`.
PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    missing = [name for name in PATH.findall(page.read_text()) if not (ROOT / name).exists()]
    assert not missing, f"{page.name} names what does not exist: {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_python_file_is_named_from_the_root(page: Path) -> None:
    short = [
        name
        for name in re.findall(r"`([\w/]+/\w+\.py)`", page.read_text())
        if not name.startswith(FOLDERS)
    ]
    assert not short, f"{page.name}: write the path from the root: {short}"


def test_every_package_has_its_row() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    packages = {path.parent.name for path in (ROOT / "pe_dvc").glob("*/__init__.py")}
    assert packages == set(re.findall(r"^\| `pe_dvc/(\w+)/` \|", text, re.MULTILINE))
    capabilities = {path.parent.name for path in (ROOT / "pe_dvc/usecases").glob("*/__init__.py")}
    assert capabilities == set(re.findall(r"`pe_dvc/usecases/(\w+)/`", text))


def test_code_cites_documents_that_exist() -> None:
    for path in (ROOT / "pe_dvc").rglob("*.py"):
        text = path.read_text()
        for number in re.findall(r"ADR (\d{4})", text):
            assert list((ROOT / "docs/adr").glob(f"{number}-*.md")), f"{path.name}: ADR {number}"
        for page in re.findall(r"docs/[\w/-]+\.md", text):
            assert (ROOT / page).is_file(), f"{path.name}: {page}"
