"""The example data repo of the CPS, and the one file that its pipeline downloads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.commands import run
from tests.support.paths import ROOT

US_CPS = ROOT / "examples" / "us-cps"
VERSION = "6.8.0"
SHA256 = "3813377ba9c5a4cdc1854093dff84f3d942ae6cd16593e142daf37bf385db024"


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tax-Calculator's sdist, fetched once for all tests by the example's own script.

    Session fixtures are set up before the home is isolated: pip is set up as the user has it.
    """
    if given := os.environ.get("US_CPS_SDIST"):
        return Path(given)
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    path = shared / "taxcalc.tar.gz"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            partial = shared / "taxcalc.partial"
            run(sys.executable, US_CPS / "build/download.py", VERSION, SHA256, partial, cwd=shared)
            partial.rename(path)
    return path
