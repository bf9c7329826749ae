"""A hostile clone of the maintainer's own country: the true keys sign nothing of it.

The attacker's root lists the true public keys, which everybody can read, for the roles that a
publisher signs. What these keys signed in there would be valid under the true root, too.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.roles import ALL
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.verify import role_keys
from pe_dvc.usecases.channel.init import init_channels

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

SIGNING = [
    ("channel", "sign", "latest"),
    ("channel", "update", "latest"),
    ("channel", "renew", "latest"),
    ("channel", "keys", "rotate", "latest"),
    ("channel", "refresh"),
    ("push", "--uncommitted"),
]


@pytest.fixture
def hostile(built: Sandbox, tmp_path: Path) -> Sandbox:
    """The maintainer's machine, with a clone of the attacker's in the place of the true one."""
    true = SignedMetadata(ChannelFiles(built.repo / "channels", "us"))
    keys = {role: role_keys(true.delegator(role), role) for role in ALL}
    own = tmp_path / "attacker"
    keys |= generate_keys(own, "us", {"root": 1, "targets": 1})
    shutil.rmtree(built.repo / "channels")
    init_channels(
        built.repo / "channels", "us", keys, Signers("us", own, environ={}), now=datetime.now(UTC)
    )
    built.commit("Pretend to be the data repo")
    return built


def contents(*folders: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("command", SIGNING, ids=" ".join)
def test_keys_sign_under_no_root_but_their_own(hostile: Sandbox, command: tuple[str, ...]) -> None:
    before = contents(hostile.repo / "channels", hostile.directory / "bucket")
    refused = hostile.pe_dvc(*command, code=1).stderr
    assert "were made for another root of us" in refused
    assert "Nothing was signed." in refused
    assert contents(hostile.repo / "channels", hostile.directory / "bucket") == before


@pytest.mark.parametrize("command", SIGNING, ids=" ".join)
def test_a_pinned_root_stops_keys_of_an_older_pe_dvc(
    built: Sandbox, hostile: Sandbox, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Key directories that name no root yet are protected by the pin, if there is one."""
    true = (hostile.directory / "keys/us/root.json").rename(tmp_path / "true-root.json")
    hostile.pe_dvc("trust", "add", "us", str(true))
    before = contents(hostile.repo / "channels", hostile.directory / "bucket")
    refused = hostile.pe_dvc(*command, code=1).stderr
    assert "does not come from the root that is pinned for us" in refused
    assert contents(hostile.repo / "channels", hostile.directory / "bucket") == before


@pytest.fixture
def first(built: Sandbox, tmp_path: Path) -> Sandbox:
    """A clone without channels, but with drafts of first ones that list the true root key."""
    true = SignedMetadata(ChannelFiles(built.repo / "channels", "us"))
    made = generate_keys(tmp_path / "attacker", "us", dict.fromkeys(ALL, 1))
    made["root"] += role_keys(true.root.signed, "root")
    shutil.rmtree(built.repo / "channels")
    signers = Signers("us", tmp_path / "attacker", environ={})
    folder = built.repo / "channels"
    now = datetime.now(UTC)
    init_channels(folder, "us", made, signers, now=now, thresholds={"root": 2})
    built.commit("Pretend to be the first")
    return built


def test_keys_of_another_root_sign_no_draft_of_a_first_one(first: Sandbox) -> None:
    before = contents(first.repo / "channels")
    refused = first.pe_dvc("channel", "sign", "root", "--yes", code=1).stderr
    assert "made for another root than the draft of a first one" in refused
    assert contents(first.repo / "channels") == before


def test_where_a_root_is_pinned_no_draft_of_a_first_one_is_signed(
    first: Sandbox, tmp_path: Path
) -> None:
    true = (first.directory / "keys/us/root.json").rename(tmp_path / "true-root.json")
    first.pe_dvc("trust", "add", "us", str(true))
    before = contents(first.repo / "channels")
    refused = first.pe_dvc("channel", "sign", "root", "--yes", code=1).stderr
    assert "this machine trusts a root of us already" in refused
    assert contents(first.repo / "channels") == before


def test_without_channels_no_later_root_is_signed(first: Sandbox) -> None:
    """Signed as version 2, it would follow the true root 1."""
    (first.directory / "keys/us/root.json").unlink()
    draft = first.repo / "channels/us/draft/1.root.json"
    text = draft.read_text().replace('"version": 1', '"version": 2')
    draft.unlink()
    (draft.parent / "2.root.json").write_text(text)
    refused = first.pe_dvc("channel", "sign", "root", "--yes", code=1).stderr
    assert "a draft of root that was made from version 1, and no channels are in force" in refused


def test_keys_of_an_older_pe_dvc_are_bound_when_they_first_sign(built: Sandbox) -> None:
    bound = built.directory / "keys/us/root.json"
    first = bound.read_bytes()
    bound.unlink()
    built.pe_dvc("channel", "renew", "latest")
    assert bound.read_bytes() == first
    assert bound.stat().st_mode & 0o077 == 0


def test_after_a_rotation_of_the_root_the_keys_still_sign(built: Sandbox) -> None:
    built.trust()
    built.pe_dvc("channel", "keys", "rotate", "root")
    built.commit("Rotate the root")
    built.pe_dvc("push")
    built.pe_dvc("channel", "renew", "latest")
