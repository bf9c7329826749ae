"""The right edge of a growing tree gives the roots that the whole tree has."""

from __future__ import annotations

import pytest

from pe_dvc.primitives.errors import FormatError
from pe_dvc.tlog.frontier import Frontier
from pe_dvc.tlog.merkle import leaf_hash, node_hash, tree_root


def test_its_roots_are_those_of_the_whole_tree() -> None:
    leaves = [leaf_hash(str(n).encode()) for n in range(70)]

    def nodes(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1))

    grown = Frontier()
    for size, leaf in enumerate(leaves):
        assert grown.root() == tree_root(size, nodes)
        grown = Frontier.from_bytes(grown.size, grown.to_bytes())
        grown.add(leaf)
        assert grown.size == size + 1


@pytest.mark.parametrize(("size", "data"), [(3, b"x" * 32), (0, b"x"), (-1, b""), (1, b"x" * 31)])
def test_what_is_cut_short_is_refused(size: int, data: bytes) -> None:
    with pytest.raises(FormatError, match="right edge"):
        Frontier.from_bytes(size, data)
