"""The log verifies every version under the keys of its time, and stops at the first break."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.adapters.git.tags import GitTags
from pe_dvc.primitives.errors import VerificationError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.usecases.channel.history import ChannelHistory
from pe_dvc.usecases.channel.keys import KeyRing
from pe_dvc.usecases.channel.log import channel_log, first_break, step
from tests.support.commands import run
from tests.support.new_keys import new_key
from tests.support.simulator import NOW, Simulator, pointer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def told(tmp_path: Path) -> Simulator:
    """Five versions of latest, with another key and another root from the fourth on."""
    sim = Simulator(tmp_path)
    sim.publish()
    for number in range(2, 4):
        sim.update(pointer("cps", str(number)))
        sim.publish()
    for role in ("latest", "targets"):
        ring = KeyRing(sim.directory, "us", sim.signers, now=NOW)
        ring.rotate(role, new_key(sim.keys_dir, "us", role))
    sim.publish()
    for path in (sim.keys_dir / "us" / "latest.pem", sim.keys_dir / "us" / "targets.pem"):
        path.rename(sim.base / path.name)
    sim.update(pointer("cps", "3"), pointer("frs"))
    sim.publish()
    return sim


def history(sim: Simulator) -> ChannelHistory:
    return ChannelHistory(sim.store, "us", sim.pinned)


def test_a_whole_chain_through_new_keys(told: Simulator) -> None:
    versions, broken = first_break(history(told).versions("latest"))
    assert broken is None
    assert [version.version for version in versions] == [1, 2, 3, 4, 5]
    assert [len(version.signers) for version in versions] == [1] * 5
    assert versions[2].signers == (_keyid(told.base / "latest.pem"),)
    assert versions[4].signers != versions[2].signers
    assert {version.signed_at for version in versions} == {NOW}
    assert step(versions[3], versions[4]).added == ("frs",)
    assert step(versions[1], versions[2]).replaced == ("cps",)
    assert history(told).version("latest", 3).pointers["cps"] == pointer("cps", "3")


def _keyid(path: Path) -> str:
    from pe_dvc.trust.keys import load_key_file

    return str(load_key_file(path).public_key.keyid)


def test_a_missing_version(told: Simulator) -> None:
    del told.store.objects[told.key("3.latest.json")]
    versions, broken = first_break(history(told).versions("latest"))
    assert (len(versions), "3.latest.json is missing" in str(broken)) == (2, True)


def test_a_version_under_anothers_name(told: Simulator) -> None:
    told.store.objects[told.key("3.latest.json")] = told.store.objects[told.key("2.latest.json")]
    versions, broken = first_break(history(told).versions("latest"))
    assert (len(versions), "says that it is version 2" in str(broken)) == (2, True)


def test_a_version_signed_by_a_key_of_another_time(told: Simulator) -> None:
    """The old key of latest, stolen after it was rotated, cannot rewrite what came later."""
    from pe_dvc.trust.keys import load_key_file

    forged = told.held("5.latest.json")
    forged.signatures.clear()
    forged.sign(load_key_file(told.base / "latest.pem"))
    told.store.objects[told.key("5.latest.json")] = forged.to_bytes()
    versions, broken = first_break(history(told).versions("latest"))
    assert len(versions) == 4
    assert "does not have the signatures" in str(broken)


def test_another_root_than_the_one_that_is_trusted(told: Simulator, tmp_path: Path) -> None:
    stranger = Simulator(tmp_path / "stranger")
    with pytest.raises(VerificationError, match="is not the root that is trusted"):
        ChannelHistory(told.store, "us", stranger.pinned).version("latest", 1)


def test_a_shallow_clone_tells_what_it_holds(tmp_path: Path) -> None:
    def git(*arguments: str, cwd: Path) -> None:
        run("git", *arguments, cwd=cwd)

    whole = tmp_path / "whole"
    whole.mkdir()
    git("init", "--quiet", cwd=whole)
    for number in range(3):
        (whole / "file").write_text(str(number))
        (whole / "other").write_text("same")
        git("add", ".", cwd=whole)
        git("commit", "--quiet", "--message", str(number), cwd=whole)
    git("clone", "--quiet", "--depth", "1", f"file://{whole}", "shallow", cwd=tmp_path)
    found = [change.tree.read("file") for change in GitTags(whole).history("file")]
    assert found == [b"2", b"1", b"0"]
    assert len(list(GitTags(whole).history("other"))) == 1
    shallow = [change.tree.read("file") for change in GitTags(tmp_path / "shallow").history("file")]
    assert shallow == [b"2"]


def test_a_version_that_was_never_published_is_named_where_git_lacks_it(tmp_path: Path) -> None:
    sim = Simulator(tmp_path)
    sim.publish()
    for number in range(2, 4):
        sim.update(pointer("cps", str(number)))
    sim.publish()
    told = history(sim)
    assert [version.version for version in told.versions("latest")] == [1, 3]
    assert told.skipped == [2]


def test_the_log_as_json_has_the_artifacts_of_every_version(told: Simulator) -> None:
    log = channel_log(history(told).versions("latest"), {})
    assert log.to_json()["versions"][2]["sha256"] == {"cps": pointer("cps", "3").sha256}


def test_each_version_is_parsed_twice(told: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to see which versions count, and once to verify it: of ten thousand pointers each."""
    parsed: Counter[bytes] = Counter()

    def counted(data: bytes, **options: Any) -> Any:
        parsed[data] += 1
        return read_json(data, **options)

    monkeypatch.setattr("pe_dvc.trust.verify.read_json", counted)
    versions, broken = first_break(history(told).versions("latest"))
    assert (len(versions), broken) == (5, None)
    assert [parsed[version.data] for version in versions[:-1]] == [2] * 4
    assert parsed[versions[-1].data] <= 4, "today's is looked for as well"
