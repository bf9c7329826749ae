"""The first module of ``pe-dvc``: it knows the help by heart, and loads click for all else.

To load click takes three times as long as to start Python.
"""

from __future__ import annotations

import os
import sys

WIDTH = 80
"""Columns from which on the help is the same, however wide the terminal is."""


def main() -> None:
    """Run the command line and exit with its documented code."""
    if _asks_for_help() and _say_help():
        return
    from pe_dvc.cli.main import main as run

    run()


def _asks_for_help() -> bool:
    is_usual = os.path.basename(sys.argv[0]) == "pe-dvc"  # noqa: PTH119 - as below
    asks = sys.argv[1:] in (["--help"], ["-h"]) and "_PE_DVC_COMPLETE" not in os.environ
    return asks and is_usual and _is_wide()


def _is_wide() -> bool:
    """Tell whether the text is to be as wide as it can be; as ``shutil.get_terminal_size`` does."""
    try:
        columns = int(os.environ.get("COLUMNS", "0"))
    except ValueError:
        columns = 0
    if columns > 0:
        return columns >= WIDTH
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return columns >= WIDTH or columns == 0


def _say_help() -> bool:
    """Print the help; False where that fails, which click's way says better."""
    place = os.path.join(os.path.dirname(__file__), "help.txt")  # noqa: PTH118, PTH120 - as below
    try:
        with open(place, encoding="ascii") as file:  # noqa: PTH123 - pathlib takes longer to load
            sys.stdout.write(file.read())
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away, as `| head` does; keep the interpreter from flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except (OSError, ValueError, AttributeError):
        return False
    return True
