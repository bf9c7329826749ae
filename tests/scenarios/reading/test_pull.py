"""``pe-dvc pull`` beside DVC: the same files, the same cache, and a clean `dvc status`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

DATASETS = ["data/cps_2024.parquet", "data/enhanced_cps_2024.parquet"]


@pytest.fixture
def published(sandbox: Sandbox) -> Sandbox:
    """Return a published repo that also tracks raw inputs: a directory and an executable."""
    raw = sandbox.repo / "raw"
    (raw / "deep").mkdir(parents=True)
    (raw / "a.csv").write_text("a\n")
    (raw / "deep/b.csv").write_text("b\n")
    (raw / "deep/empty.csv").write_text("")
    script = sandbox.repo / "convert.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    sandbox.run("dvc", "add", "--quiet", "raw", "convert.sh")
    sandbox.commit("Add raw inputs")
    sandbox.pe_dvc("push")
    return sandbox


@pytest.fixture
def pushed(built: Sandbox) -> Sandbox:
    """Return a published repo whose bucket is a directory."""
    built.pe_dvc("push")
    return built


def clone_of(sandbox: Sandbox, name: str = "clone") -> Path:
    clone = sandbox.directory / name
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(clone), cwd=sandbox.directory)
    sandbox.configure_remote(clone)
    return clone


def files_of(root: Path) -> dict[str, tuple[bytes, int]]:
    """Return the bytes and the mode of every file that git does not hold."""
    folders = [root / "data", root / "raw", root / ".dvc/cache/files"]
    found = [p for f in folders for p in f.rglob("*") if p.is_file()]
    found += [p for p in [root / "convert.sh"] if p.exists()]
    return {
        p.relative_to(root).as_posix(): (p.read_bytes(), stat.S_IMODE(p.stat().st_mode))
        for p in found
        if p.name != ".gitignore"
    }


def test_a_clone_ends_up_as_after_dvc_pull(published: Sandbox) -> None:
    ours, theirs = clone_of(published), clone_of(published, "theirs")
    pulled = published.json("pull", cwd=ours)
    assert sorted(pulled["checked_out"]) == sorted(
        [*DATASETS, "convert.sh", "raw/a.csv", "raw/deep/b.csv", "raw/deep/empty.csv"]
    )
    assert (pulled["by_md5"], pulled["left"]) == (4, {})
    published.run("dvc", "pull", "--quiet", cwd=theirs)
    assert files_of(ours) == files_of(theirs)
    assert published.run("dvc", "status", cwd=ours).stdout.strip().endswith("up to date.")
    assert "up to date" in published.run("dvc", "pull", cwd=ours).stdout
    assert published.run("git", "status", "--porcelain", cwd=ours).stdout == ""
    again = published.json("pull", cwd=ours)
    assert (again["downloaded"], again["checked_out"], again["unchanged"]) == ([], [], 6)


def test_one_dataset_by_name_brings_no_other(pushed: Sandbox) -> None:
    clone = clone_of(pushed)
    pulled = pushed.json("pull", "cps_2024", cwd=clone)
    assert pulled["checked_out"] == pulled["downloaded"] == ["data/cps_2024.parquet"]
    assert not (clone / DATASETS[1]).exists()
    refused = pushed.pe_dvc("pull", "cps_2042", cwd=clone, code=3)
    assert "declares no dataset 'cps_2042'" in refused.stderr


def test_what_was_changed_here_is_not_overwritten(pushed: Sandbox) -> None:
    clone = clone_of(pushed)
    work = clone / DATASETS[0]
    work.parent.mkdir(exist_ok=True)
    work.write_bytes(b"a week of work")
    refused = pushed.pe_dvc("pull", cwd=clone, code=1)
    assert DATASETS[0] in refused.stderr
    assert "--force" in refused.stderr
    assert work.read_bytes() == b"a week of work"
    assert not (clone / DATASETS[1]).exists(), "something was changed anyway"
    pushed.pe_dvc("pull", "--force", cwd=clone)
    assert work.read_bytes() == (pushed.repo / DATASETS[0]).read_bytes()


@pytest.mark.parametrize("where", ["workspace", "both"])
def test_what_verify_advises_brings_the_bytes_back(pushed: Sandbox, where: str) -> None:
    clone = clone_of(pushed)
    pushed.pe_dvc("pull", cwd=clone)
    right = (clone / DATASETS[0]).read_bytes()
    md5 = hashlib.md5(right).hexdigest()
    places = [clone / DATASETS[0], clone / f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}"]
    for place in places[: 2 if where == "both" else 1]:
        place.chmod(0o644)
        place.write_bytes(right[:-1] + b"!")
    said = pushed.pe_dvc("verify", cwd=clone, code=1)
    advice = re.search(r"pe-dvc (pull --force \S+)", said.stdout + said.stderr)
    assert advice
    pushed.pe_dvc(*advice[1].split(), cwd=clone)
    pushed.pe_dvc("verify", cwd=clone)
    assert [place.read_bytes() for place in places] == [right, right]


def test_what_the_cache_holds_may_be_replaced(pushed: Sandbox) -> None:
    """An older version of a dataset is in the way after `git pull`: nobody's work is lost."""
    clone = clone_of(pushed)
    pushed.pe_dvc("pull", cwd=clone)
    older = (clone / DATASETS[1]).read_bytes()
    (clone / DATASETS[0]).write_bytes(older)
    (clone / DATASETS[1]).unlink()
    assert len(pushed.json("pull", cwd=clone)["checked_out"]) == 2
    assert pushed.run("dvc", "status", cwd=clone).stdout.strip().endswith("up to date.")


