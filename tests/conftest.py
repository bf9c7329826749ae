"""Every test runs as a stranger: nothing of who runs it, or where, leaks in.

The environment is scrubbed before anything is imported, so that fixtures of the session and their
processes are strangers, too. Each test then has a home of its own, and cannot see how package
clients reach their registries; fixtures of the session can.
"""

from __future__ import annotations

import gc
import os
import signal
import zlib

import pytest
from hypothesis import settings

from tests.support.environment import PACKAGE_CLIENTS, Homes, scrub
from tests.support.temporary import place_for_tests

# In a background job a shell has Ctrl-C ignored, and processes that are started inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, not wrong. Whether a commit may land is not left to chance either: `make
# test` tries the same examples each time, `make soak` and `make fuzz` look for new ones.
IS_SEARCH = bool(os.environ.get("SOAK") or os.environ.get("FUZZ_SECONDS"))
settings.register_profile("house", deadline=None, derandomize=not IS_SEARCH)
settings.load_profile("house")

pytest_plugins = [
    "tests.support.servers",
    "tests.support.google_server",
    "tests.support.counters",
    "tests.support.other_environments",
    "tests.support.azure_server",
    "tests.support.browser",
    "tests.support.either_store",
    "tests.support.postgres_server",
    "tests.support.ledgers",
    "tests.support.sandboxes",
    "tests.support.simulators",
    "tests.support.hub_data",
    "tests.support.us_cps",
]

scrub()


if (place := place_for_tests()) and "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--one-case``."""
    help_text = "of each parametrised test only one case: for one more version of Python"
    parser.addoption("--one-case", action="store_true", help=help_text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one case of each test, not always its first, where ``--one-case`` asks for it."""
    if config.getoption("--one-case"):
        cases: dict[str, list[pytest.Item]] = {}
        for item in items:
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
        kept = {found[zlib.crc32(test.encode()) % len(found)] for test, found in cases.items()}
        items[:] = [item for item in items if item in kept]


def pytest_collection_finish() -> None:
    """Let no collection of garbage look at modules and tests, which stay until the end."""
    gc.freeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"))


@pytest.fixture(autouse=True)
def _isolated(_homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(PACKAGE_CLIENTS):
            monkeypatch.delenv(name)
    for name, value in _homes.next().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _no_store_is_down() -> None:
    """Each test begins as a process does; many name their stores alike."""
    from pe_dvc.store import outages

    outages._unreachable.clear()
