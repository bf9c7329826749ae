"""A clone written by an attacker: what a researcher runs in there runs nothing of the clone's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.adapters.dvc.workspace import ignored_by_dvc
from pe_dvc.errors import FormatError
from tests.support.commands import run, run_pe_dvc
from tests.support.hostile_clone import HostileClone
from tests.support.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Attack = Callable[[HostileClone], None]


@pytest.fixture
def clone(tmp_path: Path) -> HostileClone:
    return HostileClone(tmp_path)


@contextmanager
def refused(clone: HostileClone) -> Iterator[None]:
    """Expect a refusal that names its reason, and nothing else written outside the clone."""
    before = clone.outside()
    with pytest.raises(FormatError) as caught:
        yield
    assert caught.value.where
    assert clone.outside() == before


def test_a_package_named_dvc_in_the_clone_is_not_run(tmp_path: Path) -> None:
    """``python -m dvc`` would take it for DVC, with the clone as the working directory."""
    clone, ran = tmp_path / "clone", tmp_path / "ran"
    (clone / "dvc").mkdir(parents=True)
    (clone / "dvc/__init__.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
    subprocess.run([BIN / "dvc", "init", "--quiet"], cwd=clone, check=True)
    (clone / ".dvcignore").write_text("*.tmp\n")
    paths = [clone / "notes.tmp", clone / "notes.txt"]
    assert ignored_by_dvc(clone, paths) == {paths[0]}
    assert not ran.exists()


def output_above_the_clone(clone: HostileClone) -> None:
    clone.track("../.ssh/authorized_keys", clone.offer())


def working_directory_above_the_clone(clone: HostileClone) -> None:
    clone.track("authorized_keys", clone.offer(), file="sub/x.dvc", wdir="../../.ssh")


def stage_with_a_working_directory_above_the_clone(clone: HostileClone) -> None:
    out = f"path: authorized_keys\n      hash: md5\n      md5: {clone.offer()}\n      size: 26\n"
    clone.write(
        "sub/dvc.yaml", "stages:\n  s: {wdir: ../../.ssh, cmd: a, outs: [authorized_keys]}\n"
    )
    clone.write("sub/dvc.lock", f"schema: '2.0'\nstages:\n  s:\n    cmd: a\n    outs:\n    - {out}")


def absolute_output(clone: HostileClone) -> None:
    clone.track(str(clone.home / ".ssh/authorized_keys"), clone.offer())


def output_that_looks_like_a_url(clone: HostileClone) -> None:
    clone.track("x://../../../.ssh/authorized_keys", clone.offer())


def output_below_a_linked_directory(clone: HostileClone) -> None:
    clone.link("keys", clone.home / ".ssh")
    clone.track("keys/authorized_keys", clone.offer())


def output_below_a_relative_link_deep_in_the_clone(clone: HostileClone) -> None:
    (clone.root / "a/b").mkdir(parents=True)
    (clone.root / "a/b/c").symlink_to("../../../.ssh")
    clone.track("a/b/c/d/e/authorized_keys", clone.offer())


def listing_through_a_link_in_the_tracked_directory(clone: HostileClone) -> None:
    clone.link("raw/d", clone.home / ".ssh")
    clone.track("raw", clone.offer_directory("d/authorized_keys"))


def listing_above_the_tracked_directory(clone: HostileClone) -> None:
    clone.track("raw", clone.offer_directory("../../.ssh/authorized_keys"))


def tracked_directory_above_the_clone(clone: HostileClone) -> None:
    clone.track("../docs", clone.offer_directory("new.txt"))


def tracked_directory_is_a_link(clone: HostileClone) -> None:
    clone.link("raw", clone.home / "docs")
    clone.track("raw", clone.offer_directory("new.txt"))


def empty_tracked_directory_is_a_link(clone: HostileClone) -> None:
    clone.link("raw", clone.home / "docs")
    clone.track("raw", clone.offer_directory())


def output_is_a_git_hook(clone: HostileClone) -> None:
    clone.track(".git/hooks/post-checkout", clone.offer())


def output_is_the_configuration_of_dvc(clone: HostileClone) -> None:
    clone.track(".dvc/config.local", clone.offer())


def listing_holds_a_git_hook(clone: HostileClone) -> None:
    clone.track("sub", clone.offer_directory(".GIT/hooks/post-checkout"))


def listing_in_which_a_file_is_a_folder(clone: HostileClone) -> None:
    clone.track("raw", clone.offer_directory("a", "a/b"))


def output_below_another_output(clone: HostileClone) -> None:
    clone.track("raw.txt/b", md5 := clone.offer())
    clone.track("raw.txt", md5, file="y.dvc")


def lock_is_a_link(clone: HostileClone) -> None:
    clone.link(".dvc/tmp/lock", clone.home / "docs/thesis.txt")


def lock_is_a_link_to_nothing(clone: HostileClone) -> None:
    clone.link(".dvc/tmp/lock", clone.home / "docs/new.txt")


def lock_is_a_pipe(clone: HostileClone) -> None:
    (clone.root / ".dvc/tmp").mkdir()
    os.mkfifo(clone.root / ".dvc/tmp/lock")


def temporary_directory_is_a_link(clone: HostileClone) -> None:
    clone.link(".dvc/tmp", clone.home / "docs")


def dvc_directory_is_a_link(clone: HostileClone) -> None:
    (clone.root / ".dvc").rename(clone.home / "dvc")
    clone.link(".dvc", clone.home / "dvc")


def ignore_file_of_dvc_is_a_link(clone: HostileClone) -> None:
    clone.link(".dvc/.gitignore", clone.home / "docs/thesis.txt")


def cache_is_a_link(clone: HostileClone) -> None:
    (clone.root / ".dvc/cache").rename(clone.root / ".dvc/old")
    clone.link(".dvc/cache", clone.home / "docs")


def folder_in_the_cache_is_a_link(clone: HostileClone) -> None:
    md5 = clone.offer()
    clone.link(f".dvc/cache/files/md5/{md5[:2]}", clone.home / "docs")
    clone.track("x.txt", md5)


def cache_lies_behind_a_link(clone: HostileClone) -> None:
    clone.link("box", clone.home / "docs")
    clone.write(".dvc/config.local", "[cache]\n    dir = ../box/cache\n")


def configuration_in_git_puts_the_cache_elsewhere(clone: HostileClone) -> None:
    file = clone.root / ".dvc/config"
    file.write_text(f"{file.read_text()}[cache]\n    dir = ../../docs\n")


def local_configuration_in_git_puts_the_cache_elsewhere(clone: HostileClone) -> None:
    clone.write(".dvc/config.local", "[cache]\n    dir = ../../docs\n")
    clone.commit(".dvc/config.local")


PULLS: list[Attack] = [
    output_above_the_clone,
    working_directory_above_the_clone,
    stage_with_a_working_directory_above_the_clone,
    absolute_output,
    output_that_looks_like_a_url,
    output_below_a_linked_directory,
    output_below_a_relative_link_deep_in_the_clone,
    listing_through_a_link_in_the_tracked_directory,
    listing_above_the_tracked_directory,
    tracked_directory_above_the_clone,
    tracked_directory_is_a_link,
    empty_tracked_directory_is_a_link,
    output_is_a_git_hook,
    output_is_the_configuration_of_dvc,
    listing_holds_a_git_hook,
    listing_in_which_a_file_is_a_folder,
    output_below_another_output,
    lock_is_a_link,
    lock_is_a_link_to_nothing,
    lock_is_a_pipe,
    temporary_directory_is_a_link,
    dvc_directory_is_a_link,
    ignore_file_of_dvc_is_a_link,
    cache_is_a_link,
    folder_in_the_cache_is_a_link,
    cache_lies_behind_a_link,
    configuration_in_git_puts_the_cache_elsewhere,
    local_configuration_in_git_puts_the_cache_elsewhere,
]


@pytest.mark.parametrize("force", [False, True], ids=["pull", "pull --force"])
@pytest.mark.parametrize("attack", PULLS, ids=lambda attack: attack.__name__)
def test_pull_stays_in_the_clone(clone: HostileClone, attack: Attack, *, force: bool) -> None:
    clone.track("honest.txt", clone.offer(b"honest\n"), file="honest.dvc")
    attack(clone)
    with refused(clone):
        clone.repo.pull(force=force)
    assert not (clone.root / "honest.txt").exists(), "something was written before the refusal"
    assert not (clone.root / ".git/hooks/post-checkout").exists()


def test_a_refused_pull_names_the_link_and_what_to_do(clone: HostileClone) -> None:
    """A directory that its user moved to a larger disk looks the same: the message must help."""
    tracked_directory_is_a_link(clone)
    said = run_pe_dvc("pull", "--force", cwd=clone.root, code=1).stderr
    assert f"{clone.root}/raw: is a symbolic link to {clone.home / 'docs'}" in said
    assert "dvc config --local cache.dir" in said
    assert (clone.home / "docs/thesis.txt").read_text() == "my thesis"


@pytest.mark.parametrize("whose", ["the clone's", "the clone's local", "the user's"])
def test_only_the_user_makes_the_cache_a_group_s(
    clone: HostileClone, whose: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = ".dvc/config" if whose == "the clone's" else ".dvc/config.local"
    file = clone.root / name
    before = file.read_text() if file.exists() else ""
    file.write_text(f"{before}[cache]\n    shared = group\n")
    if whose == "the clone's local":
        clone.commit(name)
    clone.track("honest.txt", clone.offer(b"honest\n"), file="honest.dvc")
    clone.repo.pull()
    folders = [p for p in (clone.root / ".dvc/cache").rglob("*") if p.is_dir()]
    opened = any(folder.stat().st_mode & 0o020 for folder in folders)
    assert opened == (whose == "the user's")
    assert ("dvc config --local cache.shared group" in caplog.text) == (whose != "the user's")


def test_a_file_that_is_a_link_is_replaced_and_its_target_kept(clone: HostileClone) -> None:
    clone.link("x.txt", clone.home / "docs/thesis.txt")
    clone.track("x.txt", clone.offer(b"data\n"))
    before = clone.outside()
    clone.repo.pull(force=True)
    assert (clone.root / "x.txt").read_bytes() == b"data\n"
    assert not (clone.root / "x.txt").is_symlink()
    assert clone.outside() == before


def test_links_in_a_tracked_directory_are_removed_and_not_followed(clone: HostileClone) -> None:
    clone.track("raw", clone.offer_directory("new.txt"))
    clone.link("raw/thesis.txt", clone.home / "docs/thesis.txt")
    clone.link("raw/docs", clone.home / "docs")
    before = clone.outside()
    assert clone.repo.pull(force=True).removed == ["raw/thesis.txt"]
    assert clone.outside() == before


def test_dvc_keeps_no_notes_where_the_clone_says(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC is asked which files a ``.dvcignore`` hides, and would make the directory."""
    monkeypatch.delenv("DVC_SITE_CACHE_DIR", raising=False)
    clone.track("raw", clone.offer_directory("new.txt"))
    clone.write("raw/extra.txt", "extra")
    file = clone.root / ".dvc/config"
    notes = clone.home / "docs/notes"
    file.write_text(file.read_text().replace("[core]", f"[core]\n    site_cache_dir = {notes}"))
    before = clone.outside()
    assert clone.repo.pull(force=True).removed == ["raw/extra.txt"]
    assert clone.outside() == before


