"""DVC's listing of a directory, and which files are DVC's: what is read, and what is refused."""

from __future__ import annotations

import json

import pytest

from pe_dvc.documents.dvc_files import is_dvc_file, records_hashes
from pe_dvc.documents.dvc_listing import parse_listing
from pe_dvc.primitives.errors import FormatError

MD5 = "9a" * 16


def entry(path: object = "AL.h5", md5: object = MD5) -> dict[str, object]:
    return {"md5": md5, "relpath": path}


def test_files_are_in_the_order_of_the_listing() -> None:
    data = json.dumps([entry("b/x"), entry("a")]).encode()
    assert parse_listing(data, where="here", remedy="") == [("b/x", MD5), ("a", MD5)]
    assert parse_listing(b"[]", where="here", remedy="") == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"7",
        b"null",
        b'"text"',
        b'{"not": "a list"}',
        json.dumps([1]).encode(),
        json.dumps([{"md5": MD5}]).encode(),
        json.dumps([{"relpath": "x"}]).encode(),
        json.dumps([entry(path=7)]).encode(),
        json.dumps([entry(md5=7)]).encode(),
        json.dumps([entry(md5=f"{MD5}.dir")]).encode(),
    ],
)
def test_a_damaged_listing_is_named_with_a_remedy(data: bytes) -> None:
    with pytest.raises(FormatError, match="directory listing") as caught:
        parse_listing(data, where="s3://bucket/key", remedy="Do this.")
    assert (caught.value.where, caught.value.remedy) == ("s3://bucket/key", "Do this.")


@pytest.mark.parametrize("bad", [entry(path="../x"), entry(path="/x"), entry(md5="../../x")])
def test_nothing_in_a_listing_leads_out(bad: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        parse_listing(json.dumps([bad]).encode(), where="here", remedy="")


def test_which_files_are_dvcs() -> None:
    for path in ("dvc.lock", "sub/dvc.lock", "raw.csv.dvc", "sub/raw.csv.dvc"):
        assert records_hashes(path)
        assert is_dvc_file(path)
    for path in ("dvc.yaml", "sub/dvc.yaml"):
        assert is_dvc_file(path)
        assert not records_hashes(path)
    for path in (".dvc/config", "my-dvc.yaml", "dvc.lock.orig", "manifests/a.json", "dvc.yaml/x"):
        assert not is_dvc_file(path)
