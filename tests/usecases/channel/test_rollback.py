"""What may be gone back to, and what a rollback is made from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pe_dvc.documents.pointer_notes import hold_of, left_by, rollback_note, rollback_of
from pe_dvc.documents.revocation import Revocation
from pe_dvc.primitives.errors import ConflictError, FormatError, NotFoundError, RevokedError
from pe_dvc.trust.ancestry import Committed
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.usecases.channel.build_pointers import next_pointers
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.next_version import next_version, set_targets
from pe_dvc.usecases.channel.rollback_base import rollback_base
from pe_dvc.usecases.channel.source import Source, parse_source, pointers_from
from pe_dvc.usecases.revoke.withdrawn import refuse_pointed, withdrawn_here
from tests.support.simulator import Simulator, pointer
from tests.support.thief import Thief, recover

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.usecases.channel.version import Version

DIGEST = "5" * 64
NOTHING = Committed(data=b"", where="git")


class Published:
    """What a simulator published."""

    def __init__(self, sim: Simulator) -> None:
        self._history = ChannelHistory(sim.store, "us", sim.pinned)

    def versions(self, channel: str) -> Iterable[Version]:
        return self._history.counting(channel)

    def released(self, release: str) -> Mapping[str, Pointer]:
        raise NotFoundError(release)


@pytest.fixture
def sim(tmp_path: Path) -> Simulator:
    """Three versions of latest: nothing, then cps 2, then cps 3 and frs."""
    made = Simulator(tmp_path)
    made.publish()
    made.update(pointer("cps", "2"))
    made.publish()
    made.update(pointer("cps", "3"), pointer("frs"))
    made.publish()
    return made


@pytest.mark.parametrize(
    ("text", "channel", "source"),
    [
        ("latest", None, Source(text="latest", channel="latest")),
        ("latest:12", None, Source(text="latest:12", channel="latest", version=12)),
        ("012", "next", Source(text="next:12", channel="next", version=12)),
        (f"@sha256:{DIGEST}", None, Source(text=f"sha256:{DIGEST}", sha256=DIGEST)),  # type: ignore[arg-type]
        ("1.78.2", "latest", Source(text="1.78.2", release="1.78.2")),
        ("cps@v1.2.3", None, Source(text="cps@v1.2.3", release="cps@v1.2.3")),
    ],
)
def test_a_source_is_read(text: str, channel: str | None, source: Source) -> None:
    assert parse_source(text, channel=channel) == source


@pytest.mark.parametrize(
    "text", ["12", "latest:", "stable:1", "latest:-1", "latest:1e3", "sha256:12", "", "latest:１"]
)
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(FormatError):
        parse_source(text)


def test_a_gap_in_the_chain_hides_no_other_version(sim: Simulator) -> None:
    sim.update(pointer("cps", "4"))
    sim.publish()
    del sim.store.objects[sim.key("3.latest.json")]
    published = Published(sim)
    assert [version.version for version in published.versions("latest")] == [4, 2, 1]
    found = pointers_from(parse_source("latest:2"), [], published)
    assert found == {"cps": pointer("cps", "2")}
    with pytest.raises(NotFoundError, match="latest:3 is no version"):
        pointers_from(parse_source("latest:3"), [], published)


def test_a_thiefs_version_is_not_gone_back_to(sim: Simulator) -> None:
    """Its keys counted when they signed it; what came after was not made from it."""
    thief = Thief(sim, "latest", "snapshot", "timestamp")
    thief.publish(4, pointer("cps", "stolen"))
    recover(sim)
    sim.publish()
    published = Published(sim)
    stolen = pointer("cps", "stolen")
    assert all(stolen not in v.pointers.values() for v in published.versions("latest"))
    with pytest.raises(NotFoundError, match="no signed version of latest or next ever had"):
        pointers_from(parse_source(f"@sha256:{stolen.sha256}"), ["cps"], published)


def test_what_the_stewards_withdrew_is_refused(sim: Simulator) -> None:
    gone = pointer("cps", "2")
    refuse_pointed(withdrawn_here(sim.files), [gone], remedy="")
    entry = Revocation(
        country="us",
        name="cps",
        sha256=gone.sha256,
        size=gone.size,
        reason="the licence ended",
        authority="Stewards",
        revoked=sim.now.replace(microsecond=0),
    )
    git = SignedMetadata(sim.files)
    role = git.role("revoked")
    next_version(role, git.targets.signed, "revoked", now=sim.now)
    set_targets(role.signed, {entry.target_path: entry.to_target()})
    sim.signers.sign(git.targets.signed, "revoked", role)
    sim.files.write("revoked", role)
    with pytest.raises(RevokedError, match=r"cps, sha256:.*, was withdrawn.*: the licence ended"):
        refuse_pointed(withdrawn_here(sim.files), [gone], remedy="")


def test_a_clone_that_is_behind_goes_back_from_what_readers_see(sim: Simulator) -> None:
    behind = sim.clone("behind")
    sim.update(pointer("cps", "4"), pointer("frs", "4"))
    sim.publish()
    git = SignedMetadata(behind.files)
    base = rollback_base(git, sim.store, "latest", committed=NOTHING, versions=[7])
    assert (base.metadata.signed.version, base.taken, base.is_git) == (4, 7, False)
    assert base.superseded == {
        f"us/latest/{one.name}": one.manifest_sha256
        for one in (pointer("cps", "3"), pointer("frs"))
    }


def test_a_clone_that_went_another_way_goes_nowhere(sim: Simulator) -> None:
    other = sim.clone("other")
    sim.update(pointer("cps", "4"))
    sim.publish()
    other.update(pointer("cps", "5"))
    with pytest.raises(ConflictError, match="which git's version 4 has nothing of"):
        rollback_base(
            SignedMetadata(other.files), sim.store, "latest", committed=NOTHING, versions=[]
        )


def test_what_a_build_moves() -> None:
    held = replace(pointer("cps", "2"), notes={"hold": {"reason": "Checked", "by": "Ann"}})
    note = rollback_note(left=pointer("frs", "9").sha256, to="latest:2", reason="Bad", by="Bob")
    back = replace(pointer("frs", "2"), notes=note)
    plain = pointer("scf", "2")
    current = {one.name: one for one in (held, back, plain)}
    built = [pointer("cps", "3"), pointer("frs", "9"), pointer("scf", "3")]
    following = next_pointers(built, current)
    assert following.pointers == (held, back, pointer("scf", "3"))
    assert following.stay == {
        "cps": "held: Checked (Ann)",
        "frs": "went back from this build to latest:2: Bad (Bob)",
    }
    assert next_pointers([pointer("frs", "10")], current).pointers == (pointer("frs", "10"), held)
    assert next_pointers([pointer("frs", "2"), held], current).stay == {}
    assert next_pointers([pointer("frs", "2"), held], current).pointers == (back, held)


@pytest.mark.parametrize("notes", [{"hold": "x", "rollback": 3}, {"rollback": {"from": 5}}, {}])
def test_notes_of_another_form_say_nothing_of_a_hold(notes: dict[str, object]) -> None:
    one = replace(pointer("cps"), notes=notes)
    assert hold_of(one) is None
    assert left_by(one) is None
    assert rollback_of(pointer("cps")) is None
