"""A release that pins a withdrawn artifact: what it was is told, what it held is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pe_dvc
from pe_dvc.primitives.errors import RevokedError
from pe_dvc.project.release import Releases
from tests.support.commands import run
from tests.support.country import revocation_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.release_history import History


@pytest.fixture
def withdrawn(released: History, monkeypatch: pytest.MonkeyPatch) -> History:
    """A published release, one of whose artifacts was withdrawn since."""
    monkeypatch.chdir(released.root)
    released.publish_release("1.0.0")
    released.signed.revoke(revocation_of(released.manifests["cps_2024"]))
    released.commit("Withdraw")
    released.publish_channels()
    return released


def test_it_is_not_read(withdrawn: History) -> None:
    with pytest.raises(RevokedError, match="its licence ended"):
        pe_dvc.fetch("pe-data://us/cps_2024@1.0.0")


def test_verify_and_export_refuse(withdrawn: History, tmp_path: Path) -> None:
    for work in (
        lambda: Releases(withdrawn.root).verify("1.0.0"),
        lambda: Releases(withdrawn.root).export("1.0.0", tmp_path / "out"),
    ):
        with pytest.raises(RevokedError, match=r"^cps_2024 of release 1\.0\.0, sha256:"):
            work()
    assert not (tmp_path / "out").exists()


def test_show_says_so(withdrawn: History) -> None:
    done = run("pe-dvc", "release", "show", "1.0.0", code=4, cwd=withdrawn.root)
    assert json.loads(done.stdout)["artifacts"]
    assert "cps_2024 of release 1.0.0 was withdrawn on" in done.stderr
    assert "its licence ended" in done.stderr


def test_its_other_datasets_are_read(withdrawn: History) -> None:
    name = next(name for name in withdrawn.manifests if name != "cps_2024")
    assert pe_dvc.resolve(f"pe-data://us/{name}@1.0.0").not_revoked_as_of is not None
