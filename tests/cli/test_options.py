"""Options of ``pe-dvc`` itself: ``--version``, ``-v``, and the completion of shells."""

from __future__ import annotations

import logging
import os
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pe_dvc.cli.main import cli
from pe_dvc.store.logged import LoggedStore, logged
from pe_dvc.usecases.retention.gc import GRACE
from tests.support.memory_store import MemoryStore
from tests.support.paths import BIN, ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_is_the_package_s(option: str) -> None:
    shown = CliRunner().invoke(cli, [option])
    assert shown.exit_code == 0
    assert shown.output.strip().endswith(version("pe_dvc"))


@pytest.mark.parametrize(("options", "levels"), [([], 0), (["-v"], 1), (["-vv"], 2)])
def test_verbose_logs_to_stderr(options: list[str], levels: int, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    done = subprocess.run(
        [BIN / "pe-dvc", *options, "trust", "add", "us", "--from-store", "--store", "bucket"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert ("INFO pe_dvc." in done.stderr) is (levels >= 1)
    assert ("DEBUG pe_dvc.store" in done.stderr) is (levels >= 2)


def test_a_request_is_logged_with_its_key_and_not_its_bytes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, logger="pe_dvc"):
        store = logged(MemoryStore())
        store.create("us/x", b"secret bytes")
        assert store.read("us/x", limit=100)[0] == b"secret bytes"
    assert "read " in caplog.text
    assert "us/x: ok" in caplog.text
    assert "secret" not in caplog.text


def test_a_store_is_left_as_it_is_where_nothing_listens() -> None:
    store = MemoryStore()
    assert logged(store) is store
    assert isinstance(LoggedStore(store).url, str)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_completion_prints_a_script(shell: str) -> None:
    variable = f"_PE_DVC_COMPLETE={shell}_source"
    assert f"{variable} pe-dvc" in (ROOT / "docs/README.md").read_text()
    name, _, value = variable.partition("=")
    done = subprocess.run(
        [BIN / "pe-dvc"],
        env={name: value, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=shell != "bash",  # which must be at least 4.4
    )
    assert "_pe_dvc_completion" in done.stdout


def test_shell_completion_knows_the_commands() -> None:
    done = subprocess.run(
        [BIN / "pe-dvc"],
        env={"_PE_DVC_COMPLETE": "bash_complete", "COMP_WORDS": "pe-dvc rel", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "plain,release\n"


def test_the_grace_period_in_the_help_is_the_real_one() -> None:
    shown = CliRunner().invoke(cli, ["gc", "--help"]).output
    assert f"{GRACE.days} days unless given" in " ".join(shown.split())
