"""``pe-dvc add``: a file becomes a dataset; what cannot is refused before anything changes."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pe_dvc.adapters.dvc.yaml import read_yaml
from tests.support.commands import GIT_STATUS, Done, run, run_pe_dvc, user_of_files
from tests.support.dvc_repos import files
from tests.support.environment import own_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Endpoint

PERSONS: dict[str, list[Any]] = {
    "person_id": [1, 2, 3],
    "person_household_id": [7, 7, 9],
    "household_weight": [1.5, 1.5, 2.0],
}
TWICE: dict[str, list[Any]] = {
    "person_id": [1, 1],
    "household_id": [7, 7],
    "household_weight": [1.0, 2.0],
}


def write(root: Path, path: str, columns: dict[str, list[Any]] = PERSONS) -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), place)
    return place


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repo that was set up, without hooks; its keys are beside it."""
    root = tmp_path_factory.mktemp("template") / "us-data"
    root.mkdir()
    keys = {"PE_DVC_KEYS_DIR": str(root.parent / "keys")}
    variables = {**os.environ, **own_home(root.parent), **keys}
    run("git", "init", "--quiet", cwd=root, environment=variables)
    options = ("--country", "us", "--store", str(root.parent / "bucket"))
    run("pe-dvc", "init", *options, "--no-hooks", cwd=root, environment=variables)
    return root


@pytest.fixture
def root(tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(template.parent / "keys"))
    shutil.copytree(template, tmp_path / "us-data")
    return tmp_path / "us-data"


def add(root: Path, *arguments: str, code: int = 0) -> Done:
    return run_pe_dvc("add", *arguments, cwd=root, code=code)


def declared(root: Path) -> Any:
    return read_yaml((root / "dvc.yaml").read_bytes(), "dvc.yaml")


