"""The signed statements of a release: who signs them, who verifies them, and what a thief gets."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import pe_dvc
from pe_dvc.documents.gate_note import GATES, Result
from pe_dvc.documents.in_toto import PROVENANCE, TEST_RESULT
from pe_dvc.documents.keys import STATEMENTS, release_key
from pe_dvc.documents.statement_bundle import SignedStatement, read_statements, write_statements
from pe_dvc.primitives.errors import (
    DigestMismatchError,
    FormatError,
    NotFoundError,
    PeDvcError,
    SignatureError,
)
from pe_dvc.project import channel
from pe_dvc.project.channel_keys import rotate_key
from pe_dvc.project.release import Releases
from pe_dvc.project.release_repo import ReleaseRepo
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.signers import signers_of
from pe_dvc.trust.envelopes import envelope_of, sign_statements
from pe_dvc.trust.keys import load_key_file
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.signers import Signers
from pe_dvc.usecases.release import register
from pe_dvc.usecases.release.statements import sign_registered
from tests.support.advice import follow
from tests.support.commands import run
from tests.support.factories import pointer_to
from tests.support.other_environments import FOLDER
from tests.support.release_history import DATASETS, History

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.other_environments import intoto as intoto

KEY = release_key("us", "1.0.0", STATEMENTS)
IN_GIT = "channels/us/releases/1.0.0.intoto.jsonl"
NATION = "pe-data://us/cps_2024@1.0.0"
GATE = Result(gate="tail", of="capital_gains top_100", passed=True, measured="0.3")


def build(history: History, tag: str = "1.0.0") -> None:
    """Build, nominate with a result of a gate, commit and tag."""
    history.build()
    history.sign("latest")
    notes = {GATES: [GATE.to_note()]}
    pointers = [pointer_to(m, "next", notes=notes) for m in history.manifests.values()]
    history.signed.point("next", pointers)
    history.commit(f"Build {tag}")
    history.git("tag", tag)


@pytest.fixture
def published(history: History, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a data repo whose release 1.0.0 is published, and a reader who trusts its root."""
    build(history)
    history.publish_release("1.0.0")
    monkeypatch.chdir(history.root)
    return history


def held(history: History, key: str = KEY) -> bytes:
    return (history.bucket / key).read_bytes()


def put(history: History, data: bytes) -> None:
    """Write into the bucket past pe_dvc, as a thief of its credentials does."""
    path = history.bucket / KEY
    path.chmod(0o644)
    path.write_bytes(data)


def statements(history: History) -> list[SignedStatement]:
    return read_statements(held(history), where=KEY)


def verify(history: History) -> int:
    return Releases(history.root).verify("1.0.0")[0].statements


def obeying(history: History, keys: Path) -> Callable[[list[str]], object]:
    """Return what runs a command in the clone with the keys in a directory, and asks nothing."""
    environment = {**history.environment, "PE_DVC_KEYS_DIR": str(keys)}

    def obey(command: list[str]) -> object:
        yes = ["--yes"] if command[:3] == ["pe-dvc", "channel", "sign"] else []
        return run(*command, *yes, cwd=history.root, environment=environment)

    return obey


def public_key(private: Path, to: Path) -> Path:
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", to], check=True)
    return to


def stranger(python: Path, bundle: bytes, place: Path, *keys: Path) -> list[dict[str, Any]]:
    """Return what somebody finds who has the file and public keys, and no pe_dvc."""
    place.mkdir()
    file = place / STATEMENTS
    file.write_bytes(bundle)
    command = [python, FOLDER / "intoto_check.py", file, *keys]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


# What is signed, and where it lies


def test_a_release_has_statements_in_git_and_in_the_bucket(published: History) -> None:
    assert (published.root / IN_GIT).read_bytes() == held(published)
    assert verify(published) == 2 * len(DATASETS)
    kinds = [json.loads(one.payload)["predicateType"] for one in statements(published)]
    assert kinds == [PROVENANCE, TEST_RESULT] * len(DATASETS)


