"""A withdrawn directory is refused, whole and file by file, and leaves this machine."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

import pe_dvc
from pe_dvc.documents.keys import members_key
from pe_dvc.documents.manifest import Manifest
from pe_dvc.filesystem import PeDataFileSystem
from pe_dvc.primitives.digest import Sha256, sha256_bytes
from pe_dvc.primitives.errors import RevokedError
from pe_dvc.project.stores import open_store
from tests.support.commands import run_pe_dvc
from tests.support.country import Country, revocation_of
from tests.support.directories import NAME, STATES, publish_directory
from tests.support.signed_channels import SignedChannels
from tests.support.tracked_directory import add_states, clone_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.sandbox import Sandbox

LATEST = f"pe-data://us/{NAME}@latest"
FOLDER = f"data/{NAME}"


@pytest.fixture
def states(country: Country, any_store: str) -> Manifest:
    """A directory that this machine has read in part, and that was withdrawn since."""
    PeDataFileSystem.clear_instance_cache()
    country.store = open_store(any_store)
    manifest = publish_directory(country, STATES)
    pe_dvc.fetch(f"{LATEST}/AL.h5")
    country.revoke(manifest)
    return manifest


WAYS: dict[str, Callable[[str], Any]] = {
    "fetch": lambda whole: pe_dvc.fetch(whole),
    "fetch a file": lambda whole: pe_dvc.fetch(f"{whole}/AL.h5"),
    "fetch a file that was not read": lambda whole: pe_dvc.fetch(f"{whole}/AK.h5"),
    "open a file": lambda whole: pe_dvc.open(f"{whole}/AL.h5"),
    "describe": pe_dvc.describe,
    "fsspec list": lambda whole: fsspec.filesystem("pe-data").ls(whole),
    "fsspec find": lambda whole: fsspec.filesystem("pe-data").find(whole),
    "fsspec open": lambda whole: fsspec.open(f"{whole}/AL.h5").open(),
    "fsspec info": lambda whole: fsspec.filesystem("pe-data").info(f"{whole}/AL.h5"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("by", ["latest", "pin"])
def test_it_is_refused_whole_and_by_its_files(states: Manifest, way: str, by: str) -> None:
    pe_dvc.stale(["us"])  # channels are read: the pin's reader knows as well
    with pytest.raises(RevokedError, match="its licence ended"):
        WAYS[way](LATEST if by == "latest" else states.reference)


@pytest.mark.usefixtures("states")
@pytest.mark.parametrize(
    "command", [["get", LATEST], ["get", f"{LATEST}/AL.h5"], ["export", LATEST, "--to", "out.csv"]]
)
def test_commands_end_with_4(command: list[str]) -> None:
    assert "its licence ended" in run_pe_dvc(*command, code=4).stderr


def test_prune_removes_the_files_of_a_directory_that_were_read_alone(
    country: Country, any_store: str
) -> None:
    country.store = open_store(any_store)
    manifest = publish_directory(country, STATES)
    done = run_pe_dvc("get", f"{LATEST}/AL.h5", "--json")
    held = Path(json.loads(done.stdout)["path"])
    country.revoke(manifest)
    country.store.delete([members_key("us", Sha256(manifest.artifact.sha256))])
    purged = json.loads(run_pe_dvc("cache", "prune", "--revoked", "--json").stdout)
    assert [one["path"] for one in purged["cache"]] == [str(held)]
    assert not held.exists()


# In a clone.


def withdraw(sandbox: Sandbox, manifest: Manifest) -> None:
    """Sign the withdrawal of a directory as stewards do, commit it, and publish it."""
    data = (sandbox.repo / f"manifests/{NAME}.json").read_bytes()
    entry = replace(
        revocation_of(manifest),
        dvc_md5=manifest.artifact.dvc.md5,
        manifest_sha256=sha256_bytes(data),
    )
    keys = Path(sandbox.environment["PE_DVC_KEYS_DIR"])
    SignedChannels(sandbox.repo / "channels", keys).revoke(entry)
    sandbox.commit("Withdraw the states")
    sandbox.pe_dvc("push")


def _secrets(root: Path) -> dict[str, bytes]:
    """Return the withdrawn files below a folder, by path."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and path.read_bytes() in STATES.values():
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def _prune(sandbox: Sandbox, cwd: Path, *options: str) -> dict[str, Any]:
    done = sandbox.pe_dvc("cache", "prune", "--revoked", "--json", *options, cwd=cwd)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_clone_neither_pulls_nor_keeps_it(sandbox: Sandbox) -> None:
    """Its user only ever ran dvc pull: pe_dvc's cache has no list of the files."""
    manifest = add_states(sandbox)
    sandbox.pe_dvc("push")
    clone, late = clone_of(sandbox), sandbox.directory / "late"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(late), cwd=sandbox.directory)
    sandbox.configure_remote(late)
    sandbox.run("dvc", "pull", "--quiet", cwd=clone)
    withdraw(sandbox, manifest)
    assert _secrets(Path(sandbox.store)) == {}
    refused = sandbox.pe_dvc("pull", cwd=late, code=4)
    assert f"{FOLDER}" in refused.stderr
    assert _secrets(late) == {}
    assert (late / "data/cps_2024.parquet").is_file()
    checks = json.loads(sandbox.pe_dvc("verify", "--json", cwd=clone, code=4).stdout)
    assert {c["name"]: c["verdict"] for c in checks}[NAME] == "revoked"
    done = _prune(sandbox, clone)
    assert sorted(done["kept"]) == sorted(f"{FOLDER}/{path}" for path in STATES)
    assert len(done["dvc"]) == len(STATES)
    assert _secrets(clone / ".dvc/cache") == {}
    done = _prune(sandbox, clone, "--workspace")
    assert len(done["workspace"]) == len(STATES), "the second run still knows the files"
    assert _secrets(clone) == {}
    assert (clone / "data/cps_2024.parquet").is_file()