@pytest.mark.parametrize("setting", ["local", "global"])
def test_the_users_own_configuration_may_put_the_cache_elsewhere(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    text = f"[cache]\n    dir = {clone.home / 'big disk'}\n    type = symlink\n"
    if setting == "local":
        clone.write(".dvc/config.local", text)
    else:
        monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(clone.home))
        (clone.home / "config").write_text(text)
    clone.track("x.txt", md5 := clone.offer(b"data\n"))
    clone.repo.pull()
    cached = clone.home / "big disk/files/md5" / md5[:2] / md5[2:]
    assert (clone.root / "x.txt").readlink() == cached
    assert cached.read_bytes() == b"data\n"


def digests_are_a_link(clone: HostileClone) -> None:
    clone.link(".dvc/tmp/pe_dvc/digests", clone.home / "docs")


@pytest.mark.parametrize("attack", [temporary_directory_is_a_link, digests_are_a_link])
def test_verify_writes_nothing_outside(clone: HostileClone, attack: Attack) -> None:
    time.sleep(0.15)  # a file that was just written is hashed again each time
    attack(clone)
    with refused(clone):
        clone.repo.verify(present=True)


def manifests_are_a_link(clone: HostileClone) -> None:
    (clone.root / "manifests").rename(clone.root / "old")
    (clone.home / "docs/gone.json").write_text("{}")
    clone.link("manifests", clone.home / "docs")


