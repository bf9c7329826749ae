"""``pe-dvc fsck --repair`` on a real bucket, from the local DVC cache and the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox


def test_damage_is_found_and_mended_from_the_dvc_cache(built: Sandbox) -> None:
    built.pe_dvc("push")
    assert built.json("fsck")["ok"]
    bucket = Path(built.store)
    manifest, other = sorted(bucket.rglob("*.manifest.json"))
    chunks = manifest.with_name(manifest.name.replace(".manifest.json", ".chunks"))
    # As earlier versions pushed it: a list of one chunk is held against its manifest where it is.
    chunks.write_bytes(bytes.fromhex(manifest.name.partition(".")[0]))
    payload, gone = sorted(p for p in bucket.glob("us/files/md5/*/*") if p.is_file())
    good = {path: path.read_bytes() for path in (payload, gone, manifest, other, chunks)}
    for path in (payload, chunks, manifest):
        path.chmod(0o644)
    payload.write_bytes(good[payload][:-1] + b"?")
    chunks.write_bytes(b"?" * 32)
    manifest.write_bytes(b"{}")
    gone.unlink()
    found = built.pe_dvc("fsck", code=1).stdout
    assert "corrupt" in found
    assert "missing" in found
    assert str(payload.relative_to(bucket)) in found
    # A chunk list and a payload belong to a manifest: they can be judged once that is back.
    built.pe_dvc("fsck", "--repair", code=1 if "faults" in found else 0)
    built.pe_dvc("fsck", "--repair")
    assert {path: path.read_bytes() for path in good} == good
    assert built.json("fsck")["findings"] == []


def test_what_dvc_pull_would_not_find_is_missing(built: Sandbox) -> None:
    """Raw inputs have no manifest: only git's files of DVC name them."""
    built.write("raw.bin", "raw")
    built.run("dvc", "add", "--quiet", "raw.bin")
    built.commit("Add a raw input")
    built.pe_dvc("push")
    assert built.json("fsck")["ok"]
    raw = built.run("dvc", "status", "--json", "--cloud").stdout
    assert raw.strip() == "{}"
    key = next(p for p in Path(built.store).glob("us/files/md5/*/*") if p.read_bytes() == b"raw")
    key.unlink()
    found = built.pe_dvc("fsck", code=1)
    assert "missing" in found.stdout
    assert "raw.bin" in found.stdout
    assert "1 fault left\npe-dvc fsck --repair restores" in found.stderr
    built.pe_dvc("fsck", "--repair")
    assert key.read_bytes() == b"raw"
    key.unlink()
    for copy in (*built.repo.glob(".dvc/cache/files/md5/*/*"), built.repo / "raw.bin"):
        copy.unlink()
    assert "no intact copy" in built.pe_dvc("fsck", "--repair", code=1).stderr


def test_a_mirror_that_is_not_there_is_an_error_and_orphans_go_by_gc(built: Sandbox) -> None:
    built.pe_dvc("push")
    (built.directory / "bucket/us/files/md5/00").mkdir(exist_ok=True)
    (built.directory / f"bucket/us/files/md5/00/{'0' * 30}").write_text("nobody's")
    said = built.pe_dvc("fsck", code=None).stderr
    assert "orphaned objects do no harm: pe-dvc gc removes them" in said
    nowhere = str(built.directory / "nowhere")
    refused = built.pe_dvc("fsck", "--repair", "--mirror", nowhere, code=3).stderr
    assert f"the mirror {nowhere} has nothing below us" in refused
