"""Numbers as people write them."""

from __future__ import annotations

from pe_dvc.primitives.sizes import amount_text, counted, figure_text


def test_one_thing_is_no_plural() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_what_is_held_to_a_bound_has_more_digits_and_the_same_units() -> None:
    numbers = (475_995_123_456.0, -1.5e6, 5_400.0, 0.0312, 0.0)
    assert [figure_text(one) for one in numbers] == [
        *("475.995 bn", "-1.5 m", "5,400", "0.0312", "0")
    ]
    assert [amount_text(one) for one in numbers] == ["476 bn", "-1.5 m", "5,400", "0.0312", "0"]
