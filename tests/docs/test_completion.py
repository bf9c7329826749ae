"""The shells that docs/reading.md names get completion, of commands that load nothing else."""

from __future__ import annotations

import os
import re

import pytest

from tests.support.commands import run_pe_dvc
from tests.support.paths import ROOT

SHELLS = re.findall(r"_PE_DVC_COMPLETE=(\w+)_source", (ROOT / "docs/reading.md").read_text())


def complete(**variables: str) -> str:
    """Return what the command prints for a shell that asks it."""
    return run_pe_dvc(environment={**os.environ, **variables}).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_gets_its_script(shell: str) -> None:
    assert f"_PE_DVC_COMPLETE={shell}_complete" in complete(_PE_DVC_COMPLETE=f"{shell}_source")


@pytest.mark.parametrize(
    ("words", "expected"), [("pe-dvc ch", ["channel", "check"]), ("pe-dvc release cr", ["create"])]
)
def test_words_are_completed(words: str, expected: list[str]) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    found = complete(_PE_DVC_COMPLETE="bash_complete", **asked)
    assert [line.removeprefix("plain,") for line in found.splitlines()] == expected


def test_three_shells_are_documented() -> None:
    assert SHELLS == ["bash", "zsh", "fish"]
