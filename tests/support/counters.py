"""What the tests tried, in figures, printed at the end: ``fault points survived: 1,234``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

Tally = Callable[[str, int], None]
"""Counts so many of what is named; counted are only tests that pass."""

_PREFIX = "tally: "


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Return what a test tells its figures to."""
    return lambda what, count: request.node.user_properties.append((_PREFIX + what, count))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the sums."""
    sums: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name.startswith(_PREFIX):
                sums[name.removeprefix(_PREFIX)] += value
    for what, count in sorted(sums.items()):
        terminalreporter.write_line(f"{what}: {count:,}")
