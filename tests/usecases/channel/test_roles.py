"""Channels in git: laid out once, versions that count changes, files that show them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pe_dvc.documents.pointer import Pointer, pointers_of
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    SignatureError,
)
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.keys import generate_keys
from pe_dvc.trust.pins import list_pins, pin_root, pinned_root, remove_pin
from pe_dvc.trust.roles import ALL, EXPIRY_DAYS
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.channel.init import init_channels
from pe_dvc.usecases.channel.pointers import read_pointers
from pe_dvc.usecases.channel.roles import channel_status, renew_role, sign_role
from pe_dvc.usecases.channel.update import update_channel
from tests.support.simulator import NOW, Simulator, days, pointer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pe_dvc.usecases.channel.role_status import RoleStatus

A, B = pointer("a"), pointer("states/AL")


def test_init_lays_out_every_role(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    names = sorted(path.name for path in sim.files.directory.iterdir())
    assert names == [
        "latest.json",
        "next.json",
        "releases.json",
        "revoked.json",
        "root.json",
        "root_history",
        "targets.json",
    ]
    status = {role.role: role for role in channel_status(sim.directory, "us", now=NOW)}
    assert set(status) == set(ALL) - {"snapshot", "timestamp"}
    for role in status.values():
        assert (role.version, role.missing, role.expired) == (1, 0, False)
        assert role.expires == NOW + days(EXPIRY_DAYS[role.role])
    targets = json.loads(sim.files.read_bytes("targets"))["signed"]
    paths = {role["name"]: role["paths"] for role in targets["delegations"]["roles"]}
    assert paths["next"] == ["us/next/*", "us/next/*/*", "us/next/*/*/*"]
    assert json.loads(sim.pinned)["signed"]["consistent_snapshot"] is True


def test_init_never_replaces_channels(sim: Simulator) -> None:
    keys = generate_keys(sim.keys_dir, "us", dict.fromkeys(ALL, 1))
    with pytest.raises(ConflictError, match="holds channels already"):
        init_channels(sim.directory, "us", keys, sim.signers, now=NOW)


def test_init_refuses_thresholds_out_of_reach_and_missing_keys(tmp_path: Path) -> None:
    keys = generate_keys(tmp_path / "k", "us", dict.fromkeys(ALL, 1))
    signers = Signers("us", tmp_path / "k", environ={})
    for thresholds in ({"next": 2}, {"next": 0}, {"root": 2}):
        with pytest.raises(FormatError, match="keys cannot sign"):
            init_channels(tmp_path, "us", keys, signers, now=NOW, thresholds=thresholds)
    twice = {**keys, "next": [*keys["next"], *keys["next"]]}
    with pytest.raises(FormatError, match="given twice"):
        init_channels(tmp_path, "us", twice, signers, now=NOW, thresholds={"next": 2})
    with pytest.raises(SignatureError, match="none of the keys of root"):
        init_channels(tmp_path, "us", keys, Signers("us", environ={}), now=NOW)
    assert not (tmp_path / "us" / "root.json").exists()


def test_the_version_counts_changes_and_nothing_else(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    first = sim.update(B, A)
    assert (first.version, first.changed, first.signed) == (2, True, True)
    assert (first.added, first.removed, first.replaced) == (("a", "states/AL"), (), ())
    before = sim.files.read_bytes("latest")
    sim.now = NOW + days(100)
    again = sim.update(A, B)
    assert (again.version, again.changed, again.added) == (2, False, ())
    assert sim.files.read_bytes("latest") == before
    second = sim.update(pointer("a", "other"), pointer("c"))
    assert (second.version, second.added, second.removed) == (3, ("c",), ("states/AL",))
    assert second.replaced == ("a",)


def test_without_a_key_the_file_is_unsigned_and_says_so(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    update = update_channel(sim.directory, "us", "latest", [A], Signers("us", environ={}), now=NOW)
    assert (update.version, update.signed, update.missing) == (2, False, 1)
    with pytest.raises(SignatureError, match="0 of its keys"):
        read_pointers(sim.metadata, "latest")
    signed = sim.update(A)
    assert (signed.version, signed.changed, signed.signed) == (2, False, True)
    assert read_pointers(sim.metadata, "latest") == {"a": A}


def test_a_hand_edited_file_is_refused_and_healed_by_a_new_version(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.update(A)
    path = sim.files.path("latest")
    path.write_text(path.read_text().replace(str(A.sha256), str(B.sha256)))
    with pytest.raises(SignatureError):
        read_pointers(sim.metadata, "latest")
    assert sim.update(A).version == 3
    assert read_pointers(sim.metadata, "latest") == {"a": A}


def test_signing_adds_nothing_where_nothing_lacks(sim: Simulator) -> None:
    before = sim.files.read_bytes("latest")
    assert sign_role(sim.directory, "us", "latest", sim.signers, now=NOW).missing == 0
    assert sim.files.read_bytes("latest") == before


@pytest.mark.parametrize(
    ("pointers", "message"),
    [
        ([pointer("a", country="uk")], "does not belong here"),
        ([pointer("a", channel="next")], "does not belong here"),
        ([pointer("a"), pointer("A")], "differ by case alone"),
        ([pointer("a"), pointer("a", "other")], "given twice"),
    ],
)
def test_pointers_that_cannot_be_in_a_channel(
    sim: Simulator, pointers: list[Pointer], message: str
) -> None:
    before = sim.files.read_bytes("latest")
    with pytest.raises(FormatError, match=message):
        sim.update(*pointers)
    assert sim.files.read_bytes("latest") == before


def test_no_channels_yet(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        read_pointers(SignedMetadata(ChannelFiles(tmp_path, "us")), "latest")
    assert "pe-dvc channel init --country us" in str(caught.value.remedy)


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"signed": {"_type": "root"}}'])
def test_files_that_are_no_metadata(sim: Simulator, junk: bytes) -> None:
    sim.files.path("latest").write_bytes(junk)
    with pytest.raises(FormatError, match=r"latest\.json: not (the JSON of )?TUF metadata"):
        read_pointers(sim.metadata, "latest")


names = st.from_regex(
    r"[A-Za-z0-9]([A-Za-z0-9_-]{0,8}[A-Za-z0-9])?(/[A-Za-z0-9]){0,2}", fullmatch=True
)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True).map(Sha256)


@given(name=names, sha256=digests, manifest=digests, size=st.integers(0, 2**53))
def test_a_pointer_survives_its_target(
    name: str, sha256: Sha256, manifest: Sha256, size: int
) -> None:
    made = Pointer(
        country="us",
        channel="next",
        name=name,
        sha256=sha256,
        size=size,
        manifest_sha256=manifest,
    )
    target = json.loads(json.dumps(made.to_target()))
    assert Pointer.from_target(made.target_path, target) == made
    read = pointers_of({made.target_path: target}, country="us", channel="next", where="")
    assert read == {name: made}


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"length": True, "hashes": {"sha256": "0" * 64}},
        {"length": -1},
        {"length": "1"},
        {"hashes": {"sha256": "0" * 63}},
        {"hashes": []},
        {"custom": None},
        {"custom": {"manifest_sha256": 1}},
    ],
)
def test_targets_that_are_no_pointers(target: dict[str, object]) -> None:
    whole = A.to_target()
    assert Pointer.from_target(A.target_path, {**whole, "unknown": 1}) == A
    with pytest.raises(FormatError):
        Pointer.from_target(A.target_path, {**whole, **target} if target else {})


def test_pins(tmp_path: Path, sim: Simulator) -> None:
    config = tmp_path / "config"
    assert pinned_root(config, "us") is None
    assert list_pins(config) == {}
    assert pin_root(config, "us", sim.pinned, f"sha256:{sim.fingerprint}") == sim.fingerprint
    assert pinned_root(config, "us") == sim.pinned
    assert list_pins(config) == {"us": sim.fingerprint}
    with pytest.raises(DigestMismatchError, match="the root of us"):
        pin_root(config, "us", sim.pinned + b" ", str(sim.fingerprint))
    remove_pin(config, "us")
    assert pinned_root(config, "us") is None
    with pytest.raises(NotFoundError):
        remove_pin(config, "us")


def test_a_root_that_did_not_sign_itself_is_not_pinned(tmp_path: Path, sim: Simulator) -> None:
    root = sim.metadata.root
    root.signed.version = 7
    for data in (json.dumps(root.to_dict()).encode(), sim.files.read_bytes("targets"), b"{}"):
        with pytest.raises((SignatureError, FormatError)):
            pin_root(tmp_path / "config", "us", data)
    assert list_pins(tmp_path / "config") == {}


def test_a_reader_imports_neither_boto3_nor_urllib3_and_aws_signing_still_can() -> None:
    program = """
