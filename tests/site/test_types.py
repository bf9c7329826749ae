"""The scripts of pages are typed by JSDoc comments, and TypeScript finds no fault."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from tests.support.browser_client import STATIC
from tests.support.other_environments import FOLDER, node_program

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 300


def test_types(tmp_path: Path) -> None:
    compiler = node_program("typescript", "typescript/bin/tsc")
    project = tmp_path / "tsconfig.json"
    rules = FOLDER / "typescript/tsconfig.json"
    project.write_text(json.dumps({"extends": str(rules), "include": [f"{STATIC}/*.js"]}))
    done = subprocess.run(
        [*compiler, "-p", str(project)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short_and_need_nothing_of_others() -> None:
    for file in STATIC.glob("*.js"):
        lines = file.read_text().splitlines()
        assert len(lines) <= LONGEST, file
        imported = [line for line in lines if " from " in line and line.startswith(("import", "}"))]
        assert all(' from "./' in line for line in imported), file
