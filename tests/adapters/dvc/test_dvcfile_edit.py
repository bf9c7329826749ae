"""Notes in a .dvc file: they go in, and out again, and leave all else as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pe_dvc.adapters.dvc.dvcfile_edit import location_in, with_location
from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.dvc_output import Location, Output
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import FormatError

PLAIN = """\
outs:
- md5: d41d8cd98f00b204e9800998ecf8427e
  size: 6
  hash: md5
  path: a.h5
"""
ONE = Location(uri=f"hf://dataset/o/r@{'a' * 40}/a.h5", sha256=Sha256("1" * 64))
OTHER = Location(uri=f"hf://dataset/o/r@{'b' * 40}/a.h5", sha256=Sha256("2" * 64))


def noted(text: str, location: Location, *, push: bool = True) -> str:
    return with_location(text, location, push=push, name="a.h5.dvc")


def test_it_is_read_as_it_was_written() -> None:
    text = noted(PLAIN, ONE)
    assert text.startswith(PLAIN)
    assert location_in(read_yaml(text.encode(), "a"), where="a") == ONE
    assert location_in(read_yaml(PLAIN.encode(), "a"), where="a") is None
    assert noted(text, ONE) == text


def test_another_one_takes_its_place() -> None:
    assert noted(noted(PLAIN, ONE), OTHER) == noted(PLAIN, OTHER)


def test_a_statement_is_noted_of_these_bytes_and_goes_with_them() -> None:
    stated = replace(ONE, provenance="provenance/a.json", md5="d41d8cd98f00b204e9800998ecf8427e")
    text = noted(PLAIN, stated)
    assert location_in(read_yaml(text.encode(), "a"), where="a") == stated
    assert noted(text, OTHER) == noted(PLAIN, OTHER)
    output = Output(path="a.h5", md5=stated.md5, location=stated)
    assert output.provenance == "provenance/a.json"
    assert replace(output, md5="e" * 32).provenance is None


def test_push_is_said_once_and_taken_back() -> None:
    text = noted(PLAIN, ONE, push=False)
    assert text.startswith(f"{PLAIN}  push: false\n")
    assert noted(text, ONE, push=False) == text
    assert noted(text, ONE) == noted(PLAIN, ONE)


@pytest.mark.parametrize(
    "text",
    [
        f"# mine\n{PLAIN}desc: A file\n",
        f"{PLAIN}meta:\n  owner: us\n",
        f"{PLAIN}meta:\n  pe:\n    location: {ONE.uri}\n    sha256: {ONE.sha256}\n  owner: us\n",
        f"meta:\n  pe:\n    location: {ONE.uri}\n    sha256: {ONE.sha256}\n{PLAIN}",
        f"{PLAIN}meta: {{pe: {{location: x, sha256: y}}}}\n",
    ],
)
def test_what_others_wrote_stays(text: str) -> None:
    before, after = (read_yaml(t.encode(), "a") for t in (text, noted(text, OTHER)))
    assert location_in(after, where="a") == OTHER
    for document in (before, after):
        document.get("meta", {}).pop("pe", None)
        document["outs"][0].pop("push", None)
        if not document.get("meta"):
            document.pop("meta", None)
    assert before == after
    assert {line for line in text.splitlines() if "#" in line} <= {*noted(text, OTHER).splitlines()}


@pytest.mark.parametrize(
    "text",
    [
        f"{PLAIN}meta: {{pe: {{location: x, sha256: y}}, owner: us}}\n",
        PLAIN.replace("- md5", "- push: false\n  md5").replace("path: a.h5", "path: b.h5"),
        "outs: [{md5: d41d8cd98f00b204e9800998ecf8427e, size: 6, hash: md5, path: a.h5}]\n",
    ],
)
def test_a_layout_that_is_not_of_dvc_is_refused_and_not_spoilt(text: str) -> None:
    with pytest.raises(FormatError, match="laid out"):
        noted(text, ONE, push="push" in text)


@pytest.mark.parametrize(
    "pe", ["x", "[]", "{location: 1}", "{location: hf://x}", "{location: hf://x, sha256: zz}"]
)
def test_notes_that_are_none_are_named(pe: str) -> None:
    document = read_yaml(f"{PLAIN}meta: {{pe: {pe}}}\n".encode(), "a")
    with pytest.raises(FormatError, match=r"a\.h5\.dvc: meta\.pe"):
        location_in(document, where="a.h5.dvc")
