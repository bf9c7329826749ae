"""A dataset that is a directory, from ``dvc add`` to readers, by the real commands."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.keys import members_key, payload_key
from pe_dvc.primitives.digest import Sha256
from tests.support.directories import NAME, STATES, md5_of
from tests.support.sidecars import manifest_files
from tests.support.tracked_directory import DECLARED, DEP, add_states, clone_of

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.either_store

OTHERS = f"""
  places:
    path: data/{NAME}
    type: dataset
    meta: {{pe: {{kind: geography}}}}
  by-file:
    path: "data/{NAME}/{{state}}.dat"
    type: dataset
    meta: {{pe: {{name: "{NAME}/{{state}}"}}}}
"""


def test_a_directory_is_published_checked_kept_and_read(sandbox: Sandbox) -> None:
    manifest = add_states(sandbox)
    assert (manifest.artifact.size, manifest.table.format) == (19, "directory")
    assert manifest.artifact.members is not None
    assert manifest.artifact.members.count == 3
    sandbox.pe_dvc("push")
    assert sandbox.json("fsck")["findings"] == []
    assert "nothing to remove" in sandbox.pe_dvc("gc", "--grace-days", "0").stderr.casefold()
    checked = {one["name"]: one["verdict"] for one in sandbox.json("verify")}
    assert checked[NAME] == "ok"
    reference = f"pe-data://us/{NAME}@latest"
    found = sandbox.json("show", reference)["manifest"]["artifact"]
    assert found == manifest.artifact.model_dump(mode="json", exclude_none=True)
    sandbox.pe_dvc("get", reference, "-o", "out")
    assert {p: (sandbox.repo / "out" / p).read_bytes() for p in STATES} == STATES
    clone = clone_of(sandbox)
    sandbox.pe_dvc("pull", cwd=clone)
    assert {p: (clone / "data" / NAME / p).read_bytes() for p in STATES} == STATES
    assert sandbox.run("dvc", "status", "--json", cwd=clone).stdout.strip() == "{}"
    shutil.rmtree(clone / "data" / NAME)
    shutil.rmtree(clone / ".dvc/cache")
    sandbox.run("dvc", "pull", "--quiet", cwd=clone)
    assert (clone / "data" / NAME / "AL.h5").read_bytes() == b"alabama"


def test_a_directory_that_was_edited_is_not_what_its_manifest_says(built: Sandbox) -> None:
    add_states(built)
    folder = built.repo / "data" / NAME
    for change in (
        lambda: (folder / "new.h5").write_bytes(b"new"),
        lambda: (folder / "new.h5").rename(folder / "AZ.h5"),
        lambda: (folder / "AZ.h5").replace(folder / "AL.h5"),
    ):
        change()
        found = built.pe_dvc("verify", NAME, code=1).stdout
        assert "differs" in found
    refused = built.pe_dvc("manifest", "write", code=None)
    assert "changed since DVC hashed it" in refused.stderr
    assert refused.returncode != 0
    shutil.rmtree(folder)
    assert "is not here" in built.pe_dvc("verify", NAME, code=1).stdout


def test_fsck_finds_and_mends_what_a_directory_lacks(built: Sandbox) -> None:
    manifest = add_states(built)
    built.pe_dvc("push")
    bucket = Path(built.store)
    sidecar = bucket / members_key("us", Sha256(manifest.artifact.sha256))
    payload = bucket / payload_key("us", md5_of(b"alabama"))
    gone = bucket / payload_key("us", md5_of(b"alaska"))
    listing = bucket / payload_key("us", manifest.artifact.dvc.md5)
    good = {path: path.read_bytes() for path in (sidecar, payload, gone, listing)}
    for path in (sidecar, payload, listing):
        path.chmod(0o644)
    sidecar.write_bytes(b"")
    payload.write_bytes(b"ALABAMA")
    listing.unlink()
    gone.unlink()
    found = built.pe_dvc("fsck", code=1).stdout
    for path in (sidecar, payload, listing):
        assert path.relative_to(bucket).as_posix() in found
    built.pe_dvc("fsck", "--repair", code=None)
    built.pe_dvc("fsck", "--repair")
    assert {path: path.read_bytes() for path in good} == good
    assert built.json("fsck")["findings"] == []


def test_names_that_no_reader_takes_are_refused_before_they_are_published(built: Sandbox) -> None:
    folder = built.repo / "data" / NAME
    folder.mkdir()
    (folder / "al.h5").write_bytes(b"small")
    (folder / "AL.h5").write_bytes(b"large")
    built.run("dvc", "add", "--quiet", f"data/{NAME}")
    pipeline = (built.repo / "dvc.yaml").read_text()
    built.write("dvc.yaml", pipeline.replace(DEP, f"{DEP[:-1]}, data/{NAME}]") + DECLARED)
    refused = built.pe_dvc("manifest", "write", code=None)
    assert "differ by case alone" in refused.stderr


def test_a_directory_has_two_names_and_its_files_are_datasets_as_well(sandbox: Sandbox) -> None:
    pipeline = (sandbox.repo / "dvc.yaml").read_text()
    sandbox.write("dvc.yaml", pipeline + OTHERS)
    files = {path.replace(".h5", ".dat"): data for path, data in STATES.items()}
    whole = add_states(sandbox, files)
    names = {path.stem for path in manifest_files(sandbox.repo / "manifests")}
    assert {NAME, "places", "AL", "AK"} <= names
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("trust", "add", "us", "channels/us/root.json")
    for name in (NAME, "places"):
        for version in ("latest", f"sha256:{whole.artifact.sha256}"):
            reference = f"us/{name}@{version}"
            assert sandbox.json("show", reference)["manifest"]["artifact"]["name"] == name
            path = sandbox.pe_dvc("get", f"{reference}/AL.dat").stdout.strip()
            assert Path(path).read_bytes() == b"alabama"
    path = sandbox.pe_dvc("get", f"us/{NAME}/AL@latest").stdout.strip()
    assert Path(path).read_bytes() == b"alabama"
    assert sandbox.json("fsck")["findings"] == []
    assert "nothing to remove" in sandbox.pe_dvc("gc", "--grace-days", "0").stderr.casefold()
    assert {one["verdict"] for one in sandbox.json("verify")} == {"ok"}
    clone = clone_of(sandbox)
    sandbox.pe_dvc("pull", cwd=clone)
    assert {p: (clone / "data" / NAME / p).read_bytes() for p in files} == files


def test_a_pattern_declares_no_directories(built: Sandbox) -> None:
    folder = built.repo / "data" / NAME
    folder.mkdir()
    (folder / "AL.h5").write_bytes(b"alabama")
    built.run("dvc", "add", "--quiet", f"data/{NAME}")
    pipeline = (built.repo / "dvc.yaml").read_text()
    pattern = DECLARED.replace(f"data/{NAME}", '"data/state{letter}"')
    built.write("dvc.yaml", pipeline + pattern)
    refused = built.pe_dvc("manifest", "write", code=1).stderr
    assert "data/state{letter} fits no file that DVC tracks" in refused
    assert "declare a directory as a whole by its own path" in refused