@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_from_an_empty_repo_to_a_verified_read(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """The whole story, by the commands that the commands themselves name."""
    root, environment = tmp_path / "us-data", dict(os.environ)
    root.mkdir()
    store = str(tmp_path / "bucket")
    if kind == "s3":
        server: S3Endpoint = request.getfixturevalue("s3_server")
        store, environment = f"s3://{server.new_bucket()}", environment | server.environment

    def do(*command: str, cwd: Path = root, **variables: str) -> str:
        return run(*command, cwd=cwd, environment={**environment, **variables}).stdout

    do("git", "init", "--quiet")
    do("pe-dvc", "init", "--country", "us", "--store", store)
    if kind == "s3":
        endpoint = ("endpointurl", environment["AWS_ENDPOINT_URL"])
        do("dvc", "remote", "modify", "--local", "policyengine", *endpoint)
    original = write(root, "data/persons_2024.parquet")
    do("pe-dvc", "add", "data/persons_2024.parquet")
    do("dvc", "repro")
    do("git", "add", "--all")
    do("git", "commit", "--quiet", "--message", "Set up pe_dvc")
    assert "weighted.metrics.json" in do("dvc", "metrics", "show", "--json")
    do("pe-dvc", "push")
    assert do(*GIT_STATUS) == ""
    reader = tmp_path / "reader"
    reader.mkdir()
    home = {**own_home(reader), "PE_DVC_STORE": store}
    do("pe-dvc", "trust", "add", "us", str(root / "channels/us/root.json"), cwd=reader, **home)
    got = do("pe-dvc", "get", "us/persons_2024@latest", cwd=reader, **home).strip()
    assert pq.read_table(got).equals(pq.read_table(original))
    shown = do("pe-dvc", "show", "us/persons_2024@latest", cwd=reader, **home)
    assert "unknown      what it was made from, when and where; added to DVC" in shown
    do("git", "clone", "--quiet", str(root), str(reader / "clone"), cwd=reader, **home)
    if kind == "directory":
        do("dvc", "pull", cwd=reader / "clone", **home)
        assert "signed in latest" in do("pe-dvc", "verify", cwd=reader / "clone", **home)


def test_what_was_guessed_is_said(root: Path) -> None:
    write(root, "data/persons.parquet")
    said = add(root, "data/persons.parquet").stderr
    assert "added     persons  data/persons.parquet, tracked by dvc add" in said
    assert "guessed   rows: person" in said
    assert "person: {key: person_id, references: {household: person_household_id}}" in said
    assert "weight: household_weight" in said
    run("dvc", "repro", cwd=root)
    run_pe_dvc("check", cwd=root)


def test_again_it_changes_nothing(root: Path) -> None:
    write(root, "data/persons.parquet")
    add(root, "data/persons.parquet")
    before = files(root)
    assert "unchanged persons" in add(root, "data/persons.parquet").stderr
    assert files(root) == before


def test_a_dep_that_was_forgotten_is_added(root: Path) -> None:
    write(root, "data/persons.parquet")
    add(root, "data/persons.parquet")
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(text.replace("      - data/persons.parquet\n", ""))
    add(root, "data/persons.parquet")
    assert declared(root)["stages"]["manifests"]["deps"] == ["data/persons.parquet"]


def test_many_files_are_named_by_their_stems(root: Path) -> None:
    for state in ("AL", "AK", "AZ"):
        write(root, f"out/{state}.parquet", {**PERSONS, "age": [len(state)] * 3})
    paths = sorted(str(path) for path in (root / "out").iterdir())
    said = json.loads(add(root, *paths, "--name", "states/{stem}", "--json").stdout)
    assert [one["name"] for one in said] == ["states/AK", "states/AL", "states/AZ"]
    assert (root / "dvc.yaml").read_text().count("rows: person") == 1  # an anchor for the others
    for state, age in (("AL", 1), ("AK", 2), ("AZ", 3)):
        write(root, f"out/{state}.parquet", {**PERSONS, "age": [age] * 3})
    run("dvc", "add", "--quiet", *paths, cwd=root)
    run("dvc", "repro", "--quiet", cwd=root)
    run_pe_dvc("check", cwd=root)


def test_a_directory_that_dvc_tracks_is_one_dep(root: Path) -> None:
    for number, state in enumerate(("AL", "AK")):
        write(root, f"data/states/{state}.parquet", {**PERSONS, "n": [number] * 3})
    run("dvc", "add", "--quiet", "data/states", cwd=root)
    add(root, "data/states/AL.parquet", "data/states/AK.parquet")
    assert declared(root)["artifacts"].keys() == {"states/AL", "states/AK"}
    assert declared(root)["stages"]["manifests"]["deps"] == ["data/states"]
    run("dvc", "repro", "--quiet", cwd=root)


def test_a_directory_is_one_dataset(root: Path) -> None:
    for year in (2024, 2025):
        path = f"data/people/year={year}/part-0.parquet"
        write(root, path, {**PERSONS, "person_id": [year * 10 + i for i in range(3)]})
    (root / "data/notes").mkdir()
    (root / "data/notes/read.me").write_text("x")
    said = add(root, "data/people", "data/notes").stderr
    assert "added     people  data/people, tracked by dvc add" in said
    artifacts = declared(root)["artifacts"]
    assert artifacts["people"]["meta"]["pe"]["weight"] == "household_weight"
    assert artifacts["notes"]["meta"]["pe"] == {"kind": "auxiliary"}
    assert set(declared(root)["stages"]["manifests"]["deps"]) == {"data/people", "data/notes"}
    assert (root / "data/people.dvc").exists()
    run("dvc", "repro", "--quiet", cwd=root)
    manifest = json.loads((root / "manifests/people.json").read_bytes())
    (table,) = manifest["table"]["tables"]
    assert (table["rows"], manifest["artifact"]["members"]["count"]) == (6, 2)
    assert [c["name"] for c in table["columns"] if c.get("partition")] == ["year"]
    assert "content_sha256" in table
    assert "unchanged people" in add(root, "data/people").stderr
    folder = add(root, "data/people/year=2024", code=1).stderr
    assert "is a folder in data/people, which DVC tracks as a whole" in folder


def test_each_file_of_a_directory_is_a_dataset_and_dvc_tracks_the_whole(root: Path) -> None:
    for number, state in enumerate(("AL", "AK")):
        write(root, f"data/states/{state}.parquet", {**PERSONS, "n": [number] * 3})
    (root / "data/states/.hidden").write_text("x")
    add(root, "--each", "data/states")
    assert declared(root)["artifacts"].keys() == {"states/AL", "states/AK"}
    assert declared(root)["stages"]["manifests"]["deps"] == ["data/states"]
    assert (root / "data/states.dvc").exists()
    run("dvc", "repro", "--quiet", cwd=root)


STAGE = """\
stages:
  # Builds all.
  build:
    cmd: python build.py  # slow
    deps: [build.py]
    outs: [data/built.parquet]
"""
BUILD = """\
import pathlib, pyarrow as pa, pyarrow.parquet as pq
pathlib.Path("data").mkdir(exist_ok=True)
pq.write_table(pa.table({"household_id": [1, 2], "weight": [1.0, 2.0]}), "data/built.parquet")
"""


def test_what_a_stage_makes_is_not_added_to_dvc(root: Path) -> None:
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(text.replace("stages:\n", STAGE))
    (root / "build.py").write_text(BUILD)
    assert "dvc repro build" in add(root, "data/built.parquet", code=3).stderr
    run("dvc", "repro", "--quiet", "build", cwd=root)
    assert "which DVC tracks" in add(root, "data/built.parquet").stderr
    assert not (root / "data/built.parquet.dvc").exists()
    assert run("git", "check-ignore", "data/built.parquet", cwd=root).stdout
    written = (root / "dvc.yaml").read_text()
    assert "  # Builds all.\n  build:\n    cmd: python build.py  # slow\n" in written
    run("dvc", "repro", "--quiet", cwd=root)
    run_pe_dvc("check", cwd=root)
    # What a stage makes for git would be in no commit any more.
    assert "not cached by DVC (cache: false)" in add(root, "manifests", code=1).stderr
    run("git", "check-ignore", "manifests", cwd=root, code=1)


def test_what_is_given_is_declared(root: Path) -> None:
    write(root, "data/x.parquet", {"RECID": [1, 2], "hh": [7, 7], "s006": [1.0, 2.0]})
    options = "--rows tax_unit --entity tax_unit=RECID --entity household=hh --weight s006"
    options += " --reference tax_unit.household=hh --column s006=household --vintage cps"
    add(root, "data/x.parquet", "--name", "tax/units", "--desc", "Units: all", *options.split())
    assert declared(root)["artifacts"]["tax/units"] == {
        "path": "data/x.parquet",
        "type": "dataset",
        "desc": "Units: all",
        "meta": {
            "pe": {
                "rows": "tax_unit",
                "entities": {
                    "tax_unit": {"key": "RECID", "references": {"household": "hh"}},
                    "household": {"key": "hh"},
                },
                "columns": {"s006": "household"},
                "weight": "s006",
                "vintage": "cps",
            }
        },
    }
    run("dvc", "repro", "--quiet", cwd=root)


def test_a_file_of_any_kind(root: Path) -> None:
    (root / "data").mkdir()
    with closing(sqlite3.connect(root / "data/policy_data.db")) as database:
        database.execute("CREATE TABLE targets (target_id INTEGER PRIMARY KEY, value REAL)")
    (root / "data/notes.bin").write_bytes(b"\1\2")
    assert "guessed   kind: database" in add(root, "data/policy_data.db").stderr
    assert "guessed   kind: auxiliary" in add(root, "data/notes.bin").stderr
    run("dvc", "repro", "--quiet", cwd=root)
    run_pe_dvc("check", cwd=root)


def snapshot(root: Path) -> dict[str, bytes]:
    return {path: data for path, data in files(root).items() if ".dvc/cache" not in path}


def test_mistakes_change_nothing(root: Path, tmp_path: Path) -> None:
    for path in ("data/a.parquet", "data/b.parquet", "in_git.parquet"):
        write(root, path)
    write(root, "data/twice.parquet", TWICE)
    write(root, "data/odd.parquet", {"x": [1]})
    write(root, "data/text.parquet", {"person_id": [1, 2], "w": ["a", "b"]})
    (root / "data/torn.parquet").write_bytes(b"PAR1torn")
    (root / "data/link.parquet").symlink_to(write(tmp_path, "outside.parquet"))
    (root / "data/none/.hidden").mkdir(parents=True)
    (root / "loop/in").mkdir(parents=True)
    (root / "loop/in/up").symlink_to("..")
    write(root, "loop/a.parquet")
    run("git", "add", "in_git.parquet", cwd=root)
    add(root, "data/a.parquet")
    before = snapshot(root)
    mistakes: list[tuple[str, str, int]] = [
        ("data/no.parquet", "data/no.parquet is not there", 3),
        ("data/twic.parquet", "Did you mean twice.parquet", 3),
        ("dat/b2.parquet", "There is no folder", 3),
        (str(tmp_path / "outside.parquet"), "is not in the repo", 1),
        ("data/link.parquet", "is a link", 1),
        ("data", "is a directory, and DVC tracks data/a.parquet in it by itself", 1),
        ("data/none", "is a directory without files", 1),
        ("data/none --each", "is a directory without files", 1),
        ("loop", "is a link to a folder", 1),
        ("loop --each", "is a link to a folder", 1),
        (".dvc/config", "files of git or DVC", 1),
        ("in_git.parquet", "git rm --cached in_git.parquet", 1),
        ("data/b.parquet --name a", "the name a is taken", 1),
        ("data/b.parquet --name A", "differ by case alone", 1),
        ("data/a.parquet --name other", "is the dataset a already", 1),
        ("data/a.parquet --kind weights", "declared already, with another kind", 1),
        ("data/b.parquet --name ../b", "not a dataset name", 1),
        ("data/b.parquet data/twice.parquet --name both", "there are 2 files", 1),
        ("data/b.parquet in_git.parquet --name both/{stem}", "is in git", 1),
        ("data/b.parquet --entity person", "not of the form ENTITY=KEY", 2),
        ("data/b.parquet --reference person=x", "not of the form ENTITY.OTHER=COLUMN", 2),
        ("data/b.parquet --entity person=pid", "no column 'pid'", 1),
        ("data/b.parquet --rows robot", "--rows ENTITY", 1),
        ("data/b.parquet --kind Micro!", "meta.pe.kind", 1),
        ("data/text.parquet --weight w", "is of type string", 1),
        ("data/twice.parquet", "is not unique in data/twice.parquet", 1),
        ("data/odd.parquet", "--entity person=COLUMN", 1),
        ("data/torn.parquet", "parquet file", 1),
        ("", "Missing argument", 2),
    ]
    for arguments, message, code in mistakes:
        said = add(root, *arguments.split(), code=code).stderr
        assert message in said, (arguments, said)
        assert snapshot(root) == before, arguments


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cmd: pe-dvc manifest write", "cmd: make", "Add it: run pe-dvc init"),
        ("stages:", "artifacts: {m: {path: m.pkl}}\nstages:", "add these lines yourself"),
    ],
)
def test_a_pipeline_that_cannot_be_added_to(root: Path, old: str, new: str, message: str) -> None:
    text = (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(text.replace(old, new))
    write(root, "data/a.parquet")
    before = snapshot(root)
    assert message in add(root, "data/a.parquet", code=1).stderr
    assert snapshot(root) == before


@pytest.mark.skipif(not user_of_files(), reason="root may write to what is read-only")
def test_a_read_only_folder(root: Path) -> None:
    write(root, "data/a.parquet")
    before = snapshot(root)
    (root / "data").chmod(0o555)
    try:
        command = (*user_of_files(), "pe-dvc", "add", "data/a.parquet")
        refused = run(*command, cwd=root, code=1).stderr
    finally:
        (root / "data").chmod(0o755)
    assert "dvc add failed" in refused
    assert "Permission denied" in refused
    assert snapshot(root) == before


@pytest.mark.parametrize("answer", ["y", "n"])
def test_init_offers_at_a_terminal_what_it_finds(tmp_path: Path, answer: str) -> None:
    root = tmp_path / "us-data"
    write(root, "data/persons.parquet")
    run("git", "init", "--quiet", cwd=root)
    controller, terminal = pty.openpty()
    command = ["pe-dvc", "init", "--country", "us", "--store", str(tmp_path / "bucket")]
    process = subprocess.Popen(command, cwd=root, stdin=terminal, stderr=subprocess.PIPE, text=True)
    os.close(terminal)
    os.write(controller, f"{answer}\n".encode())
    _, said = process.communicate(timeout=60)
    os.close(controller)
    assert process.returncode == 0, said
    assert "found        data/persons.parquet" in said
    assert ("guessed   rows: person" in said) == (answer == "y")
    assert ("pe-dvc add data/persons.parquet" in said) == (answer == "n")
    assert bool(declared(root).get("artifacts")) == (answer == "y")


@pytest.mark.parametrize("after", [0.6, 1.5, 2.4])
def test_after_ctrl_c_it_can_be_run_again(root: Path, after: float) -> None:
    write(root, "data/a.parquet")
    before = (root / "dvc.yaml").read_text()
    process = subprocess.Popen(
        ["pe-dvc", "add", "data/a.parquet"], cwd=root, start_new_session=True
    )
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) in (0, 130)
    if (root / "dvc.yaml").read_text() != before:
        assert "a" in declared(root)["artifacts"]  # whole, or not at all
    add(root, "data/a.parquet")
    run("dvc", "repro", "--quiet", cwd=root)
    run_pe_dvc("check", cwd=root)
