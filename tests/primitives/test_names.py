"""What is said about a name that is unknown."""

from __future__ import annotations

from pe_dvc.primitives.names import say_which_there_are


def test_names_like_the_wanted_one_come_first_and_the_others_are_counted() -> None:
    names = ["a", "b", "cps_2023", "enhanced_cps_2024"]
    assert say_which_there_are("cps_2022", names) == "Did you mean cps_2023?"
    assert say_which_there_are("zzz", names) == "It has a, b, cps_2023, enhanced_cps_2024."
    assert say_which_there_are("zzz", [*names, "d", "e"]).endswith("d and 1 more.")
    assert say_which_there_are("zzz", []) == "It is empty."
