"""What a reader who comes back loads: start-up is a budget of modules, of which seconds follow."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import run
from tests.support.country import LATEST

if TYPE_CHECKING:
    from tests.support.country import Country

PROGRAM = """
import atexit, sys
sys.argv = ["pe-dvc", *sys.argv[1:]]
atexit.register(lambda: print("loaded", *sys.modules, file=sys.stderr))
from pe_dvc.cli.start import main
main()
"""
HEAVY = {
    *("tuf", "securesystemslib", "pydantic", "rich", "dvc", "pygit2", "yaml", "pyarrow", "h5py"),
    *("fsspec", "boto3", "botocore", "urllib3", "requests", "google", "asyncio", "html", "difflib"),
    *("concurrent", "tempfile", "subprocess", "platformdirs", "shutil", "IPython", "numpy"),
    *("pandas",),
}
"""What takes long to load, or is of no use to who reads what is in the cache."""

MOST = {"directory": 124, "S3": 135}
"""Modules of pe_dvc that ``get`` loads: one more than there are."""

OF_SHOW = 10
"""How many more ``show`` may load."""


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a command loads."""
    done = run(sys.executable, "-c", PROGRAM, *arguments, environment=dict(os.environ))
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("loaded "))
    return set(line.split()[1:])


def heavy(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & HEAVY


def ours(modules: set[str]) -> list[str]:
    return sorted(name for name in modules if name.partition(".")[0] == "pe_dvc")


def store_kind(store: str) -> str:
    return "S3" if store.startswith("s3://") else "directory"


def test_get_of_what_is_in_the_cache(any_store: str, country: Country) -> None:
    assert "tuf" in heavy(loaded("get", LATEST))
    found = loaded("get", LATEST)
    assert heavy(found) == set()
    assert len(ours(found)) <= MOST[store_kind(any_store)], " ".join(ours(found))
    assert heavy(loaded("get", LATEST, "--json")) == set()


def test_get_of_a_pin_in_the_cache(any_store: str, country: Country) -> None:
    from pe_dvc import resolve

    pin = resolve(LATEST).pin
    run(sys.executable, "-m", "pe_dvc", "get", pin)
    found = loaded("get", pin)
    assert not heavy(found) & {"tuf", "securesystemslib", "pydantic", "rich"}


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_show(any_store: str, country: Country, how: tuple[str, ...]) -> None:
    loaded("show", LATEST)
    found = loaded("show", LATEST, *how)
    assert heavy(found) == set()
    assert len(ours(found)) <= MOST[store_kind(any_store)] + OF_SHOW, ours(found)


def test_resolve(any_store: str, country: Country) -> None:
    program = f"import sys, pe_dvc; assert pe_dvc.resolve({LATEST!r}).sha256; print(*sys.modules)"
    run(sys.executable, "-c", program)
    found = set(run(sys.executable, "-c", program).stdout.split())
    assert not heavy(found) & {"tuf", "securesystemslib", "pydantic", "rich", "click"}
    assert "click" not in found
