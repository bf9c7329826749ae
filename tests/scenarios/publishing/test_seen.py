"""What a push keeps for new readers of a clone: it shuts out an attacker, and no maintainer."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import PeDvcError, RollbackError
from pe_dvc.project.channel import refresh
from pe_dvc.project.channel_recover import recover
from pe_dvc.project.git_preconditions import uncommitted_files
from pe_dvc.project.push import push
from pe_dvc.project.reader import Reader
from pe_dvc.project.repo import DataRepo
from tests.support.commands import run
from tests.support.kept_repo import NAMES, KeptRepo
from tests.support.memory_store import MemoryStore
from tests.support.stores import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Patch = pytest.MonkeyPatch
SEEN = "channels/us/seen"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: Patch) -> KeptRepo:
    """A repo that names its bucket, published once, with what that left committed."""
    made = KeptRepo(tmp_path, monkeypatch)
    settings = made.files.root / "pyproject.toml"
    line = f'country = "us"\nstore = "{made.bucket.url}"\n'
    settings.write_text(settings.read_text().replace('country = "us"\n', line))
    made.commit("Name the store")
    publish(made, "old")
    return made


def publish(kept: KeptRepo, word: str) -> str | None:
    kept.build(word)
    seen = push(kept.repo).seen
    kept.commit("Note what was published")
    return seen


def names(root: Path) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in (root / SEEN).glob("*.json"))


class Clone:
    """A clone of the repo's commits, in the hands of someone who never read anything."""

    made = 0

    def __init__(self, kept: KeptRepo, patch: Patch) -> None:
        Clone.made += 1
        self.root = kept.base / f"clone-{Clone.made}"
        self._home, self._patch = kept.base / f"home-{Clone.made}", patch
        run("git", "clone", "--quiet", str(kept.files.root), str(self.root), cwd=kept.base)

    def read(self) -> set[str]:
        """Return the names of the datasets of ``latest``."""
        with self._patch.context() as patch:
            patch.chdir(self.root)
            patch.setenv("PE_DVC_STATE_DIR", str(self._home / "state"))
            patch.setenv("PE_DVC_CACHE_DIR", str(self._home / "cache"))
            channels = Reader("us").channels
            return {pointer.sha256 for pointer in channels.pointers("latest")}

    def seen(self) -> list[str]:
        return names(self.root)


def version(kept: KeptRepo) -> int:
    found: int = json.loads(kept.bucket.objects["channels/us/timestamp.json"])["signed"]["version"]
    return found


def test_a_new_clone_refuses_what_is_older_than_its_last_push(
    kept: KeptRepo, monkeypatch: Patch
) -> None:
    before = dict(kept.bucket.objects)
    assert publish(kept, "new") == f"{SEEN}/{min((kept.files.root / SEEN).glob('2-*')).name}"
    new = Clone(kept, monkeypatch)
    kept.bucket.objects.clear()
    kept.bucket.objects.update(before)
    with pytest.raises(RollbackError, match="timestamp version 1"):
        new.read()


def test_a_new_clone_of_today_reads(kept: KeptRepo, monkeypatch: Patch) -> None:
    assert len(Clone(kept, monkeypatch).read()) == len(NAMES)
    kept.build("new")
    push(kept.repo)  # nothing was committed since
    assert len(Clone(kept, monkeypatch).read()) == len(NAMES)


def test_there_are_not_more_and_more(kept: KeptRepo, monkeypatch: Patch) -> None:
    monkeypatch.setattr("pe_dvc.project.keep_seen.MOST", 4)
    monkeypatch.setattr("pe_dvc.project.keep_seen.LEFT", 2)
    for word in ("a", "b", "c"):
        publish(kept, word)
    assert names(kept.files.root) == ["1", "2", "3", "4"]
    publish(kept, "d")
    assert names(kept.files.root) == ["4", "5"]


def test_signed_and_committed_but_not_pushed(kept: KeptRepo, monkeypatch: Patch) -> None:
    kept.build("new")
    assert Clone(kept, monkeypatch).read()


