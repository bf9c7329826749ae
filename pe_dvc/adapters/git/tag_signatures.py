"""What git says of a tag's signature: by the command itself, since pygit2 verifies none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.adapters.git.command import run_git

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class TagSignature:
    """What git says of a tag's signature; ``detail`` is one line of its own words.

    ``unknown`` is a signature whose key is not known, or not trusted, on this machine.
    """

    verdict: Literal["none", "good", "unknown", "bad"]
    detail: str

    def to_json(self) -> dict[str, str]:
        """Return the signature as plain JSON values."""
        return {"verdict": self.verdict, "detail": self.detail}


def verify_tag(directory: Path, name: str) -> TagSignature:
    """Return what git finds of a tag's signature, GPG's or SSH's, with the keys known here."""
    done = run_git(directory, "--git-dir", str(directory), "verify-tag", "--raw", "--", name)
    return _read_signature(done.returncode, done.stderr)


def _read_signature(code: int, said: str) -> TagSignature:
    """Read ``git verify-tag --raw``: GnuPG's status lines, or ssh-keygen's sentences."""
    lines = said.strip().splitlines()
    told = (line.split() for line in lines if line.startswith("[GNUPG:] "))
    status = {words[1]: " ".join(words) for words in told if len(words) > 1}
    detail = next((line for line in lines if line.startswith('Good "git" signature')), None)
    for word in ("GOODSIG", "BADSIG", "ERRSIG"):
        detail = detail or status.get(word, "").removeprefix("[GNUPG:] ") or None
    if code == 0:
        return TagSignature(verdict="good", detail=detail or "good")
    if "cannot verify a non-tag object" in said or "no signature found" in said:
        return TagSignature(verdict="none", detail="not signed")
    if "BADSIG" in status or "incorrect signature" in said:
        return TagSignature(verdict="bad", detail=detail or lines[-1])
    return TagSignature(verdict="unknown", detail=detail or (lines[-1] if lines else "no answer"))
