"""A Python package that a command needs and that is not there: what to install is said."""

from __future__ import annotations

import click
import pytest

from pe_dvc.cli.failures import OTHER, guarded


@pytest.mark.parametrize(
    ("package", "advice"),
    [
        ("pyreadstat", "pip install pyreadstat. Or install pe_dvc with the extra"),
        ("pyreadstat", "pip install '.[export]' in a checkout"),
        ("duckdb", "pip install '.[diff]'"),
        ("prometheus_client", "pip install '.[gateway]'"),
        ("anyio", "pip install '.[gateway]'"),  # brought by starlette
        ("pygit2", "requirements-reader.lock has what reading needs"),
    ],
)
def test_what_brings_a_package_is_named(
    package: str,
    advice: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    def command() -> None:
        raise ModuleNotFoundError(name=package)

    monkeypatch.setattr("sys.argv", ["pe-dvc"])
    assert guarded(command) == OTHER
    said = capsys.readouterr().err
    assert f"needs the Python package {package}, which is not installed here" in said
    assert advice in said
