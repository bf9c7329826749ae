"""Exports of two releases, with the proofs that they are in the channel's log."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.documents.keys import LOG_PROOF
from pe_dvc.project.release import Releases
from pe_dvc.tlog.proof import TlogProof, parse_proof
from tests.support.other_environments import validators as validators
from tests.support.release_history import DATASETS, History, shared_history

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.project.release_copy import VerifiedCopy

TAG, LATER = "1.0.0", "1.0.1"
SNAPSHOT = "channels/us/snapshot.json"


@dataclass(frozen=True)
class Made:
    """A data repo with two releases, and exports: of both, and of the first by an old clone."""

    history: History
    first: Path
    second: Path
    behind: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    base = tmp_path_factory.mktemp("logged")
    with shared_history(base) as history:
        made = Made(history, base / "first", base / "second", base / "behind")
        publish(history)
        Releases(history.root).export(TAG, made.first)
        commit = history.git("rev-parse", "HEAD")
        history.release(LATER, {**DATASETS, "cps_2024": b"the nation again"})
        history.publish_channels()
        history.publish_release(LATER)
        Releases(history.root).export(LATER, made.second)
        newest = history.git("rev-parse", "HEAD")
        history.git("checkout", "--quiet", "--force", commit)
        Releases(history.root).export(TAG, made.behind)
        history.git("checkout", "--quiet", newest)
    return made


def publish(history: History) -> None:
    history.release(TAG)
    history.publish_channels()
    history.publish_release(TAG)


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    """Return a copy of the second export."""
    shutil.copytree(made.second, tmp_path / "copy")
    return tmp_path / "copy"


def verify(copy: Path, root: Path | None = None) -> VerifiedCopy:
    return pe_dvc.Repo().release.verify_export(copy, root=root or copy / "channels/us/root.json")


def proof_of(copy: Path) -> TlogProof:
    return parse_proof((copy / LOG_PROOF).read_bytes(), where="the proof")
