"""DVC's configuration as a stranger wrote it: sections, or a FormatError that says why, at once."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.dvc.ini import MAX_BYTES, MAX_LINE, read_ini
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = {
    "a list that never ends well": "[core]\na = " + "a , " * 1000 + '"',
    "a list with many blanks": "[core]\na = " + "a" + " " * 2000 + "," + " " * 2000 + '"',
    "brackets": "[" * 3000 + "a" + " ]" * 3000,
    "brackets apart": "[" + "[ " * 2000 + "x",
    "sections in sections": "\n".join("[" * n + "a" + "]" * n for n in range(1, 1000)),
    "values that repeat each other": "[core]\na0 = xx\n"
    + "".join(f"a{n} = %(a{n - 1})s%(a{n - 1})s\n" for n in range(1, 40)),
    "a key given twice": "[core]\na = 1\na = 2",
    "a line without end": "[core]\na = " + "x" * MAX_LINE,
    "more bytes than are read": "#\n" * MAX_BYTES,
    "three quotes": '[core]\na = """' + "x\n" * 1000,
    "not UTF-8": "[core]\na = \udcff",
    "no equals sign": "[core]\nremote",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_configuration_is_refused_by_name_at_once(name: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(HOSTILE[name].encode(errors="surrogateescape"))
    start = time.process_time()
    with pytest.raises(FormatError, match="config: ") as caught:
        read_ini(file)
    assert len(caught.value.message) < 700
    assert time.process_time() - start < 5


@pytest.mark.parametrize("words", ["x " * 1000, "x," * 8, "'x', " * 7, '"a" ' * 8, "= " * 1000])
def test_lines_that_pass_take_no_time(words: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[core]\n" + "".join(f"a{n} = {words}\n" for n in range(60)))
    start = time.process_time()
    with contextlib.suppress(FormatError):
        read_ini(file)
    assert time.process_time() - start < 10


def test_what_dvc_and_people_write_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(
        "# a comment\n[core]\n    remote = store  # the bucket\n\tautostage=true\n"
        '[\'remote "my store"\']\n    url = s3://bucket/us?x=1\n    endpointurl = "http://h:9000"\n'
        "['remote \"o\"']\n    url = /data/it's here\n    password = 'a#b,c'\n    user =\n"
        '[cache]\n    type = reflink,copy\n    dir = "../my cache"\n[ feature ]\n'
    )
    assert (
        read_ini(file)
        == {
            "core": {"remote": "store", "autostage": "true"},
            'remote "my store"': {"url": "s3://bucket/us?x=1", "endpointurl": "http://h:9000"},
            'remote "o"': {"url": "/data/it's here", "password": "a#b,c", "user": ""},
            "cache": {"type": ["reflink", "copy"], "dir": "../my cache"},
            " feature ": {},
        }
        or read_ini(file)["feature"] == {}
    )
