"""Files edited after `dvc repro`: a push says so, and publishes what the manifests describe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.adapters.digests import DigestCache
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.usecases.checkout import local_changes
from pe_dvc.usecases.checkout.local_changes import find_local_changes
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    import pytest

    from pe_dvc.documents.artifact import Artifact
    from tests.support.sandbox import Sandbox

CPS = "data/cps_2024.parquet"


def edit(path: Path) -> bytes:
    """Change one byte, as a program that writes the file anew; return what was there before."""
    before = path.read_bytes()
    path.unlink()
    path.write_bytes(bytes([*before[:100], before[100] ^ 1, *before[101:]]))
    return before


def test_a_push_says_what_it_does_not_publish(built: Sandbox) -> None:
    before = edit(built.repo / CPS)
    pushed = built.pe_dvc("push")
    assert f"{CPS} was edited since dvc repro. The edit is not published" in pushed.stderr
    assert "enhanced_cps_2024.parquet was edited" not in pushed.stderr
    assert built.json("push")["edited"] == [CPS]
    built.trust()
    got = built.read("get", "us/cps_2024@latest").stdout
    assert Path(got.strip()).read_bytes() == before
    built.run("dvc", "checkout", "--force", CPS)
    assert built.json("push")["edited"] == []
    (built.repo / CPS).touch()
    assert "edited" not in built.pe_dvc("push").stderr


def test_the_remedy_keeps_the_edit(built: Sandbox) -> None:
    path = built.repo / CPS
    edit(path)
    edited = path.read_bytes()
    built.run("dvc", "commit", "--force", CPS)
    built.build()
    assert built.json("push")["edited"] == []
    assert path.read_bytes() == edited


def described(root: Path, name: str, data: bytes) -> Artifact:
    """Write a file and return how a manifest describes it."""
    (root / name).write_bytes(data)
    return manifest_of(data, name=name, path=name).artifact


def test_only_so_much_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = described(tmp_path, "small", b"s" * 10), described(tmp_path, "large", b"l" * 99)
    (tmp_path / "small").write_bytes(b"x" * 10)
    (tmp_path / "large").write_bytes(b"x" * 99)
    gone = manifest_of(b"gone", name="gone", path="gone").artifact
    monkeypatch.setattr(local_changes, "READ_AT_MOST", 50)
    found = find_local_changes(tmp_path, [large, gone, small], DigestCache(tmp_path))
    assert (found.edited, found.unread) == (("small",), ("large",))
    assert "not looked at, for their size: large. pe-dvc verify" in found.lines[-1]
    (tmp_path / "large").write_bytes(b"x" * 98)
    assert find_local_changes(tmp_path, [large, small], DigestCache(tmp_path)).edited == (
        "large",
        "small",
    ), "a size is enough"


def test_what_was_hashed_before_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same, other = described(tmp_path, "same", b"same"), described(tmp_path, "other", b"other")
    (tmp_path / "other").write_bytes(b"OTHER")
    for name in ("same", "other"):
        os.utime(tmp_path / name, (0, 0))
        DigestCache(tmp_path).digest(tmp_path / name)
    known = DigestCache(tmp_path).known(tmp_path / "same")
    assert known is not None
    assert known.sha256 == sha256_bytes(b"same")
    assert DigestCache(tmp_path).known(tmp_path / "none") is None
    monkeypatch.setattr(local_changes, "READ_AT_MOST", 0)
    found = find_local_changes(tmp_path, [same, other], DigestCache(tmp_path))
    assert (found.edited, found.unread) == (("other",), ())