def test_a_second_create_and_push_change_nothing(published: History) -> None:
    before = held(published)
    assert not Releases(published.root).create("1.0.0").update.changed
    assert Releases(published.root).push("1.0.0").documents == []
    assert published.git("status", "--porcelain", "channels/us/releases") == ""
    assert held(published) == before


def test_every_clone_makes_the_same_statements(published: History, tmp_path: Path) -> None:
    published.git("clone", "--quiet", "--bare", str(published.root), str(tmp_path / "bare"))
    made = ReleaseRepo(tmp_path / "bare").release("1.0.0").statements
    assert made == [one.payload for one in statements(published)]


def test_a_release_of_an_earlier_pe_dvc_has_none_and_stays_valid(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(history)
    with monkeypatch.context() as earlier:
        earlier.setattr(register, "statements_digest", lambda _: None)
        Releases(history.root).create("1.0.0")
    assert not (history.root / IN_GIT).exists()
    history.commit("Release")
    Releases(history.root).push("1.0.0")
    assert not Releases(history.root).create("1.0.0").update.changed
    assert not (history.bucket / KEY).exists()
    assert verify(history) == 0


def test_a_clone_without_keys_publishes_what_others_signed(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(history)
    Releases(history.root).create("1.0.0")
    history.commit("Release 1.0.0")
    online = tmp_path / "ci/us"
    online.mkdir(parents=True, mode=0o700)
    online.parent.chmod(0o700)
    for name in ("snapshot", "timestamp", "latest"):
        shutil.copy2(history.keys / f"us/{name}.pem", online)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(online.parent))
    Releases(history.root).push("1.0.0")
    assert verify(history) == 2 * len(DATASETS)


# Several managers


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a data repo whose releases two managers sign; the second's key is elsewhere."""
    history = History(tmp_path, thresholds={"releases": 2})
    for name, value in history.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(history.keys))
    away = tmp_path / "second/us"
    away.mkdir(parents=True, mode=0o700)
    away.parent.chmod(0o700)
    (history.keys / "us/releases-2.pem").rename(away / "releases.pem")
    build(history)
    assert not Releases(history.root).create("1.0.0").update.signed
    history.commit("Release 1.0.0, to be signed by another manager")
    return history


