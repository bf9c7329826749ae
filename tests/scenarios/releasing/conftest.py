"""A data repo with one release, made once and copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.releasing.consumer import Consumer
from tests.support.release_history import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a data repo without commits, and the environment of its maintainer."""
    made = History(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def released(history: History) -> History:
    """Return a data repo whose tag 1.0.0 can be released."""
    history.release("1.0.0")
    return history


@pytest.fixture(scope="session")
def consumer() -> Iterator[Consumer]:
    """Return the real policyengine, in an environment and a process of its own."""
    made = Consumer()
    yield made
    made.close()