def test_a_maintainer_prunes_after_pe_dvc_has_read_it(sandbox: Sandbox) -> None:
    manifest = add_states(sandbox)
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("get", f"{LATEST}/AL.h5")
    withdraw(sandbox, manifest)
    (sandbox.repo / FOLDER / "AK.h5").chmod(0o644)
    (sandbox.repo / FOLDER / "AK.h5").write_bytes(b"changed here")
    done = _prune(sandbox, sandbox.repo)
    assert done["changed"] == [f"{FOLDER}/AK.h5"]
    assert len(done["cache"]) == 1
    assert len(_prune(sandbox, sandbox.repo, "--workspace")["workspace"]) == len(STATES) - 1
    assert _secrets(sandbox.repo) == {}
    assert (sandbox.repo / FOLDER / "AK.h5").read_bytes() == b"changed here"


def test_files_that_other_data_of_the_clone_has_stay_in_dvcs_cache(sandbox: Sandbox) -> None:
    manifest = add_states(sandbox)
    other = sandbox.repo / "data/mine"
    other.mkdir()
    (other / "copy.h5").write_bytes(STATES["AL.h5"])
    sandbox.run("dvc", "add", "--quiet", "data/mine")
    sandbox.commit("Add mine")
    sandbox.pe_dvc("push")
    withdraw(sandbox, manifest)
    done = _prune(sandbox, sandbox.repo, "--workspace")
    assert len(done["shared"]) == 1
    assert len(done["dvc"]) == len(STATES) - 1
    assert list(_secrets(sandbox.repo / ".dvc/cache").values()) == [STATES["AL.h5"]]
    assert (other / "copy.h5").read_bytes() == STATES["AL.h5"]


def test_a_directory_whose_files_nobody_knows_is_named(sandbox: Sandbox) -> None:
    manifest = add_states(sandbox)
    sandbox.pe_dvc("push")
    withdraw(sandbox, manifest)
    shutil.rmtree(sandbox.repo / ".dvc/tmp/pe_dvc")
    md5 = manifest.artifact.dvc.md5
    (sandbox.repo / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    said = sandbox.pe_dvc("cache", "prune", "--revoked", "--workspace").stderr
    assert f"NOT REMOVED: {FOLDER}" in said


def test_a_clone_of_another_version_has_nothing_of_it(sandbox: Sandbox) -> None:
    """Its files are as they should be: nobody changed them, and none of them is unknown."""
    add_states(sandbox)
    sandbox.pe_dvc("push")
    clone = clone_of(sandbox)
    sandbox.run("dvc", "pull", "--quiet", cwd=clone)
    (sandbox.repo / FOLDER / "AK.h5").write_bytes(b"the version that leaked")
    sandbox.run("dvc", "add", "--quiet", FOLDER)
    sandbox.build()
    sandbox.pe_dvc("push")
    sandbox.pe_dvc("get", f"{LATEST}/AK.h5")  # the list of the files is in the cache
    data = (sandbox.repo / f"manifests/{NAME}.json").read_bytes()
    withdraw(sandbox, Manifest.from_bytes(data, where=NAME))
    for option in ([], ["--workspace"], ["--workspace"]):
        done = _prune(sandbox, clone, *option)
        assert (done["changed"], done["unlisted"]) == ([], [])
        assert (done["workspace"], done["kept"]) == ([], [])
        assert _secrets(clone / FOLDER) == STATES, "both versions have them"
    (clone / FOLDER / "AK.h5").unlink()
    (clone / FOLDER / "AK.h5").write_bytes(b"changed here")
    assert FOLDER in str(_prune(sandbox, clone)), "it may be of the withdrawn version"
