"""Progress of a fetch, for those who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pe_dvc
from pe_dvc.project import progress_bar
from tests.support.country import LATEST

if TYPE_CHECKING:
    import pytest

    from tests.support.country import Country


def test_fetch_in_python_shows_it_when_asked(
    country: Country, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_bar, "EVERY", 0.0)
    path = pe_dvc.fetch(LATEST, progress=True)
    assert "enhanced_cps_2024: 10.5 MB of 10.5 MB" in capsys.readouterr().err
    pe_dvc.fetch(LATEST, progress=True)
    path.unlink()
    pe_dvc.fetch(LATEST)
    assert capsys.readouterr().err == "", "nothing to download, or nobody asked"
