"""A ``.dvc`` file that is read without YAML says what YAML says that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pe_dvc.adapters.dvc.files import DvcFiles, read_plain_dvcfile
from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.adapters.work_tree import WorkTree
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

USUAL = """\
outs:
- md5: {md5}
  size: {size}
  hash: md5
  path: {path}
"""
DIRECTORY = USUAL.replace("  hash", "  nfiles: 3\n  hash")
HEX = "c4ca4238a0b923820dcc509a6f75849b"

WORDS = st.sampled_from(
    ["true", "null", "~", "1.5", "0x1f", "1e3", "a.b", "data/x.h5", ".inf", "x"]
)
MD5S = st.text("0123456789", min_size=32, max_size=32) | st.text("0be1", min_size=32, max_size=32)


def same(data: bytes) -> bool:
    """Tell whether the file was read without YAML, and then as by it."""
    plain = read_plain_dvcfile(data)
    assert plain is None or plain == read_yaml(data, "x.dvc")
    return plain is not None


def test_what_dvc_writes_needs_no_yaml() -> None:
    assert same(USUAL.format(md5=HEX, size=0, path="cps_2024.h5").encode())
    assert same(USUAL.format(md5=HEX, size=4 << 30, path="e-cps/AL.parquet").encode())
    assert same(DIRECTORY.format(md5=f"{HEX}.dir", size=12, path="st.ates").encode())


@given(MD5S | st.just(HEX), st.integers(0, 10**18) | WORDS, WORDS | st.text(max_size=8))
@example("0" * 29 + "1e5", 1, "a.b")
@example("0b" + "1" * 30, 1, "a.b")
@example("1" * 32, 1, "a.b")
@example(HEX, 7, "true")
@example(HEX, 7, "a.b: c")
@example(HEX, 7, "a.b #c")
@example(HEX, "007", "a.b")
def test_it_is_what_yaml_says(md5: str, size: object, path: str) -> None:
    data = USUAL.format(md5=md5, size=size, path=path).encode()
    try:
        read_yaml(data, "x.dvc")
    except FormatError:
        assert read_plain_dvcfile(data) is None
    else:
        same(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  path", "  # a comment\n  path"),
        ("outs:\n", "outs:\n- path: first.csv\n"),
        ("  size", "  md5: 00000000000000000000000000000000\n  size"),
        ("md5: c", "md5: &a c"),
        ("cps.h5", "'cps.h5'"),
        ("cps.h5\n", "cps.h5\n  remote: other\n"),
        ("\n", "\r\n"),
        ("outs:", "wdir: ..\nouts:"),
    ],
)
def test_all_else_is_for_yaml(old: str, new: str) -> None:
    data = USUAL.format(md5=HEX, size=1, path="cps.h5")
    assert same(data.encode())
    assert read_plain_dvcfile(data.replace(old, new).encode()) is None


def test_yaml_is_asked_about_none_of_a_thousand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(data: bytes, name: str) -> object:
        asked.append(name)
        return read_yaml(data, name)

    monkeypatch.setattr("pe_dvc.adapters.dvc.files.read_yaml", counted)
    (tmp_path / "dvc.yaml").write_text("artifacts: {}\n")
    for number in range(1_000):
        text = USUAL.format(md5=HEX, size=number, path=f"d{number}.csv")
        (tmp_path / f"d{number}.csv.dvc").write_text(text)
    found = DvcFiles.read(WorkTree(tmp_path))
    assert {output.size for output in found.outputs.values()} == set(range(1_000))
    assert asked == ["dvc.yaml"]
