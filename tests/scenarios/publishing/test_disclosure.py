"""Gated microdata: faults are found, overridden and published, and no value ever leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pe_dvc.documents.pointer import pointers_of
from pe_dvc.trust.ancestry import plain
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.signers import Signers
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.usecases.channel.update import update_channel
from tests.support.frs_repo import (
    KEY,
    NAME,
    ORPHAN,
    PLANTED,
    WEIGHT,
    WIN,
    FrsRepo,
    bytes_of_clone,
    found,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.servers import S3Endpoint

pytestmark = pytest.mark.either_store

PROMOTE = ("channel", "promote", "latest", "next")
DUPLICATE = {"person_id": np.array([KEY, KEY, *range(1002, 1040)])}
FAULTS: dict[str, Any] = {
    "person_household_id": np.array([ORPHAN, *(np.arange(39) // 2 + 500)]),
    "household_weight": np.array([WEIGHT, *np.linspace(50.0, 60.0, 19)]),
}
GATES = "{totals: {income: 0.05, lottery: 0.05}, custom: {leaky: say}}"


@pytest.fixture(params=["directory", "s3"])
def frs(request: pytest.FixtureRequest, tmp_path: Path) -> FrsRepo:
    if request.param == "directory":
        return FrsRepo(tmp_path, str(tmp_path / "bucket"), {})
    server: S3Endpoint = request.getfixturevalue("s3_server")
    made = FrsRepo(tmp_path, f"s3://{server.new_bucket()}", {"endpointurl": server.endpoint})
    made.environment |= server.environment
    return made


def bucket(frs: FrsRepo, request: pytest.FixtureRequest) -> Iterator[tuple[str, bytes]]:
    """Yield all objects of a bucket on S3 but the payloads; a directory's lie in the clone's."""
    if frs.store.startswith("s3://"):
        client = request.getfixturevalue("s3_server").client()
        name = frs.store.removeprefix("s3://")
        keys = [o["Key"] for o in client.list_objects_v2(Bucket=name)["Contents"]]
        assert any(key.endswith("next.json") for key in keys)
        for key in keys:
            if "files/md5/" not in key:
                yield key, client.get_object(Bucket=name, Key=key)["Body"].read()


def test_no_value_of_a_gated_country_leaves(frs: FrsRepo, request: pytest.FixtureRequest) -> None:
    """The maintainer's build with a key twice, then an override of everything else, published."""
    frs.make()
    frs.survey(**DUPLICATE)
    refused = frs.say("manifest", "write", code=1)
    assert "a key occurs more than once: fewer than 10 keys in fewer than 10 rows" in refused
    frs.survey(**FAULTS)
    frs.declare(GATES)
    frs.build()
    for option in ([], ["--json"]):
        refused = frs.say(*PROMOTE, *option, code=1)
        assert "a reference names no household: fewer than 10 rows" in refused
        assert "not positive in fewer than 10 rows; expected all positive" in refused
        assert "gate totals of lottery: a total of fewer than 10 rows; expected 10" in refused
        assert "frs_2024: gate leaky: fewer than 10 failures" in refused

    said = frs.say(*PROMOTE, "--override", "The survey was revised", "--json")
    assert "not positive in fewer than 10 rows" in said
    frs.commit("Nominate it anyway")
    frs.say("push")
    for command in (["channel", "status"], ["show", "frs_2024@next"], ["verify"], ["check"]):
        frs.say(*command, code=0 if command[0] != "show" else 1)
    signed = json.loads((frs.repo / "channels/uk/next.json").read_text())["signed"]
    custom = signed["targets"]["uk/next/frs_2024"]["custom"]
    assert len(custom["override"]["failed"]) == 4
    assert list(custom["totals"]) == ["income"], "a total of one row is not signed"

    assert not found(iter([("said", "\n".join(frs.said).encode())]))
    assert not found(bytes_of_clone(frs))
    assert not found(bucket(frs, request))


