"""The messages that the docs explain are those that the code writes."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.paths import ROOT

TABLES = {
    "data-repo.md": "| message | what happened | what to do |",
    "releasing.md": "| the message says | what to do |",
}
VARIABLE = "…"
"""Stands in the docs for what a message fills in."""


def explained(page: str) -> list[str]:
    """Return the messages in the first column of a page's table."""
    _, _, rows = (ROOT / "docs" / page).read_text().partition(f"{TABLES[page]}\n")
    return [row.split(" | ")[0].lstrip("| ") for row in rows.partition("\n\n")[0].splitlines()[1:]]


def text_of(node: ast.expr) -> str:
    """Return a string of the code, with VARIABLE for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return VARIABLE


@pytest.fixture(scope="module")
def code() -> str:
    """All strings of the package, one a line."""
    return "\n".join(
        text_of(node)
        for path in (ROOT / "pe_dvc").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant | ast.JoinedStr)
    )


@pytest.mark.parametrize("message", [m for page in TABLES for m in explained(page)])
def test_a_message_is_one_of_the_code(message: str, code: str) -> None:
    pattern = r".*".join(re.escape(part.strip()) for part in message.split(VARIABLE))
    assert re.search(pattern, code), message
