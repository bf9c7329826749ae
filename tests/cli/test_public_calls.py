"""Every command is one public call of ``pe_dvc``, and the command line makes that call."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING, Any

import click
import pytest

import pe_dvc
from pe_dvc.cli.main import COMMANDS, cli
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where the words of a command are not the way to its call.
OTHERWISE = {
    "audit checkpoint": "Ledger.checkpoint",
    "audit forget": "Ledger.forget",
    "audit import": "Ledger.import_",
    "audit prove": "Ledger.prove",
    "audit report": "Ledger.report",
    "audit verify": "Ledger.verify",
    "cache dir": "Cache.directory",
    "cache ls": "Cache.entries",
    "cache prune": "Cache.prune",
    "cache verify": "Cache.verify",
    "channel diff": "Channels.diff",
    "channel list": "Channels.list",
    "channel log": "Channels.log",
    "channel show": "Channels.show",
    "diff": "diff",
    "cite": "cite",
    "codebook write": "write_codebook",
    "export": "export",
    "find": "find",
    "get": "get",
    "gateway serve": "Gateway.serve",
    "gateway token create": "Gateway.create_token",
    "gateway token list": "Gateway.tokens",
    "gateway token revoke": "Gateway.revoke_token",
    "import": "Repo.import_",
    "ls": "ls",
    "schema": "schema",
    "site build": "build_site",
    "site serve": "serve_site",
    "stale": "stale",
    "show": "describe",
    "trust add": "TrustedRoots.add",
    "trust show": "TrustedRoots.show",
    "trust list": "TrustedRoots.fingerprints",
    "trust remove": "TrustedRoots.remove",
    "witness cosign": "Witness.cosign",
    "witness key": "Witness.key",
    "witness serve": "Witness.serve",
}


def leaves(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, *words, name)
    else:
        yield " ".join(words), command


def all_commands() -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        found.update(leaves(command, name))
    return found


COMMANDS_BY_WORDS = all_commands()


def call_of(words: str) -> str:
    """Return the public call of a command, from ``pe_dvc`` on."""
    return OTHERWISE.get(words) or f"Repo.{words.replace(' ', '.').replace('-', '_')}"


def looked_up(call: str, directory: Path) -> Any:
    """Return what a call names, by the class's own way to its parts."""
    name, *attributes = call.split(".")
    found = getattr(pe_dvc, name)
    arguments = {"Repo": (directory,), "Channels": ("us",)}
    if inspect.isclass(found):
        owner = found(*arguments.get(name, ()))
        for attribute in attributes[:-1]:
            owner = getattr(owner, attribute)
        found = getattr(type(owner), attributes[-1])
    return found


@pytest.mark.parametrize("words", COMMANDS_BY_WORDS)
def test_a_command_is_one_public_call(words: str, tmp_path: Path) -> None:
    call = call_of(words)
    found = looked_up(call, tmp_path)
    assert found.__doc__
    callback = COMMANDS_BY_WORDS[words].callback
    assert callback is not None
    last = call.rpartition(".")[2]
    assert re.search(rf"\.{last}\b", inspect.getsource(callback)), f"{words} does not call {call}"


@pytest.mark.parametrize("words", COMMANDS_BY_WORDS)
def test_the_public_call_is_documented(words: str) -> None:
    pages = "".join((ROOT / "docs" / name).read_text() for name in ("api.md", "api-repo.md"))
    call = call_of(words)
    attribute = f"\n- `{call.rpartition('.')[2]}`: "
    assert f" pe_dvc.{call}()\n" in pages or attribute in pages, f"docs/ say nothing of {call}"


@pytest.mark.parametrize("path", sorted((ROOT / "pe_dvc/cli").glob("*.py")), ids=lambda p: p.name)
def test_the_command_line_calls_the_public_api_only(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in for_types:
            module = node.module or ""
            allowed = module == "pe_dvc" or module.startswith(("pe_dvc.cli.", "pe_dvc.primitives."))
            # What git calls is no command for people, and no part of the documented API.
            allowed |= path.name == "git_hook.py" and module == "pe_dvc.public.git_hooks"
            assert allowed or not module.startswith("pe_dvc."), f"imports {module}"


def test_a_repo_stays_where_it_was_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repo = pe_dvc.Repo("us-data")
    monkeypatch.chdir("/")
    assert repo.path == tmp_path / "us-data"
