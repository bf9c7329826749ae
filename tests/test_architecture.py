"""The arrows of the design: who may import whom, and which module may touch which library."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PACKAGE = Path(__file__).parent.parent / "pe_dvc"
MODULES = sorted(PACKAGE.rglob("*.py"))

# cli → project → gateway → use cases | adapters → trust, store → documents, tlog → primitives
MAY_IMPORT = {
    "primitives": set(),
    "tlog": {"primitives"},
    "documents": {"primitives"},
    "store": {"documents", "primitives"},
    "trust": {"store", "tlog", "documents", "primitives"},
    "adapters": {"trust", "store", "tlog", "documents", "primitives"},
    "usecases": {"trust", "store", "tlog", "documents", "primitives"},
    "gateway": {"usecases", "adapters", "trust", "store", "tlog", "documents", "primitives"},
    "witness": {"gateway", "trust", "store", "tlog", "documents", "primitives"},
    "project": {
        "gateway",
        "witness",
        "usecases",
        "adapters",
        "trust",
        "store",
        "tlog",
        "documents",
        "primitives",
    },
    "public": {
        *("project", "gateway", "witness", "usecases", "adapters", "store", "trust", "documents"),
        "primitives",
    },
    "cli": {
        *("public", "api", "project", "gateway", "usecases", "trust", "store", "documents"),
        "primitives",
    },
    "api": {"public", "project", "usecases", "documents", "primitives"},
    "filesystem": {"project", "usecases", "documents", "primitives"},
    "errors": {"primitives"},
    "__main__": {"cli"},
    "__init__": {"api", "public", "project", "usecases", "documents", "primitives"},
}

# An upgrade of a library touches one file and its tests.
ONE_MODULE = {
    "obstore": {
        f"adapters/stores/{name}.py"
        for name in ("kept_parts", "lost_answers", "object_store", "open_bucket", "presigned")
    },
    "duckdb": {"adapters/tables/duck.py"},
    "pyarrow": {
        f"adapters/tables/{name}.py" for name in ("arrow", "csv_text", "parquet", "table_writer")
    },
    "pyreadstat": {"adapters/tables/labelled_writer.py"},
    "pandas": {"adapters/tables/labelled_writer.py"},
    "policyengine_core": set(),
    "sqlite3": {"adapters/tables/sqlite.py"},
    "h5py": {"adapters/tables/hdf5.py", "adapters/tables/hdf5_tree.py"},
    "hdf5plugin": {"adapters/tables/hdf5.py"},
    "pygit2": {"adapters/git/opening.py", "adapters/git/tags.py", "adapters/git/history.py"},
    "fsspec": {"filesystem.py"},
    "joserfc": {"gateway/jose.py"},
    "sqlalchemy": {
        f"gateway/{name}.py"
        for name in (
            *("database", "ledger_tables", "ledger_writer"),
            *(
                "edited_rows",
                "kept_statements",
                "ledger_proof",
                "pseudonyms",
                "report",
                "verify_ledger",
            ),
        )
    },
    "psycopg": set(),
    "jinja2": {"adapters/page_templates.py"},
    "huggingface_hub": {"adapters/hub/hub.py", "adapters/hub/hub_errors.py"},
    "configobj": {"adapters/dvc/ini.py"},
    "yaml": {"adapters/dvc/yaml.py"},
    "tuf": {"trust/tuf_api.py"},
    "securesystemslib": {"trust/tuf_api.py"},
    "dvc": set(),
}

# Start-up time is part of the product: these are imported inside functions only.
NEVER_AT_TOP_OF_CLI = {"pydantic", "tuf", "securesystemslib", "pyarrow", "rich", "platformdirs"}

NO_IO = {"os", "pathlib", "io", "socket", "subprocess", "shutil", "tempfile", "urllib"}


def each(paths: Sequence[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Make one test of a check of files; it names all that fail. A test each takes longer."""
    assert paths

    def test_of(check: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            faults = []
            for path in paths:
                try:
                    check(path)
                except AssertionError as error:
                    faults.append(f"{path.relative_to(PACKAGE)}: {error}")
            assert not faults, "\n".join(faults)

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return test_of


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(path)))


