"""A dataset that is a directory: read whole, by its files, by fsspec and pyarrow; and attacked."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import pe_dvc
from pe_dvc.cli import get
from pe_dvc.cli.show import command
from pe_dvc.documents.keys import manifest_key, members_key, payload_key
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import (
    ConflictError,
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
)
from tests.support.advice import follow
from tests.support.directories import NAME, STATES, lines, md5_of, member, publish_directory

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import Manifest
    from tests.support.country import Country

LATEST = f"pe-data://us/{NAME}@latest"


@pytest.fixture
def states(country: Country) -> Manifest:
    PeDataFileSystem.clear_instance_cache()
    return publish_directory(country, STATES)


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.usefixtures("states")
def test_the_whole_is_copied_into_a_directory(any_store: str, tmp_path: Path) -> None:
    made = pe_dvc.get(LATEST, output=tmp_path / "out", store=any_store)
    assert made.path == tmp_path / "out"
    assert files_in(made.path) == STATES
    (attempt,) = pe_dvc.get_all([LATEST], output=tmp_path, store=any_store)
    assert attempt.fetched is not None
    assert files_in(tmp_path / "states") == STATES


@pytest.mark.usefixtures("states")
def test_a_file_that_was_altered_is_brought_again(tmp_path: Path) -> None:
    pe_dvc.fetch(LATEST, output=tmp_path / "out")
    (tmp_path / "out/AL.h5").write_bytes(b"ALABAMA")
    (tmp_path / "out/AK.h5").unlink()
    pe_dvc.fetch(LATEST, output=tmp_path / "out")
    assert files_in(tmp_path / "out") == STATES


@pytest.mark.usefixtures("states")
def test_one_file_is_read_by_its_path(any_store: str, tmp_path: Path) -> None:
    path = pe_dvc.fetch(f"{LATEST}/notes/README", store=any_store)
    assert path.read_bytes() == b"states"
    found = pe_dvc.get(f"{LATEST}/AL.h5", output=tmp_path / "AL.h5", store=any_store)
    assert found.path.read_bytes() == b"alabama"
    assert found.reference.endswith("/AL.h5")
    with pe_dvc.open(found.reference, store=any_store) as file:
        assert file.read() == b"alabama"


def test_a_file_is_read_by_the_pin_of_its_directory(country: Country, states: Manifest) -> None:
    """And by no more than the pin: the manifest and the list of members are not signed."""
    pin = f"{states.reference}/AL.h5"
    country.point("latest", [])
    assert pe_dvc.fetch(pin).read_bytes() == b"alabama"


@pytest.mark.usefixtures("states")
def test_what_is_no_file_is_said() -> None:
    with pytest.raises(NotFoundError, match=r"has no file 'AZ.h5'") as error:
        pe_dvc.fetch(f"{LATEST}/AZ.h5")
    assert "AL.h5" in str(error.value.remedy)
    with pytest.raises(FormatError, match="is a directory of 3 files"):
        pe_dvc.fetch(LATEST)
    with pytest.raises(FormatError, match="is a directory of 3 files") as refused:
        pe_dvc.open(LATEST)
    follow(
        str(refused.value.remedy),
        "get the whole into a directory: pe-dvc get",
        lambda words: CliRunner().invoke(get.command, words[2:], catch_exceptions=False),
    )
    assert files_in(Path("states")) == STATES
    with pytest.raises(FormatError, match="not a path inside"):
        pe_dvc.fetch(f"{LATEST}/../AL.h5")


def test_a_file_has_no_files(country: Country) -> None:
    country.publish({"cps": b"one file"})
    with pytest.raises(FormatError, match="the dataset is one file"):
        pe_dvc.fetch("pe-data://us/cps@latest/AL.h5")


def test_show_says_that_it_is_a_directory(states: Manifest) -> None:
    shown = CliRunner().invoke(command, [f"{LATEST}/AL.h5"])
    assert shown.exit_code == 0, shown.output
    assert f"directory    3 files, dirHash {states.artifact.sha256}" in shown.output
    assert "member       AL.h5, " in shown.output
    assert f"sha256:{sha256_bytes(b'alabama')}" in shown.output


@pytest.mark.usefixtures("states")
def test_fsspec_lists_finds_and_opens_files() -> None:
    fs = fsspec.filesystem("pe-data")
    whole = f"us/{NAME}@latest"
    assert fs.ls(LATEST, detail=False) == [f"{whole}/AK.h5", f"{whole}/AL.h5", f"{whole}/notes"]
    assert fs.ls(f"{LATEST}/notes", detail=False) == [f"{whole}/notes/README"]
    assert fs.find(LATEST) == sorted(f"{whole}/{path}" for path in STATES)
    assert fs.glob(f"{LATEST}/*.h5") == [f"{whole}/AK.h5", f"{whole}/AL.h5"]
    assert fs.isdir(LATEST) and fs.isdir(f"{LATEST}/notes") and fs.isfile(f"{LATEST}/AL.h5")  # noqa: PT018
    assert not fs.isfile(LATEST) and not fs.exists(f"{LATEST}/AZ.h5")  # noqa: PT018
    assert fs.info(f"{LATEST}/AL.h5")["sha256"] == sha256_bytes(b"alabama")
    assert fs.cat_file(f"{LATEST}/AL.h5") == b"alabama"
    with pytest.raises(FileNotFoundError):
        fs.info(f"{LATEST}/none/AL.h5")


def test_pyarrow_reads_a_partitioned_directory(country: Country) -> None:
    PeDataFileSystem.clear_instance_cache()
    parts = {}
    for year in (2024, 2025):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"age": [year - 2000, 40]}), buffer)
        parts[f"year={year}/part-0.parquet"] = buffer.getvalue()
    publish_directory(country, parts)
    fs = fsspec.filesystem("pe-data")
    dataset = ds.dataset(LATEST, filesystem=fs, format="parquet", partitioning="hive")
    table = dataset.to_table(filter=ds.field("year") == 2025)
    assert table.to_pydict() == {"age": [25, 40], "year": [2025, 2025]}
    assert ds.dataset(f"us/{NAME}@latest", filesystem=fs, format="parquet").count_rows() == 4


def test_a_member_that_was_altered_is_refused(
    country: Country, states: Manifest, tmp_path: Path
) -> None:
    country.write(payload_key("us", md5_of(b"alabama")), b"ALABAMA")
    with pytest.raises(DigestMismatchError):
        pe_dvc.fetch(f"{LATEST}/AL.h5")
    with pytest.raises(DigestMismatchError):
        pe_dvc.fetch(LATEST, output=tmp_path / "out")
    with pytest.raises(DigestMismatchError):
        pe_dvc.fetch(states.reference, output=tmp_path / "pinned")
    assert not (tmp_path / "out/AL.h5").exists()


def test_a_list_of_members_that_was_altered_is_refused(
    country: Country, states: Manifest, tmp_path: Path
) -> None:
    """Another content for a name, a name more, a name less: each is another directory."""
    key = members_key("us", Sha256(states.artifact.sha256))
    for files in ({**STATES, "AL.h5": b"other"}, {**STATES, "x": b"x"}, {"AL.h5": b"alabama"}):
        country.write(key, lines(sorted(member(p, d) for p, d in files.items())))
        for reference in (LATEST, states.reference):
            with pytest.raises(DigestMismatchError):
                pe_dvc.fetch(reference, output=tmp_path / "out")
            with pytest.raises(DigestMismatchError):
                pe_dvc.fetch(f"{reference}/AL.h5")
    assert not (tmp_path / "out").exists()


def test_a_pin_is_not_led_to_other_files_by_an_unsigned_manifest(
    country: Country, states: Manifest
) -> None:
    forged = lines(sorted(member(p, b"forged") for p in STATES))
    artifact = states.artifact
    assert artifact.members is not None
    members = artifact.members.model_copy(update={"sha256": sha256_bytes(forged)})
    manifest = states.model_copy(
        update={"artifact": artifact.model_copy(update={"members": members})}
    )
    country.write(manifest_key("us", Sha256(artifact.sha256)), manifest.to_bytes())
    country.write(members_key("us", Sha256(artifact.sha256)), forged)
    with pytest.raises(DigestMismatchError, match="dirHash"):
        pe_dvc.fetch(f"{states.reference}/AL.h5")


@pytest.mark.parametrize("path", ["../out of here", "/tmp/absolute", ".git/config", "a\x1b[2J"])
def test_a_member_that_leads_out_of_the_directory_is_refused(
    country: Country, tmp_path: Path, path: str
) -> None:
    publish_directory(country, {"AL.h5": b"alabama", path: b"x"})
    with pytest.raises(FormatError):
        pe_dvc.fetch(LATEST, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out of here").exists()


@pytest.mark.usefixtures("states")
def test_a_link_in_the_output_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/notes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PeDvcError):
        pe_dvc.fetch(LATEST, output=tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.usefixtures("states")
def test_foreign_files_in_the_output_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "states").mkdir()
    (tmp_path / "states/mine.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"mine\.txt is not a file of this dataset"):
        pe_dvc.fetch(LATEST, output=tmp_path / "states")
    assert files_in(tmp_path / "states") == {"mine.txt": b"mine"}