def test_pushed_by_another_machine_and_not_pulled(kept: KeptRepo, monkeypatch: Patch) -> None:
    other = Clone(kept, monkeypatch)
    publish(kept, "new")
    assert other.seen() == ["1"]
    assert other.read() == Clone(kept, monkeypatch).read()


def test_a_push_that_changes_nothing_writes_nothing(kept: KeptRepo) -> None:
    assert push(kept.repo).seen is None
    assert kept.git("status", "--porcelain") == ""


def test_what_waits_for_the_next_commit_stops_no_push(kept: KeptRepo) -> None:
    kept.build("new")
    assert push(kept.repo).seen is not None
    assert kept.git("status", "--porcelain", "-uall").split()[-1].startswith(SEEN)
    assert uncommitted_files(kept.repo) == []
    assert push(kept.repo).channel.written == ()
    kept.build("newer")
    assert not any(
        json.loads((kept.files.root / f"manifests/{name}.json").read_bytes())["build"].get(
            "git_dirty"
        )
        for name in NAMES
    )


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_timestamp(kept: KeptRepo, monkeypatch: Patch, when: str) -> None:
    """Nothing is noted of what was not read back; readers of every clone read on."""
    kept.build("new")
    store = RecordingStore.of(kept.bucket)

    def killed(number: int, operation: str, key: str) -> None:
        if operation == "swap" and key.endswith("timestamp.json"):
            raise KeyboardInterrupt

    setattr(store, when, killed)
    kept.store = store
    with pytest.raises(KeyboardInterrupt):
        push(kept.repo)
    kept.store = kept.bucket
    assert names(kept.files.root) == ["1"]
    assert Clone(kept, monkeypatch).read()
    push(kept.repo)
    assert version(kept) == 2
    kept.commit("All")
    assert Clone(kept, monkeypatch).read()
    publish(kept, "newer")
    assert "3" in Clone(kept, monkeypatch).seen()


def test_a_push_that_is_refused_notes_nothing(kept: KeptRepo, monkeypatch: Patch) -> None:
    """Both changed the same dataset: the second is told, and has seen nothing published."""
    other = Clone(kept, monkeypatch)
    publish(kept, "new")
    theirs = kept.files.clone(kept.base / "theirs")
    run("git", "reset", "--quiet", "--hard", "HEAD~2", cwd=theirs.root)
    theirs.build(NAMES[0], b"another")
    theirs.update_latest()
    run("git", "add", "--all", cwd=theirs.root)
    run("git", "commit", "--quiet", "--message", "Another", cwd=theirs.root)
    with pytest.raises(PeDvcError):
        push(DataRepo(theirs.root))
    assert names(theirs.root) == ["1"]
    assert other.read()


def test_two_branches_are_merged(kept: KeptRepo, monkeypatch: Patch) -> None:
    kept.git("checkout", "--quiet", "-b", "side")
    publish(kept, "side")
    kept.git("checkout", "--quiet", "main")
    (kept.files.root / "README.md").write_text("On main\n")
    kept.commit("On main")
    kept.git("merge", "--quiet", "--no-edit", "side")
    publish(kept, "main")
    assert names(kept.files.root) == ["1", "2", "3"]
    assert Clone(kept, monkeypatch).read()


def test_two_branches_that_both_published_are_merged(kept: KeptRepo, monkeypatch: Patch) -> None:
    """Git must not take the one file for the other, renamed."""
    kept.git("checkout", "--quiet", "-b", "side")
    publish(kept, "side")
    kept.git("checkout", "--quiet", "main")
    later = datetime.now(UTC) + timedelta(days=8)
    monkeypatch.setattr("pe_dvc.project.channel._now", lambda: later)
    refresh(kept.repo)
    kept.commit("Refresh")
    kept.git("merge", "--quiet", "--no-edit", "side")
    assert names(kept.files.root) == ["1", "2", "3"]
    assert Clone(kept, monkeypatch).read()


