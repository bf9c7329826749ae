"""Progress as people see it: a bar on a terminal, lines in a log, nothing for what is quick."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from pe_dvc.project import progress_bar
from pe_dvc.project.progress_bar import Bars

ON_A_TERMINAL = """
import time
import rich.console, rich.progress  # a busy machine takes seconds to load them
from pe_dvc.project import progress_bar as bars
bars.PATIENCE = 0
with bars.Bars().task("cps", 3_000_000) as moved:
    time.sleep(0.3)
    for _ in range(30):
        moved(100_000)
        time.sleep(0.05)
"""


def on_a_terminal(program: str, **environment: str) -> str:
    """Run a program whose stderr is a terminal, and return what it shows there."""
    ours, theirs = pty.openpty()
    terminal = {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.Popen(
        [sys.executable, "-c", program],
        stderr=theirs,
        env={**os.environ, **terminal, **environment},
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:
        pass  # the other side was closed
    os.close(ours)
    assert done.wait() == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())


def test_a_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    shown = on_a_terminal(ON_A_TERMINAL)
    assert "3.0/3.0 MB" in shown
    assert re.search(r"cps .* MB +[\d.]+ MB/s +\d:\d\d:\d\d", shown)


def test_what_is_quick_shows_nothing_and_so_does_a_terminal_of_ci() -> None:
    assert on_a_terminal(ON_A_TERMINAL.replace("PATIENCE = 0", "PATIENCE = 60")) == ""
    assert on_a_terminal(ON_A_TERMINAL, CI="true") == ""


def test_a_log_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bars().task("cps", 3_000_000) as moved:
        moved(1_000_000)
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(progress_bar, "EVERY", 0.0)
        moved(1_000_000)
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"cps: 2\.0 MB of 3\.0 MB, [\d.]+ [kMGT]?B/s, \d+ s left", line)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (7.4, "7 s"), (99, "99 s"), (150, "2 min"), (9000, "2.5 h")]
)
def test_time_left(seconds: float, text: str) -> None:
    assert progress_bar._time_text(seconds) == text


def test_a_download_goes_on_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "EVERY", 0.0)
    monkeypatch.setattr(sys, "stderr", None)
    with Bars().task("cps", 10) as moved:
        moved(5)
    Bars().note("hello")
