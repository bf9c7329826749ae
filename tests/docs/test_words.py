"""What people read is in plain modern English: no words that a DVC user would not write."""

from __future__ import annotations

import re
import subprocess

from tests.support.paths import ROOT

READ_BY_PEOPLE = ["*.md", "templates", "examples", "dvc.yaml.example", "pe_dvc"]
QUAINT = re.compile(
    r"\b(nobody|somebody|anybody|everybody|for ever|whoever|at hand|mend(s|ed|ing)?|anew|"
    r"parted by|the very bytes|wanting)\b",
    re.IGNORECASE,
)


def test_no_quaint_words() -> None:
    listed = subprocess.check_output(["git", "ls-files", *READ_BY_PEOPLE], cwd=ROOT, text=True)
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in listed.splitlines()
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if QUAINT.search(line)
    ]
    assert not found, "\n".join(found)
