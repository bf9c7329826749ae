"""Where this machine gives a command no more files or threads, it says which limit to raise."""

from __future__ import annotations

import errno
import os

import click
import pytest

from pe_dvc.cli.failures import OTHER, guarded


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), "a/file"), "`ulimit -n 1024`"),
        (RuntimeError("can't start new thread"), "`ulimit -u`"),
    ],
    ids=["files", "threads"],
)
def test_a_limit_of_this_machine_is_named(
    error: Exception,
    limit: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command
    def command() -> None:
        raise error

    monkeypatch.setattr("sys.argv", ["pe-dvc"])
    assert guarded(command) == OTHER
    said = capsys.readouterr().err
    assert limit in said
    assert "bug" not in said
