"""Signatures of git tags, by GPG and SSH: good, unknown, wrong, none."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import ReleaseError
from pe_dvc.project.release import Releases
from pe_dvc.project.release_repo import ReleaseRepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.release_history import History

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="needs gpg")
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")


@pytest.fixture
def gpg(history: History, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a GPG home with one key, of a short path: its agent's socket can have no other."""
    import tempfile
    from pathlib import Path

    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    monkeypatch.setenv("GNUPGHOME", str(home))
    history.environment["GNUPGHOME"] = str(home)
    make = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key"]
    subprocess.check_call([*make, "Test <test@example.org>", "ed25519", "sign", "never"])
    yield home
    subprocess.check_call(["gpgconf", "--homedir", home, "--kill", "all"])
    shutil.rmtree(home)


@pytest.fixture
def ssh_key(history: History) -> Path:
    """Return an SSH key that git signs with, not yet known to anybody."""
    key = history.base / "id"
    subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    history.git("config", "gpg.format", "ssh")
    history.git("config", "user.signingkey", str(key))
    return key


def allow(history: History, key: Path) -> None:
    allowed = history.base / "allowed"
    allowed.write_text(f"test@example.org {key.with_suffix('.pub').read_text()}")
    history.git("config", "gpg.ssh.allowedSignersFile", str(allowed))


def forge(history: History, tag: str) -> None:
    """Put other words above a tag's signature."""
    text = history.git("cat-file", "tag", tag).replace("reviewed", "approved") + "\n"
    made = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin"],
        cwd=history.root,
        input=text,
        text=True,
        capture_output=True,
        check=True,
    )
    history.git("update-ref", f"refs/tags/{tag}", made.stdout.strip())


def sign(history: History) -> Releases:
    history.release("0.9.0")
    history.git("tag", "--sign", "--message", "reviewed", "1.0.0")
    return Releases(history.root)


@needs_ssh
def test_an_ssh_signature_of_a_known_key_is_good(history: History, ssh_key: Path) -> None:
    releasing = sign(history)
    allow(history, ssh_key)
    signature = ReleaseRepo(history.root).signature("1.0.0")
    assert signature.verdict == "good"
    assert 'Good "git" signature for test@example.org' in signature.detail
    assert releasing.create("1.0.0").update.changed


@needs_ssh
def test_an_ssh_signature_of_an_unknown_key_is_said_to_be_unknown(
    history: History, ssh_key: Path
) -> None:
    releasing = sign(history)
    assert releasing.git.signature("1.0.0").verdict == "unknown"
    other = history.base / "other"
    subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other])
    allow(history, other)
    assert releasing.git.signature("1.0.0").verdict == "unknown"
    assert releasing.create("1.0.0").update.changed, "keys need not be known everywhere"


@needs_ssh
def test_a_forged_tag_of_an_ssh_key_is_refused(history: History, ssh_key: Path) -> None:
    releasing = sign(history)
    allow(history, ssh_key)
    forge(history, "1.0.0")
    with pytest.raises(ReleaseError, match=r"the signature of the tag 1\.0\.0 is invalid"):
        releasing.create("1.0.0")
    assert releasing.registered() == {}


@needs_gpg
def test_a_gpg_signature_of_a_known_key_is_good(history: History, gpg: Path) -> None:
    releasing = sign(history)
    signature = releasing.git.signature("1.0.0")
    assert signature.verdict == "good"
    assert "Test <test@example.org>" in signature.detail


@needs_gpg
def test_a_gpg_signature_of_an_unknown_key_is_said_to_be_unknown(
    history: History, gpg: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    releasing = sign(history)
    empty = tmp_path / "g"
    empty.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(empty))
    signature = releasing.git.signature("1.0.0")
    assert signature.verdict == "unknown"
    assert signature.detail.startswith("ERRSIG")


@needs_gpg
def test_a_forged_tag_of_a_gpg_key_is_refused(history: History, gpg: Path) -> None:
    releasing = sign(history)
    forge(history, "1.0.0")
    with pytest.raises(ReleaseError, match="BADSIG"):
        releasing.verify("1.0.0")


def test_a_tag_without_signature_says_so(history: History) -> None:
    history.release("1.0.0")
    history.git("tag", "--annotate", "--message", "x", "2.0.0")
    repo = ReleaseRepo(history.root)
    assert {repo.signature(tag).verdict for tag in ("1.0.0", "2.0.0")} == {"none"}
