"""Of each story one of its two kinds of store is kept, and no other test is left out."""

from __future__ import annotations

from tests.support.either_store import SERVERS, STORES, is_other

TWINS = [
    *(f"t.py::test_{number}[{kind}]" for number in range(40) for kind in STORES),
    *(f"t.py::test_one[a-{kind}--60]" for kind in STORES),
]


def kind_of(test: str) -> str:
    return next((kind for kind in STORES if kind in test), "")


def test_of_two_servers_one_is_kept() -> None:
    twins = [f"t.py::test_{number}[{kind}-x]" for number in range(40) for kind in SERVERS]
    kinds = {test: kind for test in twins for kind in SERVERS if kind in test}
    kept = [test for test in twins if not is_other(test, kinds)]
    assert len({test.partition("[")[0] for test in kept}) == len(kept) == 40
    for kind in SERVERS:
        assert sum(kind in test for test in kept) > 10


def test_one_of_two_is_kept_and_each_kind_has_its_share() -> None:
    kinds = {test: kind_of(test) for test in TWINS}
    kept = [test for test in TWINS if not is_other(test, kinds)]
    without_kind = {test.replace("s3", "").replace("directory", "") for test in kept}
    assert len(kept) == len(without_kind) == len(TWINS) / 2
    for kind in STORES:
        assert sum(kind in test for test in kept) > len(kept) / 4


def test_what_has_no_twin_is_kept() -> None:
    alone = ["t.py::test_a[s3]", "t.py::test_b[directory-1]", "t.py::test_c", "t.py::test_d[x--1]"]
    kinds = {test: kind_of(test) for test in alone}
    assert not any(is_other(test, kinds) for test in [*alone, "t.py::test_not_marked[s3]"])