def test_a_tracked_directory_holds_what_its_listing_says_and_no_more(built: Sandbox) -> None:
    raw = built.repo / "raw"
    raw.mkdir()
    for name in "abc":
        (raw / f"{name}.csv").write_text(name)
    built.run("dvc", "add", "--quiet", "raw")
    built.write(".dvcignore", "*.tmp\n")
    built.commit("Add raw")
    built.pe_dvc("push")
    clone = clone_of(built)
    built.pe_dvc("pull", cwd=clone)
    (raw / "b.csv").unlink()
    built.run("dvc", "add", "--quiet", "raw")
    built.commit("Remove b")
    built.pe_dvc("push")
    built.run("git", "pull", "--quiet", cwd=clone)
    (clone / "raw/notes.tmp").write_text("hidden from DVC")
    (clone / "raw/mine.csv").write_text("mine")
    refused = built.pe_dvc("pull", cwd=clone, code=1)
    assert "raw/mine.csv" in refused.stderr
    assert (clone / "raw/b.csv").exists()
    (clone / "raw/mine.csv").unlink()
    assert built.json("pull", cwd=clone)["removed"] == ["raw/b.csv"]
    assert {p.name for p in (clone / "raw").iterdir()} == {"a.csv", "c.csv", "notes.tmp"}
    assert built.run("dvc", "status", cwd=clone).stdout.strip().endswith("up to date.")


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_cache_type_is_honoured(pushed: Sandbox, kind: str) -> None:
    clone = clone_of(pushed)
    pushed.run("dvc", "config", "--local", "cache.type", f"{kind},copy", cwd=clone)
    pushed.pe_dvc("pull", cwd=clone)
    path = clone / DATASETS[0]
    assert path.is_symlink() == (kind == "symlink")
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    assert path.samefile(clone / f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}")
    assert path.stat().st_mode & 0o777 == 0o444
    assert pushed.run("dvc", "status", cwd=clone).stdout.strip().endswith("up to date.")
    assert pushed.json("pull", cwd=clone)["checked_out"] == []


def test_an_unknown_cache_type_is_said(pushed: Sandbox) -> None:
    with (pushed.repo / ".dvc/config.local").open("a") as file:
        file.write("[cache]\n    type = teleport, copy\n")
    assert "teleport" in pushed.pe_dvc("pull", code=1).stderr


