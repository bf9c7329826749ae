"""Signed statements beyond the bucket: exported, mirrored, and verified as the docs say."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.stores.local_store import LocalStore
from pe_dvc.documents.keys import (
    LOG_PROOF,
    RELEASE_MANIFEST,
    STATEMENTS,
    TRO,
    checkpoint_key,
    release_key,
)
from pe_dvc.documents.mirrors import Selection
from pe_dvc.documents.statement_bundle import SignedStatement, read_statements, write_statements
from pe_dvc.gateway.index import Indexer
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import SignatureError
from pe_dvc.project.channel_keys import rotate_key, show_keys
from pe_dvc.project.fsck import fsck
from pe_dvc.project.gc import gc
from pe_dvc.project.release import Releases
from pe_dvc.project.repo import DataRepo
from pe_dvc.usecases.mirror.state import read_state
from pe_dvc.usecases.mirror.sync import Sync
from tests.support.advice import follow
from tests.support.commands import run_pe_dvc
from tests.support.paths import ROOT
from tests.support.release_history import DATASETS, History

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.mirror.sync import Synced
    from tests.support.other_environments import intoto as intoto

KEY = release_key("us", "1.0.0", STATEMENTS)
WITNESS = "witness.example.org/one+8d385ef9+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
IN_GIT = "channels/us/releases/1.0.0.intoto.jsonl"


@pytest.fixture
def published(released: History) -> History:
    """Return a data repo whose release 1.0.0 is published."""
    released.publish_release("1.0.0")
    return released


def held(history: History) -> bytes:
    return (history.bucket / KEY).read_bytes()


def sync(history: History, mirror: Path) -> Synced:
    roots = DataRepo(history.root).signed_metadata().root_files
    store = LocalStore(mirror)
    return Sync(history.store, store, "us", roots, name="lab").run(Selection())


def test_an_export_has_the_statements_beside_the_tro(published: History, tmp_path: Path) -> None:
    Releases(published.root).export("1.0.0", tmp_path / "out")
    beside = {"payload", "channels", STATEMENTS, TRO, LOG_PROOF}
    assert {path.name for path in (tmp_path / "out").iterdir()} == beside
    assert (tmp_path / "out" / STATEMENTS).read_bytes() == held(published)


def test_an_export_has_no_statements_that_too_few_have_signed(
    published: History, tmp_path: Path
) -> None:
    file = published.root / IN_GIT
    unsigned = read_statements(file.read_bytes(), where=IN_GIT)
    file.write_bytes(write_statements(SignedStatement(payload=o.payload) for o in unsigned))
    Releases(published.root).export("1.0.0", tmp_path / "out")
    assert not (tmp_path / "out" / STATEMENTS).exists()


def test_a_mirror_has_the_statements(published: History, tmp_path: Path) -> None:
    sync(published, tmp_path / "mirror")
    assert (tmp_path / "mirror" / KEY).read_bytes() == held(published)
    assert sync(published, tmp_path / "mirror").copied == 0


def test_a_mirror_takes_over_what_a_replaced_key_signed_again(
    published: History, tmp_path: Path
) -> None:
    """The other signatures have the same length."""
    sync(published, tmp_path / "mirror")
    before = held(published)
    rotate_key(DataRepo(published.root), "releases")
    published.commit("Replace the key of releases")
    Releases(published.root).push("1.0.0")
    assert len(before) == len(held(published))
    assert before != held(published)
    sync(published, tmp_path / "mirror")
    assert (tmp_path / "mirror" / KEY).read_bytes() == held(published)


def test_a_mirror_refuses_statements_that_a_thief_put_into_its_origin(
    published: History, tmp_path: Path
) -> None:
    path = published.bucket / KEY
    path.chmod(0o644)
    held_before = read_statements(path.read_bytes(), where=KEY)
    path.write_bytes(write_statements(SignedStatement(payload=o.payload) for o in held_before))
    with pytest.raises(SignatureError, match="of 0 of the keys of releases"):
        sync(published, tmp_path / "mirror")
    assert not (tmp_path / "mirror" / KEY).exists()


def test_the_program_of_the_docs_verifies_a_release_and_refuses_an_altered_one(
    published: History, intoto: Path, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/releasing.md").read_text(), re.S)
    (key,) = show_keys(DataRepo(published.root), "releases")
    (tmp_path / "releases.pem").write_text(key.pem)
    (tmp_path / STATEMENTS).write_bytes(held(published))
    command = [str(intoto), "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    said = [line.split() for line in done.stdout.splitlines()]
    artifacts = {name: m.artifact.sha256 for name, m in published.manifests.items()}
    assert {name: digest for _, name, digest in said} == artifacts
    assert len(said) == len(DATASETS)

    first = read_statements(held(published), where=KEY)[0]
    altered = SignedStatement(
        payload=first.payload.replace(b"cps_2024", b"cps_2025"), signatures=first.signatures
    )
    (tmp_path / STATEMENTS).write_bytes(write_statements([altered]))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "VerificationError" in done.stderr
    assert done.stdout == ""


def test_public_keys_are_shown_as_openssl_writes_them(published: History) -> None:
    (shown,) = show_keys(DataRepo(published.root), "releases")
    private = published.keys / "us/releases.pem"
    theirs = subprocess.check_output(["openssl", "pkey", "-in", private, "-pubout"], text=True)
    assert shown.pem == theirs
    assert len(shown.keyid) == 64
    assert shown.scheme == "ed25519"
    printed = run_pe_dvc("channel", "keys", "show", "releases", cwd=published.root)
    assert printed.stdout == theirs


def test_recovery_says_what_witnesses_must_be_given_first(published: History) -> None:
    assert "witnesses" not in run_pe_dvc("channel", "recover", cwd=published.root).stderr
    run_pe_dvc("channel", "witnesses", WITNESS, cwd=published.root)
    said = run_pe_dvc("channel", "recover", cwd=published.root).stderr
    (line,) = (one for one in said.splitlines() if "witnesses" in one)
    printed: list[str] = []
    follow(
        line,
        "first run pe-dvc channel witnesses --entry",
        lambda words: printed.append(run_pe_dvc(*words[1:], cwd=published.root).stdout),
    )
    assert len(printed) == 1
    assert "[[logs]]" in printed[0]


def test_fsck_makes_a_lost_checkpoint_of_the_log_again(published: History) -> None:
    checkpoint = published.bucket / checkpoint_key("us")
    before = checkpoint.read_bytes()
    checkpoint.unlink()
    (lost,) = fsck(DataRepo(published.root)).report.findings
    assert (lost.fault, lost.key) == ("missing", checkpoint_key("us"))
    assert fsck(DataRepo(published.root), repair=True).unrepaired == []
    assert checkpoint.read_bytes() == before


def test_fsck_finds_and_repairs_documents_of_releases_that_are_lost_or_altered(
    published: History, tmp_path: Path
) -> None:
    repo = DataRepo(published.root)
    assert fsck(repo).report.ok
    sync(published, tmp_path / "mirror")
    tro, whole = published.bucket / release_key("us", "1.0.0", TRO), held(published)
    tro.chmod(0o644)
    tro.write_bytes(b"{}")
    (published.bucket / KEY).unlink()
    found = {one.key: one.fault for one in fsck(repo).report.findings}
    assert found == {KEY: "missing", release_key("us", "1.0.0", TRO): "corrupt"}
    repaired = fsck(repo, repair=True, mirror=str(tmp_path / "mirror"))
    assert repaired.unrepaired == []
    assert {one.source for one in repaired.repaired} == {
        str(published.root / IN_GIT),
        f"{LocalStore(tmp_path / 'mirror').url}/{release_key('us', '1.0.0', TRO)}",
    }
    assert held(published) == whole
    assert fsck(repo).report.ok


def test_fsck_finds_statements_that_a_thief_replaced(published: History) -> None:
    path = published.bucket / KEY
    path.chmod(0o644)
    signed = read_statements(path.read_bytes(), where=KEY)
    path.write_bytes(write_statements(SignedStatement(payload=o.payload) for o in signed))
    (finding,) = fsck(DataRepo(published.root)).report.findings
    assert (finding.fault, finding.key) == ("corrupt", KEY)
    assert "of 0 of the keys of releases" in finding.detail


def test_gc_keeps_statements(published: History) -> None:
    before = held(published)
    gc(DataRepo(published.root), apply=True)
    assert held(published) == before


def test_a_push_brings_what_a_replaced_key_signed_again_of_every_release(
    published: History,
) -> None:
    published.git("tag", "1.0.1")
    published.publish_release("1.0.1")
    rotate_key(DataRepo(published.root), "releases")
    published.commit("Replace the key of releases")
    Releases(published.root).push("1.0.1")
    for tag in ("1.0.0", "1.0.1"):
        assert Releases(published.root).verify(tag)[0].statements == len(DATASETS)


def test_a_gateway_hands_out_statements_and_goes_on_where_a_thief_altered_them(
    published: History,
) -> None:
    roots = DataRepo(published.root).signed_metadata().root_files
    state = read_state(published.store, "us", roots)
    served = Indexer(published.store, "us").index(state).served
    manifest = served[release_key("us", "1.0.0", RELEASE_MANIFEST)]
    assert served[KEY].digest == sha256_bytes(held(published))
    assert served[KEY].subjects == manifest.subjects
    assert len(manifest.subjects) == len(DATASETS)

    path = published.bucket / KEY
    path.chmod(0o644)
    path.write_bytes(held(published).replace(b'"sig":"', b'"sig":"AAAA'))
    altered = Indexer(published.store, "us").index(state).served
    assert altered.keys() == served.keys() - {KEY}
