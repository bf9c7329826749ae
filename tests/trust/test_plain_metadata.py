"""What is accepted without python-tuf is what python-tuf accepts: never more."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.trust.country_and_role import check_country_and_role_of_file
from pe_dvc.trust.plain_metadata import Unusual, check_listed, check_signed, read_plain
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp
from pe_dvc.trust.verify import parse, verify_signed_by
from tests.support.simulator import Simulator, pointer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.trust.verify import Kind

KINDS: dict[str, Any] = {
    "root": Root,
    "timestamp": Timestamp,
    "snapshot": Snapshot,
    "targets": Targets,
    "latest": Targets,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Signed metadata of each role, ``root`` and ``latest`` by two of three keys."""
    sim = Simulator(tmp_path_factory.mktemp("plain"), thresholds={"root": 2, "latest": 2})
    sim.update(pointer("cps_2024", "new"), pointer("states/AL"))
    sim.publish()
    return {
        "root": sim.root,
        "targets": sim.files.read_bytes("targets"),
        "latest": sim.files.read_bytes("latest"),
        "timestamp": sim.store.objects[sim.key("timestamp.json")],
        "snapshot": sim.store.objects[sim.key("1.snapshot.json")],
    }


def accepts_plainly(files: dict[str, bytes], role: str, data: bytes) -> bool:
    try:
        found = read_plain(data, "us", role)
        if role == "latest":
            above = read_plain(files["targets"], "us", "targets").fields["delegations"]
            (delegated,) = (one for one in above["roles"] if one["name"] == role)
        else:
            above = read_plain(files["root"], "us", "root").fields
            delegated = above["roles"][role]
        check_signed(found, above["keys"], delegated)
    except Unusual:
        return False
    return True


def accepts(files: dict[str, bytes], role: str, data: bytes) -> bool:
    def read(kind: type[Kind], by: bytes) -> Kind:
        return parse(kind, by, where="test").signed

    above: Root | Targets = (
        read(Targets, files["targets"]) if role == "latest" else read(Root, files["root"])
    )
    try:
        check_country_and_role_of_file(data, "us", role, where="test")
        verify_signed_by(above, role, parse(KINDS[role], data, where="test"), where="test")
    except (PeDvcError, ValueError):
        return False
    return True


@pytest.mark.parametrize("role", KINDS)
def test_what_is_in_order_is_accepted(files: dict[str, bytes], role: str) -> None:
    assert accepts(files, role, files[role])
    assert accepts_plainly(files, role, files[role])


