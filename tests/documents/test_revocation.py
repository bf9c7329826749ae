"""Entries of the role ``revoked``, and the tombstone that repeats one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pe_dvc.documents.revocation import Revocation, entries_of, revocations_of
from pe_dvc.documents.tombstone import Tombstone
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.reference import Reference

SHA256, RAW = sha256_bytes(b"payload"), sha256_bytes(b"raw")
ENTRY = Revocation(
    country="us",
    name="states/AL",
    sha256=SHA256,
    size=7,
    reason="The licence of the survey was withdrawn.",
    authority="UK Data Service",
    contact="data@policyengine.org",
    revoked=datetime(2026, 11, 26, 12, tzinfo=UTC),
    replacement=Reference.pinned("us", "cps", sha256_bytes(b"other")),
    manifest_sha256=sha256_bytes(b"manifest"),
    raw_input=RAW,
    dvc_md5="d" * 32 + ".dir",
)
INPUT = Revocation(
    country="us",
    name="FRS 2023-24",
    sha256=RAW,
    size=0,
    reason="x",
    authority="y",
    revoked=ENTRY.revoked,
    is_input=True,
)


def entries(*found: Revocation) -> dict[str, Any]:
    return {one.target_path: one.to_target() for one in found}


def test_a_role_is_read_as_it_was_written() -> None:
    targets = entries(ENTRY, INPUT)
    assert set(targets) == {f"us/revoked/{SHA256}", f"us/revoked/raw-input/{RAW}"}
    assert targets[ENTRY.target_path]["hashes"] == {"sha256": SHA256}
    assert revocations_of(targets, country="us", where="revoked") == {SHA256: ENTRY}
    assert entries_of(targets, country="us", where="revoked") == ({SHA256: ENTRY}, {RAW: INPUT})


def test_what_readers_are_told() -> None:
    assert ENTRY.text.startswith("withdrawn on 2026-11-26 by UK Data Service: The licence")
    assert str(ENTRY.replacement) in ENTRY.advice
    assert "data@policyengine.org" in ENTRY.advice
    assert "Ask y." in INPUT.advice


def test_only_what_must_be_there_must_be_there() -> None:
    bare = replace(ENTRY, contact=None, replacement=None, manifest_sha256=None, raw_input=None)
    assert Revocation.from_target(bare.target_path, bare.to_target()) == bare
    newer = bare.to_target()
    newer["custom"] |= {"of a newer version": {"x": 1}}
    assert Revocation.from_target(bare.target_path, newer) == bare


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, None) for field in ("name", "reason", "authority", "revoked")),
        ("name", "../up"),
        ("reason", ""),
        ("reason", "x" * 1001),
        ("reason", "two\nlines"),
        ("authority", "\x1b[2Jforged"),
        ("contact", 7),
        ("revoked", "2026-11-26T12:00:00+01:00"),
        ("revoked", "yesterday"),
        ("replacement", "us/cps@latest"),
        ("replacement", "nowhere"),
        ("manifest_sha256", "a" * 63),
        ("raw_input", "A" * 64),
        ("dvc_md5", "../../latest.json"),
    ],
)
def test_a_malformed_entry(field: str, value: Any) -> None:
    target = ENTRY.to_target()
    target["custom"] = {**target["custom"], field: value}
    with pytest.raises(FormatError):
        revocations_of({ENTRY.target_path: target}, country="us", where="revoked")


def test_a_replacement_that_may_move_is_asked_for_its_pin() -> None:
    target = ENTRY.to_target()
    target["custom"] = {**target["custom"], "replacement": "pe-data://us/cps@latest"}
    with pytest.raises(FormatError, match="is not pinned") as caught:
        Revocation.from_target(ENTRY.target_path, target)
    assert caught.value.remedy == "Give its pin, which ls and show print."


@pytest.mark.parametrize(
    "path", ["us/revoked", "us/latest/" + SHA256, "us/revoked/cps", f"us/revoked/x/{SHA256}", "us"]
)
def test_a_wrong_path(path: str) -> None:
    with pytest.raises(FormatError):
        Revocation.from_target(path, ENTRY.to_target())


@pytest.mark.parametrize("change", [{"length": -1}, {"hashes": {}}, {"hashes": {"sha256": RAW}}])
def test_other_bytes_than_its_path_says(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        Revocation.from_target(ENTRY.target_path, {**ENTRY.to_target(), **change})


def test_another_countrys_entry() -> None:
    targets = entries(replace(ENTRY, country="uk"))
    with pytest.raises(FormatError, match="does not belong here"):
        revocations_of(targets, country="us", where="revoked")


@pytest.mark.parametrize("entry", [ENTRY, INPUT])
def test_a_tombstone_says_the_same(entry: Revocation) -> None:
    tombstone = Tombstone(revocation=entry, role_version=3)
    assert Tombstone.from_bytes(tombstone.to_bytes(), where="x") == tombstone
    assert b'"role_version": 3' in tombstone.to_bytes()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"role_version": 0}', b'{"role_version": 1}']
)
def test_what_is_no_tombstone(data: bytes) -> None:
    with pytest.raises(FormatError):
        Tombstone.from_bytes(data, where="x")


def test_a_digest_is_checked() -> None:
    with pytest.raises(FormatError):
        replace(ENTRY, sha256=Sha256("x"))