def test_a_comparison_says_no_value_of_a_gated_country(tmp_path: Path) -> None:
    """One person won the lottery, one has another name, one household another weight."""
    frs = FrsRepo(tmp_path, str(tmp_path / "bucket"), {})
    frs.make()
    plain = {"lottery": np.zeros(40), "name": np.array([b"-"] * 40)}
    frs.survey(**plain)
    frs.build()
    frs.survey(
        person_id=np.array([KEY, *range(1001, 1040)]),
        household_weight=np.array([WEIGHT, *np.linspace(50.0, 60.0, 19)]),
    )
    frs.build()
    frs.said.clear()
    for form in ([], ["--json"], ["--markdown"], ["--html"]):
        said = frs.say("diff", "HEAD~1", "HEAD", "--rows", *form, code=1)
        assert "lottery" in said
    assert "few or almost all" in frs.said[0]
    frs.say("stale", "--offline", code=3)
    assert not found(iter([("said", "\n".join(frs.said).encode())]))
    assert not found(bytes_of_clone(frs))


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ("{totals: {name: 0.05}}", "data/frs.h5: its values cannot be used: ValueError"),
        ("{custom: {leaky: raise}}", "the gate failed with ValueError; its message is not shown"),
    ],
)
def test_what_others_raise_is_reduced_to_its_kind(tmp_path: Path, gates: str, said: str) -> None:
    frs = FrsRepo(tmp_path, str(tmp_path / "bucket"), {})
    frs.make()
    frs.survey()
    frs.declare(gates)
    frs.build()
    refused = frs.say(*PROMOTE, code=1)
    assert said in refused
    assert "Traceback" in refused, "which PE_DVC_DEBUG shows"
    assert not found(iter([("said", refused.encode())]))


def test_a_public_country_is_told_what_helps_and_signs_no_value(tmp_path: Path) -> None:
    """The same with ``access = "public"``: values on the terminal, counts under signatures."""
    frs = FrsRepo(tmp_path, str(tmp_path / "bucket"), {})
    frs.make(access="public")
    frs.survey(**DUPLICATE)
    assert f"{KEY} occurs more than once (1 key in 2 rows)" in frs.say("manifest", "write", code=1)
    frs.survey(**FAULTS)
    frs.declare("{custom: {leaky: say}}")
    frs.build()
    refused = frs.say(*PROMOTE, code=1)
    assert f"{ORPHAN} names no household (1 row)" in refused
    assert f"the least is {WEIGHT} (not positive in 1 row)" in refused
    assert NAME in refused
    frs.say(*PROMOTE, "--override", "The survey was revised")
    frs.commit("Nominate it anyway")
    frs.say("push")
    # Its profile, which is not signed by itself, has every figure.
    signed = (one for one in bytes_of_clone(frs) if "channels/" in one[0])
    assert not found(signed), "nothing that is signed has a value"


OLD = {"reason": "Revised", "failed": [f"frs_2024: gate keys of person_id: {KEY} occurs twice; e"]}


def sign_as_earlier_versions_did(frs: FrsRepo) -> None:
    files = ChannelFiles(frs.repo / "channels", "uk")
    latest = plain(files.read("latest", Targets).signed)
    (pointer,) = pointers_of(latest, country="uk", channel="latest", where="latest").values()
    nominated = replace(pointer, channel="next", notes={"override": OLD})
    signers = Signers("uk", frs.directory / "keys", {}, {})
    now = datetime.now(UTC)
    update_channel(files.path("next").parents[1], "uk", "next", [nominated], signers, now=now)
    frs.commit("Nominated by an earlier version")


def test_status_names_what_was_signed_before(tmp_path: Path) -> None:
    """An override that names a key is read, named without the value, and not signed again."""
    frs = FrsRepo(tmp_path, str(tmp_path / "bucket"), {})
    frs.make()
    frs.survey()
    frs.build()
    sign_as_earlier_versions_did(frs)
    frs.say("push")
    named = "names values of microdata in the override of frs_2024, in "
    said = frs.say("channel", "status")
    assert f"{named}git and in the bucket" in said
    assert "still names such values: pe-dvc channel promote latest next" in said
    assert f"{named}git: tell" in frs.say("channel", "status", "--offline")
    frs.say("trust", "add", "uk", str(frs.repo / "channels/uk/root.json"))
    assert '"gate keys"' in frs.say("channel", "show", "next", "--json")

    frs.say(*PROMOTE)
    frs.commit("Without the value")
    frs.say("push")
    said = frs.say("channel", "status")
    assert f"{named}git and in the bucket" in said, "the earlier version stays"
    assert "still names" not in said
    today = (frs.repo / "channels/uk/next.json").read_bytes()
    assert not [value for value in PLANTED if value in today]
    assert json.loads(today)["signed"]["targets"]["uk/next/frs_2024"]["custom"]["override"] == {
        "reason": "Revised",
        "failed": ["gate keys"],
        "says": "counts",
    }
    assert not found(iter([("said", "\n".join(frs.said).encode())]))


def test_the_search_finds_what_is_planted() -> None:
    for value in (str(KEY), f"{ORPHAN:,}", str(WEIGHT), NAME, str(WIN)):
        assert found(iter([("text", f"it is {value}.".encode())]))
