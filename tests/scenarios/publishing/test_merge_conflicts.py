"""Both sides of a merge conflict in a file of ours: named, never published, and resolved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import FormatError, PeDvcError, VerificationError
from pe_dvc.project.channel_adopt import adopt
from pe_dvc.project.check import check
from pe_dvc.project.push import push
from pe_dvc.project.revoke import revoke
from tests.support.advice import commands_in
from tests.support.commands import run
from tests.support.kept_repo import KeptRepo
from tests.support.revoking import OTHER, SAID, STORES, Bench, bench_on

if TYPE_CHECKING:
    from pathlib import Path


ROLES = [f"channels/us/{role}.json" for role in ("latest", "next", "revoked", "releases")]
UNREAD = "channels/us/root_history/1.root.json"
"""Nothing needs it before there is a second root."""
OURS = [
    *ROLES,
    "channels/us/root.json",
    "channels/us/targets.json",
    UNREAD,
    "manifests/cps_2024.json",
    "dvc.yaml",
    "dvc.lock",
    "pyproject.toml",
    ".dvc/config",
]
SAYS = "both sides of a merge conflict, from line 1 on"


@pytest.fixture(params=STORES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return bench_on(request.param, request, tmp_path, monkeypatch)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeptRepo:
    made = KeptRepo(tmp_path, monkeypatch)
    config = made.files.root / ".dvc/config"
    config.parent.mkdir(exist_ok=True)
    config.write_text("[core]\n    analytics = false\n")
    made.build("first")
    made.push()
    return made


def _mark(path: Path) -> None:
    text = path.read_text() if path.exists() else "schema: '2.0'\n"
    path.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> theirs\n")


def _checked(kept: KeptRepo, *, staged: bool = False) -> str:
    try:
        return "".join(one.detail for one in check(kept.repo, staged=staged) if not one.ok)
    except FormatError as error:
        return str(error)


@pytest.mark.parametrize("file", OURS)
def test_marks_that_were_committed_are_named_with_what_to_do(kept: KeptRepo, file: str) -> None:
    _mark(kept.files.root / file)
    kept.git("add", "--all")
    assert SAYS in _checked(kept, staged=file != ".dvc/config"), "no commit takes them in"
    kept.git("commit", "--quiet", "--message", "Merge")
    assert SAYS in _checked(kept)
    if file == UNREAD:
        return
    before = dict(kept.bucket.objects)
    with pytest.raises(PeDvcError) as refused:
        push(kept.repo)
    assert SAYS in refused.value.message
    assert file.rpartition("/")[2] in refused.value.message
    advised = commands_in(refused.value.remedy or "")
    assert "git checkout --theirs FILE" in advised
    assert (f"pe-dvc channel adopt {file.split('/')[-1][:-5]}" in advised) == (file in ROLES)
    assert kept.bucket.objects == before


def _merge_of_two_withdrawals(bench: Bench) -> None:
    """A steward withdrew and published, and so does another one, from a commit before."""
    kept = bench.kept
    kept.git("checkout", "--quiet", "-b", "ours")
    other = json.loads((kept.files.root / f"manifests/{OTHER}.json").read_bytes())
    revoke(kept.repo, [f"us/{OTHER}@sha256:{other['artifact']['sha256']}"], SAID)
    kept.commit("Withdraw the one")
    kept.git("checkout", "--quiet", "-")
    kept.git("checkout", "--quiet", "-b", "published", "HEAD")
    bench.revoke()
    bench.publish()
    kept.git("add", "--all")
    kept.git("commit", "--quiet", "--allow-empty", "--message", "Note")
    kept.git("checkout", "--quiet", "ours")
    run("git", "merge", "--quiet", "published", cwd=kept.files.root, code=1)


@pytest.mark.parametrize("committed", [False, True])
def test_two_withdrawals_of_one_version(bench: Bench, *, committed: bool) -> None:
    kept = bench.kept
    _merge_of_two_withdrawals(bench)
    assert "UU channels/us/revoked.json" in kept.git("status", "--porcelain")
    assert "merge conflict" in _checked(kept)
    if committed:
        kept.commit("Merge")
        assert "merge conflict" in _checked(kept)
    with pytest.raises((FormatError, VerificationError), match="conflict") as refused:
        push(kept.repo, uncommitted=not committed)
    advised = commands_in(refused.value.remedy or "")
    assert not [one for one in advised if one.startswith("git add")]
    assert "pe-dvc channel adopt revoked" in advised
    adopt(kept.repo, "revoked")
    kept.commit("Take over what was published")
    push(kept.repo)
    assert _checked(kept) == ""
    assert bench.faults() == []


def test_the_side_of_the_others_is_kept(bench: Bench) -> None:
    kept = bench.kept
    _merge_of_two_withdrawals(bench)
    with pytest.raises(
        VerificationError, match="a merge goes on, with conflicts in channels"
    ) as no:
        push(kept.repo)
    command = next(one for one in commands_in(no.value.remedy or "") if "--theirs" in one)
    kept.git(*command.replace("FILE", "channels/us/revoked.json").split()[1:])
    kept.commit("Keep theirs")
    push(kept.repo)
    assert bench.faults() == []