def manifest_folder_is_a_link(clone: HostileClone) -> None:
    declared = (clone.root / "dvc.yaml").read_text()
    clone.write("dvc.yaml", declared.replace("  cps:", "  states/AL:"))
    clone.link("manifests/states", clone.home / "docs")


@pytest.mark.parametrize("attack", [manifests_are_a_link, manifest_folder_is_a_link])
def test_manifests_are_written_and_removed_inside(clone: HostileClone, attack: Attack) -> None:
    attack(clone)
    with refused(clone):
        clone.repo.manifest.write()


def channels_are_a_link(clone: HostileClone) -> None:
    shutil.rmtree(clone.root / "channels")
    clone.link("channels", clone.home / "docs")


def channels_of_the_country_are_a_link(clone: HostileClone) -> None:
    shutil.rmtree(clone.root / "channels/us")
    clone.link("channels/us", clone.home / "docs")


def root_history_is_a_link(clone: HostileClone) -> None:
    shutil.rmtree(clone.root / "channels/us")
    clone.link("channels/us/root_history", clone.home / "docs")


def channels_are_a_directory_of_git(clone: HostileClone) -> None:
    clone.write("pyproject.toml", '[tool.pe_dvc]\ncountry = "us"\nchannels = ".git/refs"\n')


CHANNELS: list[Attack] = [
    channels_are_a_link,
    channels_of_the_country_are_a_link,
    root_history_is_a_link,
    channels_are_a_directory_of_git,
]


