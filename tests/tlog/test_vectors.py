"""The published vectors of https://github.com/transparency-dev/merkle (Apache-2.0), at a commit.

``merkle_vectors.json.gz`` is all JSON files of its ``testdata``, in one, with source and commit.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.primitives.errors import VerificationError
from pe_dvc.tlog.merkle import verify_consistency, verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path(__file__).parent / "merkle_vectors.json.gz"
PUBLISHED = json.loads(gzip.decompress(FILE.read_bytes()))
VECTORS: dict[str, dict[str, Any]] = PUBLISHED["vectors"]


def test_source_and_licence_are_named() -> None:
    assert PUBLISHED["source"].startswith("https://github.com/transparency-dev/merkle")
    assert PUBLISHED["licence"] == "Apache-2.0"
    assert len(PUBLISHED["commit"]) == 40
    assert len(VECTORS) == 518


def _of(*kinds: str) -> list[str]:
    return [name for name in VECTORS if name.split("/")[0] in kinds]


def _is_subtree(start: int, end: int) -> bool:
    """A subtree is one by itself only where the tree has one (draft-ietf-plants-merkle-tree-certs).

    Such a one is judged as a tree of its own: no log of ours asks for more.
    """
    return end > start and start % (1 << (end - start - 1).bit_length()) == 0


def _hashes(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [b64decode(one or "") for one in (*map(vector.get, names), *(vector["proof"] or ()))]


def _holds(verify: Callable[..., None], *asked: Any) -> bool:
    try:
        verify(*asked)
    except VerificationError:
        return False
    return True


@pytest.mark.parametrize("name", _of("inclusion", "subtreeinclusion"))
def test_inclusion(name: str) -> None:
    vector = VECTORS[name]
    start: int = vector.get("start", 0)
    size: int = vector["end"] - start if "start" in vector else vector["treeSize"]
    root, leaf, *proof = _hashes(vector, "root", "leafHash")
    right = _holds(verify_inclusion, vector["leafIdx"] - start, size, leaf, proof, root)
    if "start" in vector:
        right = right and _is_subtree(start, vector["end"])
    assert right != vector["wantErr"]


STRICTER = {
    # Their check of an empty subtree looks at its root alone; the tree's own must be right as well.
    "subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-"
    "root-random-proof-is-empty"
}


def _from_zero() -> list[str]:
    names = [name for name in _of("subtreeconsistency") if name not in STRICTER]
    return [name for name in names if VECTORS[name]["start"] == 0]


@pytest.mark.parametrize("name", [*_of("consistency"), *_from_zero()])
def test_consistency(name: str) -> None:
    """Consistency of a subtree that begins a tree is that of an earlier tree."""
    vector = VECTORS[name]
    sizes = [vector[key] for key in (("end", "size") if "end" in vector else ("size1", "size2"))]
    one, other, *proof = _hashes(vector, "root1", "root2")
    assert _holds(verify_consistency, *sizes, proof, one, other) != vector["wantErr"]
