"""The fitted exponents of growth: known powers come out as they went in."""

from __future__ import annotations

import pytest

from benchmarks.growth_report import Cost, exponent, report


@pytest.mark.parametrize("power", [0, 0.5, 1, 1.5])
def test_a_power_is_found(power: float) -> None:
    points = [(count, 7 * count**power) for count in (100, 1_000, 10_000)]
    assert exponent(points) == pytest.approx(power)


def test_the_report_has_a_row_for_each_form_with_its_exponents() -> None:
    costs = [
        Cost("gc", form, count, requests=count // 10, bytes=each * count, cpu=1.0)
        for form, each in (("one file", 1_000), ("bins", 10))
        for count in (100, 1_000)
    ]
    lines = report(costs).splitlines()
    assert lines[0] == "| work | channel | 100 | 1,000 | exponents |"
    assert lines[2].endswith("| requests 1.00, bytes 1.00, CPU 0.00 |")
    assert len([line for line in lines if "#" in line and line.startswith("gc")]) == 4
