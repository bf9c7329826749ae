"""Pictures in the docs are shown, described, and small."""

from __future__ import annotations

import re

from tests.support.paths import ROOT
from tests.support.screenshots import FOLDER, LARGEST

SHOWN = re.compile(r"!\[([^\]]{20,})\]\(screenshots/([a-z-]+\.png)\)")


def test_each_picture_is_shown_with_words_for_who_cannot_see_it_and_is_small() -> None:
    text = (ROOT / "docs/site.md").read_text()
    assert {name for _, name in SHOWN.findall(text)} == {file.name for file in FOLDER.iterdir()}
    assert all(file.stat().st_size <= LARGEST for file in FOLDER.iterdir())
