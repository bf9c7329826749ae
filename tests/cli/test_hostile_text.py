"""What strangers wrote reaches a terminal as text, never as commands to it."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.cli.failures import CHECK_FAILED, guarded
from pe_dvc.cli.output import echo, print_json, say
from pe_dvc.documents.keys import manifest_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import printable, printable_json, printable_lines
from tests.support.factories import manifest_of
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\x1b[2J\x1b]0;title\x07\r\x9b31m\u202egnp.exe\u2066\u200b\udc9b\U000e0041"


def is_plain(text: str) -> bool:
    return not any(char in text for char in HOSTILE if ord(char) < 32 or ord(char) > 126)


def test_escapes_are_written_out() -> None:
    assert is_plain(printable(HOSTILE))
    assert printable("\x1b[31m\n") == "\\x1b[31m\\n"
    assert printable("é ü 日本 …") == "é ü 日本 …"


def test_a_message_of_lines_forges_none() -> None:
    assert printable_lines("a\nb\n  c\x1b") == "a\n  b\n  c\\x1b"


def test_json_means_the_same() -> None:
    value = {"name": HOSTILE, "city": "Zürich"}
    text = printable_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert is_plain(text)
    assert json.loads(text) == value
    assert "Zürich" in text


def test_terminal_escapes_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"column {HOSTILE}")
    say(f"pulled {HOSTILE} from https://alice:hunter2@host")
    print_json({"name": HOSTILE})
    captured = capsys.readouterr()
    assert is_plain(captured.out)
    assert is_plain(captured.err)
    assert "hunter2" not in captured.err


def test_terminal_escapes_in_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    import click

    @click.command()
    def failing() -> None:
        raise FormatError(f"no column {HOSTILE}", where="x", remedy=f"Name {HOSTILE}.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["pe-dvc"])
        assert guarded(failing) == CHECK_FAILED
    assert is_plain(capsys.readouterr().err)


def test_terminal_escapes_in_column_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pin's manifest is of whoever writes the bucket."""
    from pe_dvc.cli.show import command

    monkeypatch.setattr("sys.argv", ["pe-dvc"])
    manifest = manifest_of(b"payload")
    document = json.loads(manifest.to_bytes())
    hostile = HOSTILE.replace("\udc9b", "")  # JSON of the bucket is UTF-8
    document["table"]["tables"][0]["columns"][0]["name"] = hostile
    document["table"]["tables"][0]["name"] = hostile
    document["inputs"]["data_vintage"] = hostile
    data = json.dumps(document).encode()
    assert Manifest.from_bytes(data).inputs.data_vintage == hostile
    artifact = manifest.artifact
    path = tmp_path / "store" / manifest_key("us", Sha256(artifact.sha256))
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    pin = f"pe-data://us/{artifact.name}@sha256:{artifact.sha256}"
    for options in ([], ["--json"]):
        shown = command.main(
            [pin, "--store", str(tmp_path / "store"), *options], standalone_mode=False
        )
        assert shown is None
        assert is_plain(capsys.readouterr().out)


def test_commands_print_through_one_module() -> None:
    """``click.echo`` is for output.py, for the path of ``get``, a new token and whole documents."""
    found = {
        f"{path.name}: {ast.unparse(node)}"
        for path in (ROOT / "pe_dvc/cli").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("click.echo", "click.secho", "print", "sys.stdout.write")
        and path.name not in ("output.py", "failures.py")
    }
    assert found == {
        "audit.py: click.echo(Ledger(ledger).checkpoint(), nl=False)",
        "audit.py: click.echo(Ledger(ledger).prove(index), nl=False)",
        "diff.py: click.echo(found.to_html(), nl=False)",
        "gateway.py: click.echo(made.secret)",
        "get.py: click.echo(fetched.path)",
        "release.py: click.echo(document, nl=False)",
        "start.py: sys.stdout.write(file.read())",
    }