def test_the_commit_that_noted_it_is_reverted(kept: KeptRepo, monkeypatch: Patch) -> None:
    publish(kept, "new")
    kept.git("revert", "--no-edit", "HEAD")
    clone = Clone(kept, monkeypatch)
    assert clone.seen() == ["1"]
    assert clone.read()


def test_an_old_commit_is_checked_out(kept: KeptRepo, monkeypatch: Patch) -> None:
    kept.git("tag", "1.0")
    publish(kept, "new")
    clone = Clone(kept, monkeypatch)
    newest = clone.read()
    run("git", "checkout", "--quiet", "1.0", cwd=clone.root)
    assert clone.seen() == ["1"]
    assert clone.read() == newest


def roll_back(kept: KeptRepo, before: dict[str, bytes]) -> None:
    kept.bucket.objects.clear()
    kept.bucket.objects.update(before)


def old_checkout(kept: KeptRepo, patch: Patch) -> Clone:
    """Someone who clones today, goes to an old commit, and reads there for the first time."""
    kept.git("tag", "1.0")
    before = dict(kept.bucket.objects)
    publish(kept, "new")
    clone = Clone(kept, patch)
    run("git", "checkout", "--quiet", "1.0", cwd=clone.root)
    roll_back(kept, before)
    assert clone.seen() == ["1"]
    return clone


def test_an_old_commit_hides_no_later_publication(kept: KeptRepo, monkeypatch: Patch) -> None:
    clone = old_checkout(kept, monkeypatch)
    for _ in range(2):  # the second time its state knows
        with pytest.raises(RollbackError, match="timestamp version 1"):
            clone.read()


def test_who_noticed_it_is_named(kept: KeptRepo, monkeypatch: Patch) -> None:
    clone = old_checkout(kept, monkeypatch)
    with pytest.raises(RollbackError) as caught:
        clone.read()
    assert f"origin/HEAD:{SEEN}/2-" in str(caught.value.remedy)


def without_remote(clone: Clone) -> None:
    run("git", "remote", "remove", "origin", cwd=clone.root)


