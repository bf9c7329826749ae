"""Where things of the project are."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

BIN = Path(sys.executable).parent
"""The commands of this environment: ``pe-dvc``, ``dvc``."""
