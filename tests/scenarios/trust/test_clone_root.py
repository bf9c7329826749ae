"""A clone of another root than the pinned one, and a clone where nothing is pinned."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.errors import NotFoundError, UntrustedError
from pe_dvc.project import directories, notes
from pe_dvc.trust.key_binding import bind_keys
from pe_dvc.trust.verify import fingerprint
from pe_dvc.usecases.channel.keys import KeyRing
from tests.support.commands import run, run_pe_dvc
from tests.support.hostile_clone import HostileClone
from tests.support.signed_channels import SignedChannels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[[HostileClone], object]

PIN = "us/cps@sha256:" + "0" * 64
COMMANDS: dict[str, Command] = {
    "pull": lambda clone: clone.repo.pull(),
    "verify": lambda clone: clone.repo.verify(),
    "verify --present": lambda clone: clone.repo.verify(present=True),
    "check": lambda clone: clone.repo.check(),
    "check --staged": lambda clone: clone.repo.check(staged=True),
    "push": lambda clone: clone.repo.push(uncommitted=True),
    "gc": lambda clone: clone.repo.gc(),
    "fsck": lambda clone: clone.repo.fsck(),
    "channel status": lambda clone: clone.repo.channel.status(),
    "channel adopt": lambda clone: clone.repo.channel.adopt("latest"),
    "channel promote": lambda clone: clone.repo.channel.promote(),
    "channel update": lambda clone: clone.repo.channel.update(),
    "channel sign": lambda clone: clone.repo.channel.sign("latest"),
    "channel refresh": lambda clone: clone.repo.channel.refresh(),
    "channel keys": lambda clone: clone.repo.channel.keys.rotate("latest"),
    "release status": lambda clone: clone.repo.release.status(),
    "manifest adopt": lambda clone: clone.repo.manifest.adopt("cps"),
    "ls": lambda _: pe_dvc.ls("us"),
    "get": lambda _: pe_dvc.get("us/cps@latest"),
    "fetch a pin": lambda _: pe_dvc.fetch(PIN),
}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostileClone:
    made = HostileClone(tmp_path)
    run("git", "add", "--all", cwd=made.root)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("PE_DVC_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(notes, "_said", set())
    return made


@pytest.fixture
def true_root(tmp_path: Path) -> Path:
    """Pin the root of the country, which is not the clone's."""
    true = SignedChannels(tmp_path / "true", tmp_path / "true-keys")
    true.create()
    path = tmp_path / "true/us/root.json"
    pe_dvc.TrustedRoots().add("us", path)
    return path


def other_root(_: HostileClone, __: Path) -> None:
    """As it is made: a root of the attacker's own."""


def renew_root(clone: HostileClone) -> None:
    channels = clone.made.channels
    keys = KeyRing(clone.root / "channels", "us", channels.signers, now=channels.now)
    keys.renew("root")


def true_root_in_the_history(clone: HostileClone, true_root: Path) -> None:
    """The pinned root is among the clone's files, and vouches for nothing."""
    renew_root(clone)
    shutil.copy(true_root, clone.root / "channels/us/root_history/1.root.json")


def attackers_root_in_the_history(clone: HostileClone, true_root: Path) -> None:
    """The clone's chain leads to its own root, and the pinned one lies beside."""
    shutil.copy(true_root, clone.root / "channels/us/root_history/2.root.json")


ATTACKS = [other_root, true_root_in_the_history, attackers_root_in_the_history]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_clone_of_another_root_than_the_pinned_one_is_refused(
    clone: HostileClone,
    tmp_path: Path,
    true_root: Path,
    command: Command,
    attack: Callable[[HostileClone, Path], None],
) -> None:
    attack(clone, true_root)
    own = clone.root / "channels/us/root.json"
    run("git", "add", "--all", cwd=clone.root)
    with pytest.raises(UntrustedError) as caught:
        command(clone)
    said = str(caught.value)
    assert str(tmp_path / "config/trust/us.root.json") in said
    assert fingerprint(true_root.read_bytes()) in said
    assert fingerprint(own.read_bytes()) in said
    assert "pe-dvc trust remove us" in (caught.value.remedy or "")
    assert "for the data of an old commit, dvc pull" in (caught.value.remedy or "")


@pytest.mark.parametrize("command", ["pull", "verify", "verify --present"])
def test_a_clone_without_a_root_is_refused_where_one_is_pinned(
    clone: HostileClone, true_root: Path, command: str
) -> None:
    shutil.rmtree(clone.root / "channels")
    with pytest.raises(UntrustedError, match=r"has no .*root\.json") as caught:
        COMMANDS[command](clone)
    assert fingerprint(true_root.read_bytes()) in str(caught.value)
    assert "trust add" not in (caught.value.remedy or ""), "there is nothing to pin"


def test_a_clone_with_successors_of_the_pinned_root_is_read(clone: HostileClone) -> None:
    pe_dvc.TrustedRoots().add("us", clone.root / "channels/us/root.json")
    renew_root(clone)
    clone.repo.verify()
    clone.repo.pull(force=True)


def test_a_reader_who_names_a_store_may_stand_in_any_clone(
    clone: HostileClone, true_root: Path, tmp_path: Path
) -> None:
    assert true_root.exists()
    with pytest.raises(NotFoundError):
        pe_dvc.ls("us", store=str(tmp_path / "true-bucket"))


@pytest.mark.parametrize(
    "command", ["verify", "pull", "channel status", "ls", "get", "fsck", "release status"]
)
def test_a_root_that_nobody_pinned_is_not_trusted_silently(
    clone: HostileClone, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    clone.made.update_latest()
    for _ in range(2):  # one note for each process
        with suppress(NotFoundError):  # there is nothing in the bucket
            COMMANDS[command](clone)
    warned = [r for r in caplog.records if r.levelno >= logging.WARNING and r.name == "pe_dvc"]
    (said,) = [r for r in warned if "no root is pinned" in r.getMessage()]
    root = clone.root / "channels/us/root.json"
    assert fingerprint(root.read_bytes()) in said.getMessage()
    assert said.getMessage().endswith(f"pe-dvc trust add us {root}")


def test_the_note_is_on_stderr_until_the_root_is_pinned(clone: HostileClone) -> None:
    clone.made.update_latest()
    said = run_pe_dvc("channel", "status", cwd=clone.root).stderr
    command = said.splitlines()[-1].partition("pin it: ")[2].split()
    assert command[:4] == ["pe-dvc", "trust", "add", "us"]
    run(*command, cwd=clone.root)
    assert run_pe_dvc("channel", "status", cwd=clone.root).stderr == ""


def test_no_note_on_the_machine_that_holds_the_keys_of_that_root(
    clone: HostileClone, caplog: pytest.LogCaptureFixture
) -> None:
    keys = directories.keys_dir() / "us"
    shutil.copytree(clone.made.keys / "us", keys)
    bind_keys(keys, (clone.root / "channels/us/root.json").read_bytes())
    clone.made.update_latest()
    clone.repo.channel.status()
    renew_root(clone)
    clone.repo.channel.status()
    assert not caplog.records
    (keys / "root.json").write_bytes(b"{}")
    clone.repo.channel.status()
    assert "no root is pinned" in caplog.text
