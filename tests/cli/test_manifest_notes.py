"""Notes of ``pe-dvc manifest write``."""

from __future__ import annotations

from pe_dvc.cli.manifest import _shared


def test_notes_that_say_the_same_of_many_datasets_are_one_line() -> None:
    states = [f"states/{i}: not known: params; added to DVC" for i in range(51)]
    notes = [*states, "cps: other bytes than before", "cps: none: of it", "alone"]
    assert list(_shared(notes)) == [
        "states/0, states/1, states/2 and 48 more: not known: params; added to DVC",
        "cps: other bytes than before",
        "cps: none: of it",
        "alone",
    ]
