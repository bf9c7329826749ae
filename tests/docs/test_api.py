"""docs/api.md documents every public name as it is, and its examples run."""

from __future__ import annotations

import inspect
import io
import re
import sys
from dataclasses import fields, is_dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pe_dvc
import pe_dvc.errors
from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.cli.failures import exit_code
from tests.support.commands import run
from tests.support.country import NAME, Country, reader_at
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = (ROOT / "docs/api.md").read_text()
OF_REPOS = re.findall(r"^## class pe_dvc\.(\w+)$", (ROOT / "docs/api-repo.md").read_text(), re.M)
"""What the other page documents (``test_api_repo``)."""


def sections(heading: str) -> dict[str, str]:
    """Return the text below each heading of that form, by the heading's last group."""
    found = {}
    for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]:
        line, _, text = part.partition("\n")
        if match := re.fullmatch(heading, line):
            found[match[match.re.groups]] = text
    return found


SECTIONS = sections(r"(?:class )?pe_dvc\.([\w.]+)(?:\(\))?")
FUNCTIONS = [name for name in pe_dvc.__all__ if inspect.isfunction(getattr(pe_dvc, name))]
CLASSES = [name for name in SECTIONS if inspect.isclass(getattr(pe_dvc, name))]
EXAMPLES = [
    pytest.param(example, id=f"{name}-{number}")
    for name, text in sections(r".+").items()
    for number, example in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]


def listed(text: str, title: str) -> list[str]:
    """Return the names in the list below a title, in their order."""
    _, _, rest = text.partition(f"**{title}**\n\n")
    return re.findall(r"^- `(\w+)", rest.partition("\n\n")[0], re.MULTILINE)


def signature(name: str, value: Any) -> str:
    """Return the signature as the page writes it."""
    return f"pe_dvc.{name}{inspect.signature(value)}".replace("'", "")


def members(kind: type) -> Iterable[tuple[str, Any]]:
    """Yield what pe_dvc defines on a class, and on its bases."""
    for base in kind.__mro__:
        if base.__module__.startswith("pe_dvc."):
            yield from vars(base).items()


def attributes(kind: type) -> set[str]:
    """Return the names of a class's public fields and properties."""
    found = {name for name, value in members(kind) if isinstance(value, property | cached_property)}
    if is_dataclass(kind):
        found |= {field.name for field in fields(kind)}
    found |= set(getattr(kind, "model_fields", {}))
    return {name for name in found if not name.startswith("_")}


def methods(kind: type) -> set[str]:
    """Return the names of a class's public methods."""
    callables = (classmethod, staticmethod)
    return {
        name
        for name, value in members(kind)
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, callables))
    }


def test_every_public_name_is_documented_and_nothing_else() -> None:
    assert sorted([*SECTIONS, *OF_REPOS]) == pe_dvc.__all__


def test_errors_and_the_version_are_there_without_another_import() -> None:
    program = (
        "import pe_dvc; print(pe_dvc.__version__, pe_dvc.errors.NotFoundError.__name__);"
        "assert {'errors', '__version__', 'fetch'} <= set(dir(pe_dvc))"
    )
    said = run(sys.executable, "-c", program).stdout
    assert said == f"{version('pe_dvc')} NotFoundError\n"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented_as_it_is(name: str) -> None:
    function, text = getattr(pe_dvc, name), SECTIONS[name]
    assert f"    {signature(name, function)}\n" in text
    assert listed(text, "Parameters") == list(inspect.signature(function).parameters)
    assert "**Returns** " in text
    assert "**Raises** " in text
    assert "```python" in text


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_documented_as_it_is(name: str) -> None:
    kind, text = getattr(pe_dvc, name), SECTIONS[name]
    if f"pe_dvc.{name}(" in text:
        assert f"    {signature(name, kind)}\n" in text
    if not issubclass(kind, BaseException):
        assert set(listed(text, "Attributes")) == attributes(kind)
        assert set(listed(text, "Methods")) == methods(kind)
    assert "```python" in text


def test_every_error_is_documented_as_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (`\w+`(?:, `\w+`)?) \| .+\| (\d) \|$", PAGE, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(pe_dvc.errors.__all__)
    for name, bases, code in rows:
        kind = getattr(pe_dvc.errors, name)
        assert [base.__name__ for base in kind.__bases__] == re.findall(r"\w+", bases)
        assert exit_code(kind.__new__(kind)) == int(code)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "bucket")
    country = Country(tmp_path / "country", store)
    table = pa.table({"RECID": [1, 2], "household_weight": [0.5, 1.5]})
    pq.write_table(table, parquet := io.BytesIO())
    country.publish({NAME: parquet.getvalue()})
    country.trust(Path(reader_at(tmp_path / "reader", monkeypatch)["PE_DVC_CONFIG_DIR"]))
    monkeypatch.setenv("PE_DVC_STORE", store.url)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/api.md", "exec"), {})
