"""Inclusion proofs of ours, and damaged ones, are judged as sigstore's own code judges them."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import VerificationError
from pe_dvc.tlog.merkle import inclusion_proof, leaf_hash, tree_root, verify_inclusion
from pe_dvc.tlog.tiles import GrownTree
from tests.support.other_environments import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.other_environments import validators as validators

Asked = tuple[int, int, bytes, list[bytes], bytes]


def _asked(random_: random.Random) -> list[Asked]:
    asked: list[Asked] = []
    for size in [*range(1, 18), 255, 256, 257, 300]:
        entries = [random_.randbytes(random_.randrange(40)) for _ in range(size)]
        tree = GrownTree(0, entries, lambda tile: b"")
        root = tree_root(size, tree)
        for index in random_.sample(range(size), min(size, 8)):
            proof = inclusion_proof(index, size, tree)
            asked += [
                (index, size, entries[index], proof, root),
                (index, size, entries[index] + b"x", proof, root),
                (index, size, entries[index], proof[:-1], root),
                (index, size, entries[index], [*proof, root], root),
                (index, size, entries[index], proof[::-1], root),
                (index, size, entries[index], proof, leaf_hash(root)),
                (index ^ 1, size + 2, entries[index], proof, root),
                (index, size + 1, entries[index], proof, root),
            ]
    return asked


def test_sigstore_judges_alike(validators: Path, tmp_path: Path) -> None:
    asked, file = _asked(random.Random(18)), tmp_path / "asked.json"
    rows = [(i, n, e.hex(), [h.hex() for h in hashes], r.hex()) for i, n, e, hashes, r in asked]
    file.write_text(json.dumps(rows))
    done = subprocess.run(
        [validators, FOLDER / "check.py", "merkle", file],
        capture_output=True,
        text=True,
        check=True,
    )
    (theirs,) = json.loads(done.stdout).values()
    assert [_judged(one) for one in asked] == theirs
    assert {"right", "wrong"} == set(theirs)


def _judged(asked: Asked) -> str:
    index, size, entry, hashes, root = asked
    try:
        verify_inclusion(index, size, leaf_hash(entry), hashes, root)
    except VerificationError:
        return "wrong"
    return "right"
