"""docs/api-repo.md documents every method of the public classes as it is, and its program runs."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
import pe_dvc.public
from tests.support.country import NAME
from tests.support.hub_server import TOKEN, HubServer
from tests.support.paths import ROOT
from tests.support.sandbox import RELEASE
from tests.support.sidecars import manifest_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sandbox import Sandbox

PAGE = (ROOT / "docs/api-repo.md").read_text()
SECTIONS = dict(
    re.findall(r"^##+ (?:class )?([\w.]+)(?:\(\))?\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
)
REPO = "policyengine/policyengine-us-data"
TAG = "1.78.2"
CLASSES = re.findall(r"^## class pe_dvc\.(\w+)$", PAGE, re.MULTILINE)

# Prints, for each kind of result that the program has in a variable, the fields of its JSON.
SHOW_RESULTS = """
import json
shown = {}
for value in list(globals().values()):
    for one in value if isinstance(value, list) else [value]:
        if hasattr(one, "to_json") and not isinstance(one, type):
            shown[type(one).__name__] = sorted(one.to_json())
print(json.dumps(shown))
"""


def command_class(name: str) -> type | None:
    """Return the public class of that name: what a property such as ``Repo.channel`` gives."""
    for module in pkgutil.iter_modules(pe_dvc.public.__path__):
        found = vars(importlib.import_module(f"pe_dvc.public.{module.name}")).get(name)
        if inspect.isclass(found) and found.__module__.startswith("pe_dvc.public."):
            return found
    return None


def methods(kind: type, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every public method that is reached from a class, by its dotted name."""
    bases = [base for base in kind.__mro__[::-1] if base.__module__.startswith("pe_dvc.")]
    for name, value in {name: v for base in bases for name, v in vars(base).items()}.items():
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            assert value.fget is not None
            group = command_class(value.fget.__annotations__["return"])
            if group is not None:
                yield from methods(group, f"{path}.{name}")
        elif inspect.isfunction(value):
            yield f"{path}.{name}", value


METHODS = dict(
    pair for name in CLASSES for pair in methods(getattr(pe_dvc, name), f"pe_dvc.{name}")
)


def signature(path: str, value: Any, *, bound: bool) -> str:
    """Return a signature as the page writes it."""
    found = inspect.signature(value)
    parameters = list(found.parameters.values())[bound:]
    return f"    {path}{found.replace(parameters=parameters)}\n".replace("'", "")


def test_every_method_is_documented_and_nothing_else() -> None:
    documented = {name for name in SECTIONS if name.startswith("pe_dvc.")}
    assert documented == {f"pe_dvc.{name}" for name in CLASSES} | set(METHODS)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_documented_as_it_is(name: str) -> None:
    kind, text = getattr(pe_dvc, name), SECTIONS[f"pe_dvc.{name}"]
    assert signature(f"pe_dvc.{name}", kind, bound=False) in text
    properties = {n for n, v in vars(kind).items() if isinstance(v, property) and n[0] != "_"}
    assert properties <= set(re.findall(r"^- `(\w+)`: ", text, re.MULTILINE))
    assert "```python" in text


@pytest.mark.parametrize("path", METHODS)
def test_a_method_is_documented_as_it_is(path: str) -> None:
    method, text = METHODS[path], SECTIONS[path]
    assert signature(path, method, bound=True) in text
    _, _, listed = text.partition("**Parameters**\n\n")
    names = re.findall(r"^- `(\w+)`: ", listed.partition("\n\n")[0], re.MULTILINE)
    assert names == list(inspect.signature(method).parameters)[1:]
    assert "```python" in text


def bundle(artifacts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what policyengine.py writes when it certifies the release 1.78.2."""
    pins = {
        a["name"]: {"path": a["path"], "repo_id": REPO, "revision": TAG, "sha256": a["sha256"]}
        for a in artifacts
    }
    national = {"dataset": NAME, "uri": f"hf://{REPO}/{pins[NAME]['path']}@{TAG}"}
    release = {
        "policyengine_version": "6.11.1",
        "data_package": {"name": "policyengine-us-data", "version": TAG},
        "datasets": pins,
        "certified_data_artifact": national,
    }
    return {"data_releases": {"us": release}}


def test_the_program_runs_and_results_are_as_documented(built: Sandbox) -> None:
    for place in (built.repo / ".git", built.repo / "channels", built.directory / "keys"):
        shutil.rmtree(place)
    built.run("git", "init", "--quiet")
    manifests = [json.loads(p.read_text()) for p in manifest_files(built.repo / "manifests")]
    built.write("bundle.json", json.dumps(bundle([one["artifact"] for one in manifests])))
    with (built.repo / "pyproject.toml").open("a") as settings:
        settings.write(RELEASE)
    built.commit("A repo without channels")
    built.run("git", "tag", "a-label")
    program = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    hub = HubServer(REPO)
    hub.push("main", {"cps_2024.parquet": (built.repo / "data/cps_2024.parquet").read_bytes()})
    built.environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    said = built.run(sys.executable, "-c", program + SHOW_RESULTS).stdout
    hub.close()
    rows = re.findall(r"^\| `(\w+)` \| .+? \| (.+) \|$", SECTIONS["Results"], re.MULTILINE)
    assert json.loads(said.splitlines()[-1]) == {
        kind: re.findall(r"`(\w+)`", listed) for kind, listed in rows
    }
