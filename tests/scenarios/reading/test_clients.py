"""The functions for R and Stata in ``clients/``: R's is run, where this machine has R."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import click
import pytest

import pe_dvc
from pe_dvc.cli.export import command
from tests.support.country import LATEST, Country
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

STATA = (ROOT / "clients/stata/pe_data.ado").read_text()
READ = """
frame <- pe_data(reference, columns = c("person_id", "employment_income", "filing_status"))
stopifnot(nrow(frame) == 3, ncol(frame) == 3)
stopifnot(attr(frame$employment_income, "label") == "Employment income [currency-USD]")
stopifnot(frame$employment_income[2] == 12500.5, is.na(frame$employment_income[3]))
stopifnot(as.character(haven::as_factor(frame$filing_status))[2] == "Married filing jointly")
stopifnot(is.na(frame$filing_status[3]))
cat(attr(frame, "pe_data_reference"))
"""
OFFLINE = "again <- pe_data(reference, offline = TRUE); stopifnot(identical(nrow(again), 3L))"
MISSING = """
said <- tryCatch(pe_data("us/nothing_2024@latest"), error = conditionMessage)
cat(said)
"""
QUOTES = """
said <- tryCatch(pe_data("us/x@latest; touch taken #'\\" $(touch taken)"), error = conditionMessage)
cat(said)
"""


def run_r(script: str, folder: Path) -> str:
    """Run a script after the client was sourced; return what it printed. Skips without R."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("!!! R's client is not tested: apt-get install r-base-core r-cran-haven")
    has_haven = 'quit(status = !requireNamespace("haven", quietly = TRUE))'
    if subprocess.run([rscript, "-e", has_haven], check=False).returncode:
        pytest.skip("!!! R's client is not tested: apt-get install r-cran-haven")
    head = f'source("{ROOT}/clients/R/pe_data.R"); reference <- "{LATEST}"\n'
    (folder / "script.R").write_text(head + script)
    done = subprocess.run(
        [rscript, "--vanilla", "script.R"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_r_reads_a_labelled_frame(labelled: Country, tmp_path: Path) -> None:
    assert run_r(READ, tmp_path) == pe_dvc.resolve(LATEST).pin
    run_r(OFFLINE, tmp_path)


def test_r_says_what_pe_dvc_says(labelled: Country, tmp_path: Path) -> None:
    assert "channel latest of us has no dataset 'nothing_2024'" in run_r(MISSING, tmp_path)


def test_a_reference_in_r_runs_no_other_command(labelled: Country, tmp_path: Path) -> None:
    assert "pe-dvc" in run_r(QUOTES, tmp_path)
    assert not (tmp_path / "taken").exists()


def options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z]+", text)) - {"--vanilla"}


@pytest.mark.parametrize("file", ["R/pe_data.R", "stata/pe_data.ado"])
def test_a_client_gives_options_that_export_has(file: str) -> None:
    """All that can be tested of Stata's without Stata."""
    known = {name for param in command.params for name in param.opts}
    assert isinstance(command, click.Command)
    assert options((ROOT / "clients" / file).read_text()) - {"--help"} <= known
    assert "export" in STATA
    assert STATA.count("{") == STATA.count("}")
