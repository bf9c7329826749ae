"""A release whose artifact was withdrawn: unreproducible, and everything says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import RevokedError
from pe_dvc.project.release import Releases
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.revoke import Statement, remove_revoked, revoke
from tests.support.bundles import bundle_of, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.release_history import History

SAID = Statement(reason="The licence ended.", authority="Census Bureau")


@pytest.fixture
def withdrawn(released: History, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a data repo whose release 1.0.0 is published, and of which one state is withdrawn."""
    monkeypatch.chdir(released.root)
    released.publish_release("1.0.0")
    repo = DataRepo(released.root)
    done = revoke(repo, ["us/states/AL@1.0.0"], SAID)
    assert done.affected.releases == ("1.0.0",)
    assert done.affected.channels == (
        "pe-data://us/states/AL@latest",
        "pe-data://us/states/AL@next",
    )
    released.commit("Withdraw")
    released.publish_channels()
    assert remove_revoked(repo).is_complete
    return released


def test_its_state(withdrawn: History) -> None:
    withdrawn.git("tag", "1.0.1")
    states = {row.tag: row for row in Releases(withdrawn.root).status()}
    assert states["1.0.0"].state == "unreproducible"
    assert "licence revoked: states/AL withdrawn on " in states["1.0.0"].detail
    assert "by Census Bureau: The licence ended." in states["1.0.0"].detail
    assert states["1.0.1"].state == "unreleased"


CALLS: dict[str, Callable[[Releases, Path], object]] = {
    "create": lambda releasing, _: releasing.create("1.0.1"),
    "push": lambda releasing, _: releasing.push("1.0.0"),
    "verify": lambda releasing, _: releasing.verify("1.0.0"),
    "export": lambda releasing, place: releasing.export("1.0.0", place / "copy"),
}


@pytest.mark.parametrize("command", CALLS)
def test_what_needs_it_is_refused(withdrawn: History, command: str, tmp_path: Path) -> None:
    withdrawn.git("tag", "1.0.1")
    said = r"states/AL of release 1.0.[01], sha256:.* was withdrawn on .* The licence ended"
    with pytest.raises(RevokedError, match=said):
        CALLS[command](Releases(withdrawn.root), tmp_path)


def test_a_bundle_that_pins_it(withdrawn: History) -> None:
    checks = check(withdrawn, bundle_of(withdrawn))
    assert checks["states/AL"].verdict == "revoked"
    assert "The licence ended." in checks["states/AL"].detail
    assert checks["cps_2024"].verdict == "held"