def with_a_branch_that_was_renamed(clone: Clone) -> None:
    run("git", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/x", cwd=clone.root)


def without_git(clone: Clone) -> None:
    shutil.rmtree(clone.root / ".git")


def partial_clone(clone: Clone) -> None:
    """Of objects that are not here none is fetched for it."""
    source = run("git", "remote", "get-url", "origin", cwd=clone.root).stdout.strip()
    shutil.rmtree(clone.root)
    url = f"file://{source}"
    run("git", "-C", source, "config", "uploadpack.allowFilter", "true", cwd=clone.root.parent)
    options = ("--quiet", "--filter=blob:none", "--no-checkout")
    run("git", "clone", *options, url, str(clone.root), cwd=clone.root.parent)
    run("git", "checkout", "--quiet", "1.0", cwd=clone.root)


@pytest.mark.parametrize(
    "lacks", [without_remote, with_a_branch_that_was_renamed, without_git, partial_clone]
)
def test_a_clone_that_lacks_what_its_remote_had(
    kept: KeptRepo, monkeypatch: Patch, lacks: Callable[[Clone], None]
) -> None:
    """It reads by what it has: no more than a clone of that time would know."""
    clone = old_checkout(kept, monkeypatch)
    lacks(clone)
    assert clone.read()


def test_a_reader_who_has_a_state_asks_no_git(kept: KeptRepo, monkeypatch: Patch) -> None:
    clone = Clone(kept, monkeypatch)
    newest = clone.read()

    def never(repo: DataRepo) -> None:
        raise AssertionError("it has seen more itself")

    monkeypatch.setattr("pe_dvc.project.reader_trust.fetched_seen_files", never)
    assert clone.read() == newest


def test_a_trial_bucket_leaves_no_note_and_is_not_held_to_one(
    kept: KeptRepo, monkeypatch: Patch
) -> None:
    publish(kept, "new")
    trial = MemoryStore("memory://trial")
    own, kept.store = kept.store, trial
    monkeypatch.setenv("PE_DVC_STORE", trial.url)
    assert push(kept.repo).seen is None
    assert kept.git("status", "--porcelain") == ""
    assert Clone(kept, monkeypatch).read(), "version 1 of another bucket"
    kept.store = own
    monkeypatch.setenv("PE_DVC_STORE", own.url)
    assert Clone(kept, monkeypatch).read()


def test_the_data_are_moved_to_another_bucket(kept: KeptRepo, monkeypatch: Patch) -> None:
    publish(kept, "new")
    moved = MemoryStore("memory://moved")
    settings = kept.files.root / "pyproject.toml"
    settings.write_text(settings.read_text().replace(kept.bucket.url, moved.url))
    kept.commit("Move")
    kept.store = moved
    monkeypatch.setenv("PE_DVC_STORE", moved.url)
    assert push(kept.repo).seen is not None
    kept.commit("Note what was published")
    assert sorted(names(kept.files.root)) == ["1", "1", "2"]
    assert Clone(kept, monkeypatch).read()


@pytest.mark.parametrize("lost", ["everything", "the newest"])
def test_a_bucket_that_was_restored(kept: KeptRepo, monkeypatch: Patch, lost: str) -> None:
    before = {} if lost == "everything" else dict(kept.bucket.objects)
    publish(kept, "new")
    knowing = Clone(kept, monkeypatch)
    before_the_loss = knowing.read()
    kept.bucket.objects.clear()
    kept.bucket.objects.update(before)
    kept.build("more")
    with pytest.raises(RollbackError, match="or replaced by an older copy") as refused:
        push(kept.repo)
    assert "pe-dvc mirror restore" in str(refused.value.remedy)
    assert kept.bucket.objects == before, "nothing was written"
    recover(kept.repo, [], new_log=True)
    kept.commit("No copy is left: a new log")
    assert push(kept.repo).seen is not None
    assert before_the_loss != knowing.read() == Clone(kept, monkeypatch).read()
    assert publish(kept, "later") is not None
    assert knowing.read() == Clone(kept, monkeypatch).read()


def test_keys_that_were_stolen(kept: KeptRepo, monkeypatch: Patch) -> None:
    """The thief pushed ten versions, which someone committed; the recovery begins below them."""
    before = dict(kept.bucket.objects)
    for word in ("a", "b", "c"):
        publish(kept, word)
    assert names(kept.files.root) == ["1", "2", "3", "4"]
    kept.bucket.objects.clear()
    kept.bucket.objects.update(before)
    recover(kept.repo, [])
    kept.commit("New keys")
    with pytest.raises(RollbackError, match="with 9 entries"):  # whose readers remember them
        push(kept.repo)
    recover(kept.repo, [], new_log=True)
    kept.commit("New keys, and a new log")
    push(kept.repo)
    assert Clone(kept, monkeypatch).read()
    kept.commit("Note what was published")
    assert Clone(kept, monkeypatch).read()


def test_a_refresh_notes_what_it_signed(kept: KeptRepo, monkeypatch: Patch) -> None:
    assert refresh(kept.repo).seen is None
    later = datetime.now(UTC) + timedelta(days=8)
    monkeypatch.setattr("pe_dvc.project.channel._now", lambda: later)
    done = refresh(kept.repo)
    assert done.renewed == ("timestamp",)
    assert names(kept.files.root) == ["1", "2"]
    assert done.to_json()["seen"] == done.seen
    kept.commit("Refresh")
    assert Clone(kept, monkeypatch).read()


def test_a_clone_that_cannot_be_written_to(
    kept: KeptRepo, monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    """The data are published: that is not undone, and no error."""
    (kept.files.root / SEEN).rename(kept.files.root / "channels/us/was")
    (kept.files.root / SEEN).write_text("a file")
    kept.commit("Odd")
    kept.build("new")
    assert push(kept.repo).seen is None
    assert "is not noted for new readers" in caplog.text
    assert Clone(kept, monkeypatch).read()