@pytest.mark.parametrize("attack", CHANNELS, ids=lambda attack: attack.__name__)
def test_channel_init_writes_inside_and_makes_no_keys(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, attack: Attack
) -> None:
    keys = clone.home / "keys"
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(keys))
    attack(clone)
    with refused(clone):
        clone.repo.channel.init("us")
    assert not keys.exists()


@pytest.mark.parametrize("attack", CHANNELS, ids=lambda attack: attack.__name__)
def test_channel_commands_write_inside(
    clone: HostileClone, monkeypatch: pytest.MonkeyPatch, attack: Attack
) -> None:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(clone.made.keys))
    moved = clone.home / "docs"
    shutil.copytree(clone.root / "channels", moved, dirs_exist_ok=True)
    attack(clone)
    channel = clone.repo.channel
    for command in (
        channel.update,
        lambda: channel.sign("latest"),
        lambda: channel.renew("latest"),
        lambda: channel.adopt("latest"),
        lambda: channel.keys.remove("latest", "0" * 64),
    ):
        with refused(clone):
            command()


def test_hooks_are_installed_inside_the_git_directory(clone: HostileClone) -> None:
    (clone.home / "docs/hooks").mkdir()
    (clone.home / "docs/hooks/mine").write_text("mine")
    clone.link(".git/pe_dvc", clone.home / "docs")
    with refused(clone):
        clone.repo.install()
    with refused(clone):
        clone.repo.uninstall()


ODD = ("with space", "it's", 'a "quoted"', "$(touch ran)", "`touch ran`", "a;touch ran", "-P")


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("name", ODD)
def test_the_path_of_a_data_repo_is_text_in_a_hook(
    tmp_path: Path, name: str, *, below: bool
) -> None:
    """The clone's own path, or that of the data repo in it, which its author chose."""
    clone = HostileClone(tmp_path)
    git = clone.home / ("outer" if below else name)
    root = git / name if below else git
    root.parent.mkdir(exist_ok=True)
    clone.root.rename(root)
    if below:
        shutil.rmtree(root / ".git")
        run("git", "init", "--quiet", cwd=git)
    hooks = pe_dvc.Repo(root).install()
    said = run(str(hooks.directory / "pre-commit"), cwd=git, code=1).stderr
    assert "pyproject.toml is not staged" in said  # so the check ran, and in the data repo
    assert not list(clone.home.rglob("ran"))


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("name", ["a\ntouch ran", "a\n", "\ra", "a\x1b[2K"])
def test_no_hook_is_written_for_a_path_with_a_line_break(
    tmp_path: Path, name: str, *, below: bool
) -> None:
    clone = HostileClone(tmp_path)
    root = clone.root / name if below else clone.home / name
    if below:
        shutil.copytree(clone.root / ".dvc", root / ".dvc")
        shutil.copy(clone.root / "pyproject.toml", root)
    else:
        clone.root.rename(root)
    with pytest.raises(FormatError, match="line breaks"):
        pe_dvc.Repo(root).install()
    assert not list(clone.home.rglob(".git/pe_dvc"))


def test_a_hook_that_was_there_runs_whatever_its_directory_is_called(clone: HostileClone) -> None:
    earlier, name = clone.home / "my $(touch ran)\ntouch ran", "x$(touch ran)"
    earlier.mkdir()
    for hook in ("commit-msg", name):
        (earlier / hook).write_text(f"#!/bin/sh\ntouch '{clone.home}/called'\n")
        (earlier / hook).chmod(0o755)
    run("git", "config", "core.hooksPath", str(earlier), cwd=clone.root)
    hooks = clone.repo.install()
    run(str(hooks.directory / "commit-msg"), cwd=clone.root)
    assert (clone.home / "called").exists()
    assert not list(clone.home.rglob("ran"))
    assert not (hooks.directory / name).exists()