def object_of(root: Path, path: str) -> Path:
    md5 = hashlib.md5((root / path).read_bytes()).hexdigest()
    return Path(f"files/md5/{md5[:2]}/{md5[2:]}")


def test_altered_bytes_in_the_bucket_reach_neither_cache_nor_workspace(pushed: Sandbox) -> None:
    stored = Path(pushed.store) / "us" / object_of(pushed.repo, DATASETS[0])
    data = bytearray(stored.read_bytes())
    data[-1] ^= 1
    stored.chmod(0o644)
    stored.write_bytes(data)
    clone = clone_of(pushed)
    refused = pushed.pe_dvc("pull", cwd=clone, code=1)
    assert "expected sha256:" in refused.stderr
    assert str(stored) in refused.stderr
    assert not (clone / DATASETS[0]).exists()
    assert not (clone / ".dvc/cache" / object_of(pushed.repo, DATASETS[0])).exists()
    assert not list((clone / ".dvc/cache").rglob("*.tmp"))


def test_altered_bytes_in_the_dvc_cache_are_replaced(pushed: Sandbox) -> None:
    """DVC takes a read-only cache object for granted; a pull does not check it out unseen."""
    clone = clone_of(pushed)
    pushed.pe_dvc("pull", cwd=clone)
    cached = clone / ".dvc/cache" / object_of(clone, DATASETS[0])
    good = cached.read_bytes()
    cached.chmod(0o644)
    cached.write_bytes(good[:-1] + b"?")
    cached.chmod(0o444)
    (clone / DATASETS[0]).unlink()
    assert pushed.json("pull", cwd=clone)["repaired"] == [DATASETS[0]]
    assert cached.read_bytes() == (clone / DATASETS[0]).read_bytes() == good


def test_a_manifest_of_other_bytes_than_dvc_lock_says_is_refused(pushed: Sandbox) -> None:
    clone = clone_of(pushed)
    lock = clone / "dvc.lock"
    md5 = hashlib.md5((pushed.repo / DATASETS[0]).read_bytes()).hexdigest()
    lock.write_text(lock.read_text().replace(md5, "f" * 32))
    refused = pushed.pe_dvc("pull", cwd=clone, code=1)
    assert f"dvc.lock has md5 {'f' * 32}" in refused.stderr


def test_a_missing_payload_is_named(pushed: Sandbox) -> None:
    (Path(pushed.store) / "us" / object_of(pushed.repo, DATASETS[0])).unlink()
    missing = pushed.pe_dvc("pull", cwd=clone_of(pushed), code=3)
    assert f"{DATASETS[0]} is missing from {pushed.store}" in missing.stderr


def test_while_dvc_is_at_work_a_pull_waits_and_then_says_so(pushed: Sandbox) -> None:
    clone = clone_of(pushed)
    (clone / ".dvc/tmp").mkdir(exist_ok=True)
    with (clone / ".dvc/tmp/lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = pushed.pe_dvc("pull", cwd=clone, code=1)
    assert "another DVC or pe_dvc process" in refused.stderr
    pushed.pe_dvc("pull", cwd=clone)
    assert pushed.run("dvc", "checkout", cwd=clone).returncode == 0, "DVC's lock was left held"


def test_a_pull_that_was_killed_is_completed(pushed: Sandbox) -> None:
    clone = clone_of(pushed)
    pushed.pe_dvc("pull", "cps_2024", cwd=clone)
    (clone / DATASETS[0]).unlink()
    stray = clone / ".dvc/cache/files/md5/00"
    stray.mkdir(exist_ok=True)
    (stray / "ff.tmp").write_bytes(b"half")
    pulled = pushed.json("pull", cwd=clone)
    assert (pulled["downloaded"], len(pulled["checked_out"])) == ([DATASETS[1]], 2)
    assert os.access(clone / DATASETS[1], os.R_OK)