@cache
def imports(path: Path) -> list[tuple[str, bool]]:
    """Return every imported module's name, and whether the import runs when the file does."""
    top = {id(node) for node in parsed(path).body}
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append((node.module or "", id(node) in top))
    return found


def layer(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


@each(MODULES)
def test_arrows_run_one_way(path: Path) -> None:
    here = layer(path)
    for name, _ in imports(path):
        if not name.startswith("pe_dvc."):
            continue
        there = name.split(".")[1]
        assert there == here or there in MAY_IMPORT[here], f"{here} may not import {there}: {name}"


@each(MODULES)
def test_each_library_has_one_adapter(path: Path) -> None:
    relative = path.relative_to(PACKAGE).as_posix()
    for name, _ in imports(path):
        library = name.split(".")[0]
        if library in ONE_MODULE:
            assert relative in ONE_MODULE[library], f"{relative} imports {library}"


@each(sorted((PACKAGE / "cli").glob("*.py")))
def test_commands_import_nothing_heavy_at_the_top(path: Path) -> None:
    for name, at_top in imports(path):
        heavy = name.split(".")[0] in NEVER_AT_TOP_OF_CLI
        inner = name.startswith("pe_dvc.") and name.split(".")[1] not in {"cli", "primitives"}
        assert not (at_top and (heavy or inner)), f"{path.name} imports {name} at its top"


@each([path for path in MODULES if layer(path) in ("primitives", "tlog", "documents")])
def test_primitives_tlog_and_documents_do_no_io(path: Path) -> None:
    assert not {name.split(".")[0] for name, _ in imports(path)} & NO_IO


def test_files_stay_small() -> None:
    long = {p.name: n for p in MODULES if (n := len(p.read_text().splitlines())) > 300}
    assert not long, f"split these: {long}"


def test_git_has_nothing_that_it_is_told_to_ignore() -> None:
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not done.stdout


# The only modules that may spell a fact out; everything else asks them.
HOMES = {
    "files/md5": {"documents/dvc_hash.py"},
    "relpath": {"documents/dvc_listing.py"},
    ".manifest.json": {"documents/keys.py"},
    ".tombstone.json": {"documents/keys.py"},
    ".chunks": {"documents/keys.py", "store/cache.py"},  # the local cache has its own layout
    "channels/": {"documents/keys.py"},
    "[a-z]{2,3}": {"primitives/names.py"},  # what a country may be
    "locks/": {"documents/keys.py"},
    "releases/": {
        "documents/keys.py",
        "documents/release_target.py",  # a TUF target's path
        "documents/release_layout.py",  # a hub's
    },
}

# The same for texts that are a fact only where they stand alone.
WHOLE_HOMES = {
    "dvc.yaml": {"documents/dvc_files.py"},
    "dvc.lock": {"documents/dvc_files.py"},
    ".dir": {"documents/dvc_hash.py"},
    ".parquet": {"adapters/tables/formats.py", "documents/payload.py"},
    ".h5": {"adapters/tables/formats.py", "documents/payload.py"},
    ".hdf5": {"adapters/tables/formats.py", "documents/payload.py"},
}


def texts(path: Path) -> set[str]:
    """Return the strings in a module's code, without docstrings and messages (they have spaces)."""
    told = {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
    found = (n for n in nodes(path) if isinstance(n, ast.Constant) and id(n) not in told)
    return {n.value for n in found if isinstance(n.value, str) and " " not in n.value}


@each(MODULES)
def test_each_fact_has_one_home(path: Path) -> None:
    relative, found = path.relative_to(PACKAGE).as_posix(), texts(path)
    for fact, homes in HOMES.items():
        spelled = [text for text in found if fact in text]
        assert not spelled or relative in homes, f"{spelled}: ask {homes}"
    for fact, homes in WHOLE_HOMES.items():
        assert fact not in found or relative in homes, f"{fact!r}: ask {homes}"


def test_every_home_has_its_fact() -> None:
    for fact, homes in (HOMES | WHOLE_HOMES).items():
        for home in homes:
            assert any(fact in text for text in texts(PACKAGE / home)), f"{home} has no {fact!r}"


# Bytes that others may have written are parsed by one reader for each format, which has limits.
READERS = {
    "json.loads": {"primitives/json_reader.py"},
    "json.load": set(),
    "tomllib.loads": {"primitives/toml_reader.py"},
    "tomllib.load": set(),
    "yaml.load": {"adapters/dvc/yaml.py"},
    "yaml.safe_load": set(),
    "ConfigObj": {"adapters/dvc/ini.py"},
    "pickle.loads": set(),
    "pickle.load": set(),
    "model_validate_json": {"documents/model.py"},  # what the reader of JSON took
    "read_bytes": set(),
    "read_text": {
        "adapters/stores/ec2.py",  # of the kernel
        "store/process_identity.py",  # of the kernel
        "store/lock_holders.py",  # the same
    },
}

PATTERNS = ("compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer")


@each(MODULES)
def test_each_format_has_one_reader(path: Path) -> None:
    relative = path.relative_to(PACKAGE).as_posix()
    for call in (n for n in nodes(path) if isinstance(n, ast.Call)):
        name = ast.unparse(call.func)
        for reader, homes in READERS.items():
            ours = reader.startswith("read_") and call.args  # pathlib's take none
            called = not ours and (name == reader or name.endswith(f".{reader}"))
            assert not called or relative in homes, f"{name}, line {call.lineno}: use {homes}"


@each(MODULES)
def test_threads_are_those_of_a_pool_that_also_works_at_the_end(path: Path) -> None:
    """A pool of Python's own refuses calls once the main thread of a program has ended."""
    names = {alias.name for n in nodes(path) if isinstance(n, ast.ImportFrom) for alias in n.names}
    ours = path.relative_to(PACKAGE).as_posix() == "primitives/pools.py"
    assert ours or "ThreadPoolExecutor" not in names, "use pe_dvc.primitives.pools.Pool"


@each(MODULES)
def test_regular_expressions_stand_in_the_code(path: Path) -> None:
    """Who writes a document or a setting writes no pattern: it could take years to match."""
    for call in (n for n in nodes(path) if isinstance(n, ast.Call)):
        if ast.unparse(call.func) in [f"re.{name}" for name in PATTERNS]:
            variables = {n.id for n in ast.walk(call.args[0]) if isinstance(n, ast.Name)}
            written = {name for name in variables if name.isupper()}
            assert variables - written <= {"_pattern", "of_a_model"}, (
                f"line {call.lineno}: {variables}"
            )


@each(MODULES)
def test_html_is_written_where_every_text_is_escaped(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix() != "primitives/html_table.py":
        tag = re.compile(r"</?(?:a|b|div|img|p|progress|script|span|table|t[dhr])[ >]")
        code = [n for n in nodes(path) if isinstance(n, ast.Constant)]
        assert not [n.value for n in code if isinstance(n.value, str) and tag.search(n.value)]


def test_only_the_rule_writes_out_what_was_computed_from_microdata() -> None:
    """The way around: an attribute that holds the number, or a method that gives it as text."""
    home = PACKAGE / "documents/disclosure.py"
    held = {"_computed", "_carriers", "_in_public", "_in_gated", "_text"}
    for path in MODULES:
        if path != home and "disclosure" in path.read_text():
            used = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
            assert not used & held, f"{path.name} uses {used & held}"


def test_gates_get_nothing_that_prints() -> None:
    found = nodes(PACKAGE / "usecases/channel/nomination.py")
    (data,) = (n for n in found if isinstance(n, ast.ClassDef) and n.name == "Data")
    given = {ast.unparse(n.returns or n) for n in data.body if isinstance(n, ast.FunctionDef)}
    kinds = {
        "Count",
        "Total",
        "Sequence[Total]",
        "Repeated | None",
        "Orphans | None",
        "Value | None",
    }
    assert given <= kinds, f"a plain number can be said by anyone: {given - kinds}"


READ_VALUES = [*(PACKAGE / "adapters/tables").glob("*.py"), PACKAGE / "usecases/channel/gates.py"]


@each(READ_VALUES)
def test_what_a_library_says_of_values_is_said_by_the_rule_only(path: Path) -> None:
    caught = {n.name for n in nodes(path) if isinstance(n, ast.ExceptHandler) and n.name}
    texts = [n.value for n in nodes(path) if isinstance(n, ast.FormattedValue)]
    for call in (n for n in nodes(path) if isinstance(n, ast.Call)):
        texts += call.args if ast.unparse(call.func) in ("str", "repr", "format") else []
    for text in texts:
        names = {n.id for n in ast.walk(text) if isinstance(n, ast.Name)}
        asked = "rule.reason(" in ast.unparse(text)
        assert asked or not names & caught, f"{ast.unparse(text)}: ask rule.reason"


OF_PYTHON = {"OSError", "FileNotFoundError", "PermissionError", "ConnectionError", "ValueError"}


@each(MODULES)
def test_who_catches_errors_of_python_around_any_code_lets_ours_pass(path: Path) -> None:
    """Some of ours are errors of Python's too: in a context, theirs and ours come from anywhere."""
    for block in (n for n in nodes(path) if isinstance(n, ast.Try)):
        if not any(
            isinstance(n, ast.Yield | ast.YieldFrom) for s in block.body for n in ast.walk(s)
        ):
            continue
        caught: set[str] = set()
        for handler in block.handlers:
            names = {n.id for n in ast.walk(handler.type or handler) if isinstance(n, ast.Name)}
            passed = "PeDvcError" in caught
            assert passed or not names & OF_PYTHON, (
                f"line {handler.lineno}: except PeDvcError first"
            )
            caught |= names


@cache
def import_graph() -> dict[str, set[str]]:
    """Return which module imports which, of all files here; within functions and for types, too."""
    root = PACKAGE.parent
    files = [p for top in ("pe_dvc", "benchmarks", "tests") for p in (root / top).rglob("*.py")]
    modules = {_module(path.relative_to(root)): path for path in files}
    graph = {}
    for module, path in modules.items():
        names = set()
        for node in nodes(path):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= {name if name in modules else str(node.module) for name in inner}
        graph[module] = names & modules.keys() - {module}
    return graph


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_adapter_packages_do_not_import_each_other() -> None:
    packages = [p.parent.name for p in (PACKAGE / "adapters").glob("*/__init__.py")]
    assert len(packages) == 5
    homes = {f"pe_dvc.adapters.{name}": name for name in packages}

    def package(module: str) -> str | None:
        return homes.get(".".join(module.split(".")[:3]))

    for module, imported in import_graph().items():
        here = package(module)
        for other in imported if here else ():
            assert package(other) in (here, None), f"{module} imports {other}"


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return the modules that importing ``start`` leads to."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_no_files_import_each_other_in_circles() -> None:
    graph = import_graph()
    reach = {module: reachable(graph, module) for module in graph}
    circles = {
        frozenset(other for other in reach[module] if module in reach[other])
        for module in graph
        if module in reach[module]
    }
    assert not circles


def test_units_lie_in_the_folders_of_the_package_they_test() -> None:
    tests = PACKAGE.parent / "tests"
    elsewhere = {"scenarios", "support", "docs", "examples", "benchmarks", "fuzz"}
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    units = {folder for folder in folders if folder.parts and folder.parts[0] not in elsewhere}
    assert not {folder for folder in units if not (PACKAGE / folder).is_dir()}


def test_tests_import_nothing_from_other_tests() -> None:
    tests = PACKAGE.parent / "tests"
    for path in tests.rglob("*.py"):
        for name, _ in imports(path):
            assert not re.search(r"^tests\..*\.test_", name), f"{path.name} imports {name}"