import sys
import pe_dvc.trust.tuf_api
assert not {"boto3", "urllib3", "botocore.session"} & set(sys.modules)
from securesystemslib.signer import AWSSigner
kms = sys.modules[AWSSigner.__module__].boto3
assert kms.client.__module__ == "boto3", kms.client
import boto3
assert boto3.client is kms.client
from tuf.ngclient import updater
fetcher = updater.Urllib3Fetcher(app_user_agent="x")
assert isinstance(fetcher, sys.modules["tuf.ngclient.urllib3_fetcher"].Urllib3Fetcher)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("change", [sign_role, renew_role])
def test_without_a_key_it_says_where_keys_are_looked_for(
    tmp_path: Path, change: Callable[..., RoleStatus]
) -> None:
    sim = Simulator(tmp_path, thresholds={"next": 2})
    before = sim.files.read_bytes("next")
    elsewhere = Signers("us", tmp_path / "none", environ={})
    with pytest.raises(SignatureError, match=r"none of the keys of next") as told:
        change(sim.directory, "us", "next", elsewhere, now=NOW)
    for place in ("PE_DVC_SIGNER_NEXT", "[tool.pe_dvc.signers]", f"{tmp_path}/none/us/*.pem"):
        assert place in str(told.value.remedy)
    assert sim.files.read_bytes("next") == before
    assert sign_role(sim.directory, "us", "next", sim.signers, now=NOW).missing == 0
    assert sign_role(sim.directory, "us", "next", sim.signers, now=NOW).missing == 0, "again"
