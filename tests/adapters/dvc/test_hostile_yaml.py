"""YAML and templates that a stranger wrote: a value, or a FormatError that says why, at once."""

from __future__ import annotations

import time

import pytest

from pe_dvc.adapters.dvc.templates import MatrixKeys, Template, has_template
from pe_dvc.adapters.dvc.yaml import MAX_DEPTH, read_yaml
from pe_dvc.primitives.errors import FormatError


def _doubled(first: str, line: str) -> str:
    return f"a0: &a0 {first}\n" + "".join(
        line.format(n=n, aliases=", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 40)
    )


HOSTILE = {
    "an alias bomb": (_doubled("[x, x]", "a{n}: &a{n} [{aliases}]\n"), "aliases"),
    "a bomb of merges": (_doubled("{x: 1}", "a{n}: &a{n} {{<<: [{aliases}]}}\n"), "aliases"),
    "aliases of a long text": (
        f"a: &a '{'x' * 100_000}'\nb: [{', '.join(['*a'] * 10_000)}]",
        "aliases",
    ),
    "a list in itself": ("a: &a [*a]", "an alias within"),
    "a mapping in itself": ("a: &a {b: {c: *a}}", "an alias within"),
    "a mapping merged into a part of itself": ("a: &a {b: {<<: *a}}", "an alias within"),
    "lists in lists": ("[" * 100_000, "nested more than"),
    "mappings in mappings": ("{a: " * 100_000, "nested more than"),
    "lists in lists, as blocks": ("- " * 100_000, "nested more than"),
    "keys in keys": ("? " * 100_000, "nested more than"),
    "lists by indentation": (
        "".join(" " * n + "-\n" for n in range(300)),
        "nested more than",
    ),
    "UTF-16": ("[" * 10_000, "utf-8"),
    "a number of 5000 digits": ("a: " + "9" * 5000, "whole number of more than"),
    "a hexadecimal number of 100000 digits": ("a: 0x" + "f" * 100_000, "whole number of more than"),
    "a key given twice": ("a: 1\nb: 2\na: 3", "the key 'a' twice"),
    "an object of Python": ("a: !!python/object:os.system x", "constructor for the tag"),
    "a date that is none": ("a: !!timestamp x", "constructor for the tag"),
    "a set": ("a: !!set {a}", "constructor for the tag"),
    "bytes": ("a: !!binary x", "constructor for the tag"),
    "half a character": ('a: "\\ud800"', "invalid Unicode"),
    "NUL": ("a: \x00", "control characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_by_name_at_once(name: str) -> None:
    text, reason = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(FormatError, match=r"dvc\.yaml: is not YAML: ") as caught:
        read_yaml(text.encode("utf-16" if name == "UTF-16" else "utf-8"), "dvc.yaml")
    assert reason in caught.value.message
    assert len(caught.value.message) < 500
    assert time.process_time() - start < 5


def test_aliases_and_merges_as_people_use_them_are_read() -> None:
    text = "x: &x {a: 1, b: [1, 2]}\ny: {<<: *x, a: 2}\nz: {<<: [*x, {c: 3}], d: *x}\n"
    x = {"a": 1, "b": [1, 2]}
    assert read_yaml(text.encode(), "dvc.yaml") == {
        "x": x,
        "y": {**x, "a": 2},
        "z": {**x, "c": 3, "d": x},
    }


def test_yaml_of_the_allowed_depth_is_read() -> None:
    inner = MAX_DEPTH - 1
    assert read_yaml(("a: " + "[" * inner + "]" * inner).encode(), "dvc.yaml")


@pytest.mark.parametrize("text", ["${", "\\${", "${a}", "${\n", "\\${}", "$", "}"])
def test_templates_are_found_in_no_time(text: str) -> None:
    start = time.process_time()
    assert has_template(text * 200_000) == (text == "${a}")
    assert time.process_time() - start < 5


def test_a_path_of_many_templates_is_compared_in_no_time() -> None:
    start = time.process_time()
    assert not Template.of("a${item}" * 60 + "c").fits("a" * 10_000 + "b")
    assert time.process_time() - start < 5


def test_the_stages_of_a_matrix_are_not_listed() -> None:
    keys = MatrixKeys(tuple(frozenset(f"{n}-{n}" for n in range(10)) for _ in range(40)))
    assert "-".join(["3-3"] * 40) in keys
    assert "-".join(["3-3"] * 39) not in keys
    assert "-".join(["3-3"] * 39 + ["3-4"]) not in keys