def sign_as_second(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as theirs:
        theirs.setenv("PE_DVC_KEYS_DIR", str(history.base / "second"))
        channel.sign(DataRepo(history.root), "releases")


def test_two_managers_sign_on_two_machines(
    two: History, intoto: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_as_second(two, monkeypatch)
    two.commit("Sign the release")
    Releases(two.root).push("1.0.0")
    assert all(len(one.signatures) == 2 for one in statements(two))
    assert verify(two) == 2 * len(DATASETS)
    keys = [
        public_key(two.keys / "us/releases.pem", two.base / "first.pem"),
        public_key(two.base / "second/us/releases.pem", two.base / "second.pem"),
    ]
    for one in stranger(intoto, held(two), two.base / "stranger", *keys):
        assert (one["library"], one["specification"]) == (True, True)


def test_statements_below_the_threshold_are_not_published(
    two: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second manager signed the role alone, as a pe_dvc without statements does."""
    before = (two.root / IN_GIT).read_bytes()
    sign_as_second(two, monkeypatch)
    (two.root / IN_GIT).write_bytes(before)
    two.commit("Sign the role")
    with pytest.raises(
        SignatureError, match="signatures of 1 of the keys of releases, and 2"
    ) as caught:
        Releases(two.root).push("1.0.0")
    assert not (two.bucket / KEY).exists()
    follow(
        str(caught.value.remedy),
        "Sign it where the keys of … are: pe-dvc channel sign …",
        obeying(two, two.base / "second"),
    )
    Releases(two.root).push("1.0.0")
    assert verify(two) == 2 * len(DATASETS)


def test_a_key_signs_no_statements_of_a_role_that_it_did_not_sign(
    two: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(two.base / "second"))
    repo = DataRepo(two.root)
    assert sign_registered(repo.channel_files, signers_of(repo)) == []


def test_statements_that_the_role_does_not_name_are_not_signed(
    two: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody put others into the pull request that a manager signs."""
    found = read_statements((two.root / IN_GIT).read_bytes(), where=IN_GIT)
    forged = SignedStatement(payload=found[0].payload.replace(b"cps_2024", b"cps_1984"))
    (two.root / IN_GIT).write_bytes(write_statements([forged, *found[1:]]))
    with pytest.raises(DigestMismatchError, match=r"statements of release 1\.0\.0"):
        sign_as_second(two, monkeypatch)


def test_a_replaced_key_signs_the_statements_again(published: History, intoto: Path) -> None:
    old = public_key(published.keys / "us/releases.pem", published.base / "old.pem")
    change = rotate_key(DataRepo(published.root), "releases")
    assert change.key_file is not None
    published.commit("Replace the key of releases")
    Releases(published.root).push("1.0.0")
    assert verify(published) == 2 * len(DATASETS)
    assert {keyid for one in statements(published) for keyid in one.signatures} == {*change.keyids}
    new = public_key(change.key_file, published.base / "new.pem")
    bundle = held(published)
    assert all(one["library"] for one in stranger(intoto, bundle, published.base / "a", new))
    assert not any(one["library"] for one in stranger(intoto, bundle, published.base / "b", old))


def test_statements_that_git_lost_stop_no_change_of_keys(published: History) -> None:
    (published.root / IN_GIT).unlink()
    change = rotate_key(DataRepo(published.root), "releases")
    assert change.key_file is not None
    assert not (published.root / IN_GIT).exists()
    Releases(published.root).create("1.0.0")
    published.commit("Replace the key of releases")
    assert Releases(published.root).push("1.0.0").documents == [KEY]
    assert verify(published) == 2 * len(DATASETS)


# A stranger, a thief, and a reader of an earlier version


def test_a_stranger_verifies_with_the_file_and_the_key_and_a_thief_is_found_out(
    published: History, intoto: Path, tmp_path: Path
) -> None:
    key = public_key(published.keys / "us/releases.pem", tmp_path / "releases.pem")
    found = stranger(intoto, held(published), tmp_path / "stranger", key)
    assert [one["faults"] for one in found] == [[]] * 6
    assert all(one["library"] and one["specification"] for one in found)
    nation = pe_dvc.fetch(NATION).read_bytes()
    digest = subprocess.check_output(["sha256sum"], input=nation).split()[0].decode()
    assert {"name": "cps_2024", "digest": {"sha256": digest}} in found[0]["subject"]

    line, *rest = held(published).splitlines(keepends=True)
    envelope = json.loads(line)
    payload = base64.b64decode(envelope["payload"]).replace(b"raw/asec.csv", b"raw/cps.csv")
    envelope["payload"] = base64.b64encode(payload).decode()
    put(published, json.dumps(envelope).encode() + b"\n" + b"".join(rest))
    altered = stranger(intoto, held(published), tmp_path / "after", key)
    assert [one["library"] for one in altered] == [False] + [True] * 5
    assert [one["specification"] for one in altered] == [False] + [True] * 5
    with pytest.raises(DigestMismatchError):
        verify(published)


def test_statements_that_git_lost_are_made_again(history: History) -> None:
    build(history)
    Releases(history.root).create("1.0.0")
    made = (history.root / IN_GIT).read_bytes()
    (history.root / IN_GIT).unlink()
    history.commit("Release 1.0.0, without its statements")
    with pytest.raises(NotFoundError, match="has statements") as caught:
        Releases(history.root).push("1.0.0")
    follow(
        str(caught.value.remedy),
        "Restore it from git, or run pe-dvc release create …",
        obeying(history, history.keys),
    )
    assert (history.root / IN_GIT).read_bytes() == made


def other_key(history: History, role: str) -> Callable[[SignedStatement], SignedStatement]:
    """Return what adds a signature of another role's key to a statement."""
    delegator = SignedMetadata(history.signed.files).delegator(role)
    signers = Signers("us", history.keys, environ={})

    def sign(statement: SignedStatement) -> SignedStatement:
        (signed,) = sign_statements([statement], delegator, role, signers)
        return signed

    return sign


def replayed(history: History) -> bytes:
    """Another release of the same commit, and so of the same bytes, properly signed."""
    history.git("tag", "1.0.1")
    Releases(history.root).create("1.0.1")
    return (history.root / IN_GIT.replace("1.0.0", "1.0.1")).read_bytes()


def edited(history: History) -> bytes:
    first, *rest = statements(history)
    payload = first.payload.replace(b"raw/asec.csv", b"raw/cps.csv")
    assert payload != first.payload
    changed = SignedStatement(payload=payload, signatures=first.signatures)
    return write_statements([changed, *rest])


def signed_by_another_role(history: History) -> bytes:
    sign = other_key(history, "latest")
    return write_statements(sign(SignedStatement(payload=o.payload)) for o in statements(history))


def with_an_unknown_key(history: History) -> bytes:
    made = history.base / "stranger.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", made], check=True)
    made.chmod(0o600)
    signer = load_key_file(made)
    added = [
        SignedStatement(
            payload=one.payload,
            signatures={
                **one.signatures,
                signer.public_key.keyid: signer.sign(envelope_of(one).pae()).signature,
            },
        )
        for one in statements(history)
    ]
    return write_statements(added)


def of_another_type(history: History) -> bytes:
    return held(history).replace(b"application/vnd.in-toto+json", b"application/json")


def one_left_out(history: History) -> bytes:
    return write_statements(statements(history)[:-1])


def without_signatures(history: History) -> bytes:
    return write_statements(SignedStatement(payload=one.payload) for one in statements(history))


@pytest.mark.parametrize(
    ("attack", "family", "said"),
    [
        (replayed, DigestMismatchError, "statements of release 1.0.0"),
        (edited, DigestMismatchError, "statements of release 1.0.0"),
        (signed_by_another_role, SignatureError, "of 0 of the keys of releases, and 1 must"),
        (with_an_unknown_key, SignatureError, "not a valid one of a key of releases"),
        (of_another_type, FormatError, "payloadType"),
        (one_left_out, DigestMismatchError, "statements of release 1.0.0"),
        (without_signatures, SignatureError, "of 0 of the keys of releases, and 1 must"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_thief_of_the_bucket_is_refused_and_a_push_puts_it_right(
    published: History,
    attack: Callable[[History], bytes],
    family: type[PeDvcError],
    said: str,
) -> None:
    whole = held(published)
    put(published, attack(published))
    published.git("checkout", "--quiet", "--", "channels")
    with pytest.raises(family, match=said):
        verify(published)
    assert pe_dvc.fetch(NATION).read_bytes() == DATASETS["cps_2024"]
    published.git("clean", "--quiet", "-d", "--force", "channels")
    assert Releases(published.root).push("1.0.0").documents == [KEY]
    assert held(published) == whole
    assert verify(published) == 2 * len(DATASETS)


def test_statements_that_were_removed_from_the_bucket_are_missed(published: History) -> None:
    (published.bucket / KEY).unlink()
    with pytest.raises(NotFoundError, match="the release has statements") as caught:
        verify(published)
    follow(
        f"{caught.value.message}. {caught.value.remedy}",
        "does not exist, and the release has statements",
        obeying(published, published.keys),
    )
    assert verify(published) == 2 * len(DATASETS)


def test_statements_that_were_not_committed_stop_a_push(history: History) -> None:
    build(history)
    Releases(history.root).create("1.0.0")
    history.git("add", "channels/us/releases.json")
    history.git("commit", "--quiet", "--message", "Release without its statements")
    with pytest.raises(PeDvcError, match="not committed"):
        Releases(history.root).push("1.0.0")
