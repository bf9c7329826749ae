"""Arguments of the public calls, as people write them."""

from __future__ import annotations

from pe_dvc.public.arguments import names_of


def test_one_name_is_not_taken_for_its_letters() -> None:
    assert list(names_of("cps_2024")) == ["cps_2024"]
    assert list(names_of(("cps_2024", "states/AL"))) == ["cps_2024", "states/AL"]
    assert list(names_of(())) == []
