"""The arrows of the design: who may import whom, and which module may touch which library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pe_dvc"
MODULES = sorted(PACKAGE.rglob("*.py"))

# cli → project → use cases | adapters → trust, store → documents → primitives
MAY_IMPORT = {
    "primitives": set(),
    "documents": {"primitives"},
    "store": {"documents", "primitives"},
    "trust": {"store", "documents", "primitives"},
    "adapters": {"trust", "store", "documents", "primitives"},
    "usecases": {"trust", "store", "documents", "primitives"},
    "project": {"usecases", "adapters", "trust", "store", "documents", "primitives"},
    "cli": {"project", "usecases", "trust", "store", "documents", "primitives"},
    "api": {"project", "usecases", "documents", "primitives"},
    "filesystem": {"project", "usecases", "documents", "primitives"},
    "errors": {"primitives"},
    "__init__": {"api", "usecases", "documents", "primitives"},
}

# An upgrade of a library touches one file and its tests.
ONE_MODULE = {
    "obstore": {"adapters/stores/object_store.py"},
    "pyarrow": {"adapters/tables/parquet.py"},
    "h5py": {"adapters/tables/hdf5.py"},
    "pygit2": {"adapters/git/repo.py", "adapters/git/history.py"},
    "fsspec": {"filesystem.py"},
    "configobj": {"adapters/dvc/config.py"},
    "yaml": {"adapters/dvc/yaml.py"},
    "tuf": {"trust/tuf_api.py"},
    "securesystemslib": {"trust/tuf_api.py"},
    "dvc": set(),
}

# Start-up time is part of the product: these are imported inside functions only.
NEVER_AT_TOP_OF_CLI = {"pydantic", "tuf", "securesystemslib", "pyarrow", "rich", "platformdirs"}

NO_IO = {"os", "pathlib", "io", "socket", "subprocess", "shutil", "tempfile", "urllib"}


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return every imported module's name, and whether the import runs when the file does."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append((node.module or "", id(node) in top))
    return found


def layer(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_run_one_way(path: Path) -> None:
    here = layer(path)
    for name, _ in imports(path):
        if not name.startswith("pe_dvc."):
            continue
        there = name.split(".")[1]
        assert there == here or there in MAY_IMPORT[here], f"{here} may not import {there}: {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_one_adapter(path: Path) -> None:
    relative = path.relative_to(PACKAGE).as_posix()
    for name, _ in imports(path):
        library = name.split(".")[0]
        if library in ONE_MODULE:
            assert relative in ONE_MODULE[library], f"{relative} imports {library}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda path: path.name)
def test_commands_import_nothing_heavy_at_the_top(path: Path) -> None:
    for name, at_top in imports(path):
        heavy = name.split(".")[0] in NEVER_AT_TOP_OF_CLI
        inner = name.startswith("pe_dvc.") and name.split(".")[1] not in {"cli", "primitives"}
        assert not (at_top and (heavy or inner)), f"{path.name} imports {name} at its top"


@pytest.mark.parametrize(
    "path",
    [*(PACKAGE / "primitives").glob("*.py"), *(PACKAGE / "documents").glob("*.py")],
    ids=lambda path: path.name,
)
def test_primitives_and_documents_do_no_io(path: Path) -> None:
    assert not {name.split(".")[0] for name, _ in imports(path)} & NO_IO


def test_files_stay_small() -> None:
    long = {p.name: n for p in MODULES if (n := len(p.read_text().splitlines())) > 300}
    assert not long, f"split these: {long}"
