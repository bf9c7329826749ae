"""dvc.yaml edited by lines: all that people wrote stays, and what is added means what it should."""

from __future__ import annotations

import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.adapters.dvc.yaml_edit import add_entries, add_items, entries_of, flow, scalar
from pe_dvc.primitives.errors import FormatError

ENTRY = {"new": "new:\n  path: data/x.h5\n  # why\n  meta: {}\n"}
WHOLE = """\
# top
stages:   # s
  build:
    cmd: |
      a

      b

    deps: [x,
       y]   # two
    outs:
    - z   # last
    # trailing

# datasets
artifacts:
  a: &m   # c
    path: x
    meta: {pe: {}}
  b: *m

plots: {}
# end"""

SECTIONS = {
    "none": "",
    "comments-only": "# only\n",
    "without-it": "stages: {}\n",
    "empty": "artifacts:\n",
    "empty-before-another": "artifacts:\nplots: {}\n",
    "empty-braces": "artifacts: {}  # none yet\nplots:\n",
    "no-newline-at-the-end": "artifacts:\n    deep:\n        path: x",
    "other-letters": "artifacts:\n  x: 'ä€😀'\n  y: 2\nz: 1\n",
    "nulls": "artifacts:\n  x:\n  y:\nz: 1\n",
    "folded": "artifacts:\n  x: >-\n    a\n\n    b\n\n# z\nz: 1\n",
    "document-marks": "--- \nartifacts:\n  x: 1\n...\n",
    "whole": WHOLE,
}


@pytest.mark.parametrize("name", SECTIONS)
def test_an_entry_is_added(name: str) -> None:
    text = SECTIONS[name]
    edited = add_entries(text, "artifacts", ENTRY, name="dvc.yaml")
    found = read_yaml(edited.encode(), "")
    assert found["artifacts"].pop("new") == {"path": "data/x.h5", "meta": {}}
    before = read_yaml(text.encode(), "")
    assert found == {**before, "artifacts": before.get("artifacts") or {}}
    lines = iter(edited.splitlines())
    wanted = [line for line in text.splitlines() if not line.startswith("artifacts: {}")]
    assert all(line in lines for line in wanted), "lines are gone or in another order"


LISTS = {
    "none": "s:\n  m:\n    cmd: x\n    outs: [y]\n",
    "null": "s:\n  m:\n    cmd: x\n    deps:\n    outs: [y]\n",
    "empty": "s:\n  m:\n    cmd: x\n    deps: []\n    outs: [y]\n",
    "in-braces": "s:\n  m: {cmd: x, outs: [y]}\n",
    "comma-at-the-end": "s:\n  m: {cmd: x, deps: [a,], outs: [y]}\n",
    "after-a-long-command": "s:\n  m:\n    cmd: >-\n      x\n      y\n    outs:\n    - y\n",
    "indentless": "s:\n  m:\n    deps:\n    - a # why\n    # more\n    outs:\n    - y",
    "indented": "s:\n  m:\n    deps:\n        - a\n        - b\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_items_are_added(name: str) -> None:
    text = LISTS[name]
    before = read_yaml(text.encode(), "")["s"]["m"]
    edited = add_items(text, ["s", "m", "deps"], ["data/q.h5", "a b", "1e3"], name="dvc.yaml")
    found = read_yaml(edited.encode(), "")["s"]["m"]
    assert found == {**before, "deps": [*(before.get("deps") or []), "data/q.h5", "a b", "1e3"]}


@pytest.mark.parametrize(
    "text", ["artifacts: {a: {path: x}}\n", "artifacts:\n  x: |+\n    a\n\n\nz: 1\n", "{z: 1}\n"]
)
def test_a_layout_that_cannot_be_added_to_is_refused_with_the_lines(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        add_entries(text, "artifacts", ENTRY, name="dvc.yaml")
    assert "add these lines yourself" in str(refused.value.remedy)
    assert "  new:\n    path: data/x.h5\n" in str(refused.value.remedy)


@pytest.mark.parametrize(
    "text",
    ["true", "No", "1", "1e3", "", " x", "a: b", "a #b", "${x}", "ä", "*a", "~", ".inf", "-"],
)
def test_a_text_that_means_something_else_is_quoted(text: str) -> None:
    assert scalar(text).startswith('"')
    assert read_yaml(f"a: {flow({'k': text})}".encode(), "") == {"a": {"k": text}}


def test_the_blocks_of_a_section_have_their_comments() -> None:
    text = "s:\n  # of a\n  a: 1\n  # of b\n  # too\n  b:\n    c: 2\n# end\nt: 1\n"
    assert entries_of(text, "s") == {"a": "# of a\na: 1\n", "b": "# of b\n# too\nb:\n  c: 2\n"}
