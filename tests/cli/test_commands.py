"""The command line itself: its help, its exit codes, and what it imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from pe_dvc.cli.failures import exit_code
from pe_dvc.cli.main import COMMANDS, cli
from pe_dvc.primitives import errors
from tests.support.commands import run, run_pe_dvc
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def leaves() -> list[tuple[str, ...]]:
    """Return the path of every command that does something."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            found += [(name, inner) for inner in command.commands]
        else:
            found.append((name,))
    return found


@pytest.mark.parametrize("command", [(), *leaves()], ids=" ".join)
def test_no_name_is_broken_at_a_hyphen_in_help(command: tuple[str, ...]) -> None:
    said = CliRunner().invoke(cli, [*command, "--help"], terminal_width=78).output
    assert "\N{NON-BREAKING HYPHEN}" not in said
    assert not [line for line in said.splitlines() if re.search(r"\w-$", line)]


def test_the_table_of_commands_says_what_the_commands_say() -> None:
    for name, (_, text) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.name == name
        assert command.help is not None
        assert command.help.splitlines()[0] == text


@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_every_command_has_help_and_is_documented(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"])
    assert shown.exit_code == 0
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(document.read_text() for document in documents)
    assert f"pe-dvc {' '.join(path)}" in text, f"docs/ says nothing about {' '.join(path)}"


def test_python_runs_the_package_as_the_command() -> None:
    python = (sys.executable, "-m", "pe_dvc")
    assert run(*python, "--version").stdout == run_pe_dvc("--version").stdout
    assert run(*python, "show", "us/nothing", code=None).returncode == 1
    assert "Usage: python -m pe_dvc" in run(*python, "--help").stdout


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from pe_dvc.cli.main import cli;"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0;"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    heavy = {"dvc", "tuf", "pyarrow", "h5py", "pygit2", "obstore", "pydantic", "rich", "boto3"}
    assert not heavy & set(loaded)


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = "import sys, pe_dvc; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    assert not {"pydantic", "tuf", "pyarrow", "obstore", "dvc", "click"} & set(loaded)


def test_the_public_api_is_what_it_says() -> None:
    import pe_dvc

    for name in pe_dvc.__all__:
        assert getattr(pe_dvc, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pe_dvc.nothing


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.FormatError("x"), 1),
        (errors.SignatureError("x"), 1),
        (errors.ExpiredError("x"), 1),
        (errors.UntrustedError("x"), 1),
        (errors.ConflictError("x"), 1),
        (errors.ReleaseError("x"), 1),
        (errors.NotFoundError("x"), 3),
        (errors.RevokedError("x", reference="us/x@latest"), 4),
        (errors.StoreUnavailableError("x", operation="read", key="k"), 5),
        (errors.StorePermissionError("x", operation="read", key="k"), 5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_family_has_its_exit_code(error: errors.PeDvcError, code: int) -> None:
    assert exit_code(error) == code


def test_the_documented_exit_codes_are_the_real_ones() -> None:
    table = (ROOT / "docs/reading.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert documented == {0, 1, 2, 3, 4, 5, 6, 130, 141, 143}


def test_wrong_usage_exits_2() -> None:
    for arguments in (["nonsense"], ["get"], ["channel", "update", "stable"], ["get", "--nope"]):
        done = run_pe_dvc(*arguments, code=2)
        assert "Usage:" in done.stderr


def test_what_is_no_reference_is_a_failed_check(tmp_path: Path) -> None:
    done = run_pe_dvc("get", "enhanced_cps_2024", cwd=tmp_path, code=1)
    assert "expected the form of pe-data://us/enhanced_cps_2024@latest" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [["push"], ["verify"], ["manifest", "write"], ["channel", "status"]],
    ids=" ".join,
)
def test_outside_a_dvc_repo_says_so(arguments: list[str], tmp_path: Path) -> None:
    done = run_pe_dvc(*arguments, cwd=tmp_path, code=3)
    assert f"no DVC repo at {tmp_path}" in done.stderr
    assert "dvc init" in done.stderr


def test_a_root_that_is_not_there_says_where_it_is_found(tmp_path: Path) -> None:
    done = run_pe_dvc("trust", "add", "us", "root.json", cwd=tmp_path, code=3)
    assert "channels/us/root.json from the country's data repo" in done.stderr
    assert "channels/us/root.json" in run_pe_dvc("trust", "add", "us", cwd=tmp_path, code=2).stderr
    slip = run_pe_dvc("trust", "add", "root.json", cwd=tmp_path, code=2)
    assert "The country comes first: pe-dvc trust add us root.json" in slip.stderr


def test_the_json_schema_is_one() -> None:
    from jsonschema import Draft202012Validator

    from tests.support.factories import manifest_of

    schema = json.loads(run_pe_dvc("schema", "manifest").stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    document = manifest_of(b"payload").to_json()
    validator.validate(document)
    document["artifact"]["sha256"] = "short"
    assert list(validator.iter_errors(document))
