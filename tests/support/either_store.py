"""Stories that are told on one kind of store, or server, in the suite, and on both under SOAK=1.

What a story does through the store port is the same on a directory and on S3: that each store keeps
what the port promises is held by ``tests/adapters/stores``. So a test that is marked
``either_store`` and is long runs on one of the two: its name says which, and about half of the
tests run on each. Whatever looks at one kind of store alone is not marked. So it is with
two servers that speak S3.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

STORES = ("directory", "s3")
SERVERS = ("ministack", "moto")
KINDS = {*STORES, *SERVERS}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one kind of store of each marked test."""
    if os.environ.get("SOAK"):
        return
    kinds = {item.nodeid: _kind(item) for item in items if item.get_closest_marker("either_store")}
    others = [item for item in items if is_other(item.nodeid, kinds)]
    if others:
        config.hook.pytest_deselected(items=others)
        left_out = set(others)
        items[:] = [item for item in items if item not in left_out]


def is_other(test: str, kinds: dict[str, str]) -> bool:
    """Tell whether a test, whose kind of store ``kinds`` says, is left to its twin."""
    kind = kinds.get(test, "")
    name, _, case = test.partition("[")
    cases = case.rstrip("]").split("-")
    if not kind or kind not in cases:
        return False
    kinds_of_it = STORES if kind in STORES else SERVERS
    twin = kinds_of_it[1 - kinds_of_it.index(kind)]
    cases[cases.index(kind)] = twin
    if f"{name}[{'-'.join(cases)}]" not in kinds:
        return False  # it is asked for alone
    cases.remove(twin)
    return kind != kinds_of_it[zlib.crc32("-".join([name, *cases]).encode()) % 2]


def _kind(item: pytest.Item) -> str:
    """Return the kind of store that a test runs on; nothing if it has no choice."""
    call = getattr(item, "callspec", None)
    values = call.params.values() if call else ()
    return next((value for value in values if isinstance(value, str) and value in KINDS), "")