@pytest.mark.parametrize("role", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_another_roles_file(files: dict[str, bytes], role: str, other: str) -> None:
    assert accepts_plainly(files, role, files[other]) is (role == other)


def changed(
    files: dict[str, bytes], role: str, change: Callable[[dict[str, Any]], object]
) -> bytes:
    document = json.loads(files[role])
    change(document)
    return readable_json(document)


def one_signature_short(document: dict[str, Any]) -> None:
    document["signatures"].pop()


def one_signature_twice(document: dict[str, Any]) -> None:
    document["signatures"][1] = document["signatures"][0]


def one_key_under_two_names(document: dict[str, Any]) -> None:
    document["signatures"][1]["sig"] = document["signatures"][0]["sig"]


def signature_without_digits(document: dict[str, Any]) -> None:
    document["signatures"][0]["sig"] = "not hexadecimal"


def later_version(document: dict[str, Any]) -> None:
    document["signed"]["version"] += 1


def a_field_more(document: dict[str, Any]) -> None:
    document["signed"]["x-more"] = 1


def another_country(document: dict[str, Any]) -> None:
    document["signed"]["x-pe-dvc-country"] = "uk"


def no_signatures(document: dict[str, Any]) -> None:
    document["signatures"] = []


def signatures_of_another_form(document: dict[str, Any]) -> None:
    document["signatures"] = {"keyid": "sig"}


@pytest.mark.parametrize("role", ["root", "latest"])
@pytest.mark.parametrize(
    "change",
    [
        one_signature_short,
        one_signature_twice,
        one_key_under_two_names,
        signature_without_digits,
        later_version,
        a_field_more,
        another_country,
        no_signatures,
        signatures_of_another_form,
    ],
)
def test_not_signed(files: dict[str, bytes], role: str, change: Callable[..., None]) -> None:
    assert not accepts_plainly(files, role, changed(files, role, change))


def test_one_key_that_has_two_names_is_one_signer(files: dict[str, bytes]) -> None:
    root = read_plain(files["root"], "us", "root")
    keyid, *_ = root.signatures
    twice = {"a": root.fields["keys"][keyid], "b": root.fields["keys"][keyid]}
    signed = root._replace(signatures=dict.fromkeys(twice, root.signatures[keyid]))
    check_signed(signed, twice, {"keyids": ["a", "b"], "threshold": 1})
    with pytest.raises(Unusual):
        check_signed(signed, twice, {"keyids": ["a", "b"], "threshold": 2})


@pytest.mark.parametrize("threshold", [0, -1, True, "1", None, 1.0])
def test_a_threshold_that_is_none(files: dict[str, bytes], threshold: object) -> None:
    root = read_plain(files["root"], "us", "root")
    role = {"keyids": [], "threshold": threshold}
    with pytest.raises(Unusual):
        check_signed(root, root.fields["keys"], role)


@pytest.mark.parametrize(
    "fields",
    [
        {"_type": "snapshot"},
        {"spec_version": "2.0.0"},
        {"spec_version": None},
        {"version": 0},
        {"version": True},
        {"version": "1"},
        {"expires": "2026-12-10"},
        {"expires": "2026-12-10T19:47:23+00:00"},
        {"expires": "2026-12-10T19:47:23.5Z"},
        {"expires": None},
        {"x-text": "back\\slash"},
        {"x-text": 'a "quote"'},
        {"x-number": 1.5},
        {"x-pe-dvc-country": "uk"},
        {"x-pe-dvc-role": "latest"},
    ],
)
def test_fields_of_another_form(files: dict[str, bytes], fields: dict[str, object]) -> None:
    """Signed or not."""
    data = changed(files, "timestamp", lambda document: document["signed"].update(fields))
    with pytest.raises(Unusual):
        read_plain(data, "us", "timestamp")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'{"signed":1}', b"\xff", b"{" * 99])
def test_other_documents(data: bytes) -> None:
    with pytest.raises(Unusual):
        read_plain(data, "us", "timestamp")


def test_what_is_signed_is_what_python_tuf_says_is_signed(files: dict[str, bytes]) -> None:
    for role, data in files.items():
        held = Metadata[Any].from_bytes(data)
        held.signed.unrecognized_fields |= {"x-ü": ["é\u2028", True, None, {"b": -1, "a": 2**60}]}
        other = readable_json(held.to_dict())
        assert read_plain(data, "us", role).payload == Metadata[Any].from_bytes(data).signed_bytes
        assert read_plain(other, "us", role).payload == held.signed_bytes


@pytest.mark.parametrize("role", KINDS)
def test_files_with_any_character_changed(files: dict[str, bytes], role: str) -> None:
    """Of each, python-tuf says the same, or accepts what is not plain."""
    chance, data = random.Random(role), files[role]
    for _ in range(150):
        at, byte = chance.randrange(len(data)), chance.choice(b'0123456789abcdef{}[]",: \\-TZ')
        other = data[:at] + bytes([byte]) + data[at + chance.randrange(3) :]
        if accepts_plainly(files, role, other):
            assert accepts(files, role, other), other


def test_listed() -> None:
    data = b"{}"
    entry = MetaFile.from_data(3, data, ["sha256"]).to_dict()
    check_listed(data, entry)
    no_length = {key: value for key, value in entry.items() if key != "length"}
    both = MetaFile.from_data(3, data, ["sha256", "sha512"]).to_dict()
    for other in (None, {}, {"version": 3}, no_length, both, {**entry, "length": 3}):
        with pytest.raises(Unusual):
            check_listed(data, other)
    with pytest.raises(Unusual):
        check_listed(b"[]", entry)
