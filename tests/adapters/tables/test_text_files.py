"""csv, JSON and JSON Lines as pandas and Python's own modules write them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from pe_dvc.adapters.tables import csv_text, json_lines, json_text
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.documents.places import Place
from pe_dvc.documents.table_schema import Hints
from pe_dvc.primitives.errors import FormatError
from tests.support.tables import check_key, describe, values

if TYPE_CHECKING:
    from pathlib import Path

FRAME = pd.DataFrame(
    {
        "id": [3, 1, 2],
        "name": ['a "quoted", text', "two\nlines", None],
        "weight": [1.5, None, 2],
        "day": ["2024-01-01"] * 3,
    }
)
COLUMNS = [("id", "int64"), ("name", "string"), ("weight", "double"), ("day", "date32[day]")]


def columns(shape: Any) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in shape.tables[0].columns]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_csv_types_come_from_a_sample_and_the_manifest_says_so(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    FRAME.to_csv(path, index=False)
    shape = describe(csv_text, path)
    assert (shape.format, shape.types_from) == (suffix[1:], "the first 4096 KiB")
    assert (shape.tables[0].name, shape.tables[0].rows, columns(shape)) == (None, 3, COLUMNS)
    check_key(csv_text, path, "x", "id", where="dvc.yaml")
    with pytest.raises(FormatError, match="'day' is not unique"):
        check_key(csv_text, path, "x", "day", where="dvc.yaml")
    places = [Place(table="x", column=name) for name in ("id", "id", "name")]
    assert values(csv_text, path, *places)[:2] == [[3, 1, 2], [3, 1, 2]]


def test_csv_types_as_declared(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    shape = describe(csv_text, tmp_path / "x.csv", types={"id": "string"})
    assert columns(shape)[0] == ("id", "string")
    assert shape.types_from == "declared, else the first 4096 KiB"
    every = {str(name): "string" for name in FRAME}
    assert describe(csv_text, tmp_path / "x.csv", types=every).types_from == "declared"
    with pytest.raises(FormatError, match="has no column 'age', whose type is declared"):
        describe(csv_text, tmp_path / "x.csv", types={"age": "int64"})
    with pytest.raises(FormatError, match="the type 'number' of the column 'id' is none") as caught:
        describe(csv_text, tmp_path / "x.csv", types={"id": "number"})
    assert "meta.pe.types" in str(caught.value.remedy)


def test_csv_whose_later_rows_are_of_another_type(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,v\n" + "1,2\n" * 1_500_000 + "1,many\n")
    shape = describe(csv_text, path)
    assert (shape.tables[0].rows, columns(shape)[1]) == (1_500_001, ("v", "int64"))
    with pytest.raises(FormatError, match="cannot be read as a table of text") as caught:
        values(csv_text, path, Place(table="x", column="v"))
    assert "meta.pe.types" in str(caught.value.remedy)
    hints = Hints(types={"v": "string"})
    file = DataFile(path=path, label="x", hints=hints)
    batches = csv_text.read_columns(file, [Place(table="x", column="v")])
    assert sum(len(batch[0]) for batch in batches) == 1_500_001


def test_csv_in_latin_1_with_twins_and_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("id,año,id\n1,é,2\n".encode("latin-1"))
    shape = describe(csv_text, path)
    assert columns(shape) == [("id", "int64"), ("año", "string")]
    assert shape.types_from == "the first 4096 KiB, read as latin-1"
    assert [m.reason for m in shape.members] == ["another column has its name"]
    path.write_bytes("\n\naño,b\né,2\n".encode("latin-1"))
    assert columns(describe(csv_text, path)) == [("año", "string"), ("b", "int64")]
    path.write_bytes(b"")
    assert describe(csv_text, path).tables == ()
    path.write_bytes(b"id,v\n")
    assert describe(csv_text, path).tables[0].rows == 0


@pytest.mark.parametrize("header", [b"id,a\x80\n", b"id,\xe2\x82\n"])
def test_a_short_file_whose_last_character_is_cut_is_in_latin_1(
    header: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(header)
    shape = describe(csv_text, path)
    assert [name for name, _ in columns(shape)] == header.decode("latin-1").strip().split(",")
    path.write_bytes(b"id,v\n1," + header[3:-1])
    assert describe(csv_text, path).types_from == "the first 4096 KiB, read as latin-1"


def test_a_header_in_latin_1_that_is_too_long_makes_no_table(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xe9" * 200_000 + b",b\n1,2\n")
    (member,) = describe(csv_text, path).members
    assert str(member.reason).startswith("no table")


@pytest.mark.parametrize("text", ["title\n1,2,3\n4\n", "x" * 5_000_000 + "\n" * 2])
def test_text_that_is_no_table_is_described_as_that(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"a,b\n{text}")
    (member,) = describe(csv_text, path).members
    assert str(member.reason).startswith("no table: its rows are of different lengths")


@pytest.mark.parametrize("cut", [3, 20, -1, -9])
def test_gzipped_text_that_is_cut_short(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    FRAME.to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError, match=r"x.csv.gz: is not a complete gzipped file"):
        describe(csv_text, path)


def test_gzipped_text_of_several_members(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    assert describe(csv_text, path).tables[0].rows == 2


def test_json_is_told_by_the_keys_of_its_top(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    document = {
        "passed": True,
        "gates": [{"passed": False, "key": "]}"}],
        'a "quoted" é\\': {"n": [1, {"gates": 2}]},
        "n": float("nan"),
        "text": '}]"\\',
        "none": None,
    }
    for indent in (None, 2):
        path.write_text(json.dumps(document, indent=indent))
        assert [(m.name, m.type) for m in describe(json_text, path).members] == [
            ("passed", "bool"),
            ("gates", "list"),
            ('a "quoted" é\\', "object"),
            ("n", "number"),
            ("text", "string"),
            ("none", "null"),
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, {}, [2, [3]]]", ("items", "list or number or object", (3,))),
        ("[]", ("items", "nothing", (0,))),
        (" -3.5e7\n", ("value", "number", ())),
        ('"text"', ("value", "string", ())),
    ],
)
def test_json_that_is_no_object(text: str, said: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    (member,) = describe(json_text, path).members
    assert (member.name, member.type, member.shape) == said


def test_json_of_many_keys_and_long_texts_across_blocks(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({f"k{i}": ['\\"[' * 3000] for i in range(400)}))
    members = describe(json_text, path).members
    assert (len(members), members[-1].reason) == (201, "200 more keys")
    assert all(member.type == "list" for member in members[:-1])
    path.write_text("")
    assert describe(json_text, path).members == ()


@pytest.mark.parametrize(
    "text", ['{"a": 1', '{"a": "b', '{"a": [}', "{}{}", "[" * 2000, '{"a": "\\']
)
def test_json_that_is_cut_short(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"x.json: is not a complete JSON document"):
        describe(json_text, path)


def test_a_key_in_json_lines_is_of_any_types_that_can_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": 1}\n{"id": "1"}\n{"id": 2.5}\n')
    check_key(json_lines, path, "x", "id", where="dvc.yaml")
    path.write_text('{"id": 1}\n{"id": "1"}\n{"id": 1}\n')
    with pytest.raises(FormatError, match="the key 'id' is not unique"):
        check_key(json_lines, path, "x", "id", where="dvc.yaml")
    for value in ("[1]", '{"a": 1}'):
        path.write_text(f'{{"id": 1}}\n{{"id": {value}}}\n')
        with pytest.raises(FormatError, match=r"the key 'id' of x\.jsonl has lists or objects"):
            check_key(json_lines, path, "x", "id", where="dvc.yaml")


def test_json_lines_are_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    FRAME.to_json(path, orient="records", lines=True)
    shape = describe(json_lines, path)
    assert columns(shape) == [("id", "int64"), ("name", "string"), ("weight", "double"),
                              ("day", "string")]  # fmt: skip
    assert (shape.tables[0].rows, shape.types_from) == (3, "the first 10000 lines")
    check_key(json_lines, path, "x", "id", where="dvc.yaml")
    with pytest.raises(FormatError, match=r"'weight' of x\.jsonl is null"):
        check_key(json_lines, path, "x", "weight", where="dvc.yaml")
    path.write_text(path.read_text()[:-9])
    with pytest.raises(FormatError, match="its last line is no JSON object"):
        describe(json_lines, path)
    path.write_text("no JSON\n{}\n")
    assert describe(json_lines, path).tables == ()
    assert "line 1 is no JSON object" in str(describe(json_lines, path).members[0].reason)
