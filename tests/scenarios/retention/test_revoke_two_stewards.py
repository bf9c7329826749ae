"""Two stewards withdraw at once, each in a clone that knows nothing of the other's draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.errors import MovedError
from pe_dvc.project.channel_adopt import adopt
from pe_dvc.project.fsck import fsck
from pe_dvc.project.push import push, upload
from pe_dvc.project.revoke import draft_in_git
from pe_dvc.project.stores import open_store
from tests.support.kept_repo import KeptRepo
from tests.support.revoking import OTHER, Bench
from tests.support.s3_objects import S3Objects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Bucket


@pytest.fixture(params=["memory", "s3"])
def second(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    """The clone of the second steward, after the first has published: DVC's cache is full."""
    kept = KeptRepo(tmp_path, monkeypatch)
    if request.param == "memory":
        bench = Bench(kept, kept.bucket.objects)
    else:
        bucket: S3Bucket = request.getfixturevalue("s3_bucket")
        kept.store = open_store(bucket.url, options=bucket.server.options)
        bench = Bench(kept, S3Objects(bucket))
    before = kept.git("rev-parse", "HEAD")
    bench.revoke()
    bench.publish()
    kept.git("reset", "--quiet", "--hard", before)
    bench.revoke(f"us/{OTHER}@latest")
    kept.commit("Withdraw the other one")
    return bench


def test_the_second_brings_nothing_back_that_the_first_withdrew(second: Bench) -> None:
    repo = second.kept.repo
    with pytest.raises(MovedError, match="against git, it has"):
        push(repo)
    assert second.payload not in second.objects
    upload(repo)
    fsck(repo, repair=True)
    assert second.payload not in second.objects
    assert second.chunks not in second.objects


def test_the_second_takes_over_and_withdraws_too(second: Bench) -> None:
    adopt(second.kept.repo, "revoked")
    second.revoke(f"us/{OTHER}@latest")
    second.publish()
    withdrawn = draft_in_git(second.kept.repo).artifacts.values()
    assert {one.name for one in withdrawn} == {OTHER, "cps_2024"}
    assert second.faults() == []
