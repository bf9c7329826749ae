"""Real processes on a real S3 server: publishers that race, readers meanwhile, and kill -9."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.project.stores import open_store
from pe_dvc.trust.ancestry import descends
from pe_dvc.trust.files import ChannelFiles
from pe_dvc.trust.signed_metadata import SignedMetadata
from pe_dvc.trust.tuf_api import Metadata, Targets
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.store.port import Store
    from tests.support.counters import Tally
    from tests.support.servers import S3Bucket

SOAK = bool(os.environ.get("SOAK"))
PUBLISHERS, ROUNDS = 8, 3 if SOAK else 2
READERS, READING_PROCESSES = 32, 4
KILLS = int(os.environ.get("KILL_ROUNDS", "200" if SOAK else "10"))
SEED = int(os.environ.get("KILL_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


class Stage:
    """A bucket on a real server, a repo with its keys, and processes."""

    def __init__(self, base: Path, bucket: S3Bucket) -> None:
        self.base, self.url = base, bucket.url
        self.environment = {
            **os.environ,
            **bucket.server.environment,
            "PE_DVC_KEYS_DIR": str(base / "keys"),
        }
        self.store: Store = open_store(bucket.url, options=bucket.server.options)
        self.repo = HandMadeRepo(base / "repo", base / "keys")

    def start(self, role: str, **arguments: Any) -> subprocess.Popen[str]:
        arguments = {"keys": str(self.base / "keys"), "store": self.url, **arguments}
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.support.publishers",
                role,
                json.dumps(arguments),
            ],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def result(process: subprocess.Popen[str], timeout: float = 300) -> dict[str, Any]:
        out, said = process.communicate(timeout=timeout)
        assert process.returncode == 0, said
        result: dict[str, Any] = json.loads(out)
        return result


@pytest.fixture
def stage(tmp_path: Path, s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("PE_DVC_KEYS_DIR", str(tmp_path / "keys"))
    return Stage(tmp_path, s3_bucket)


def test_eight_publishers_of_one_channel_and_32_readers(stage: Stage, tally: Tally) -> None:
    names = [f"dataset_{number}" for number in range(PUBLISHERS)]
    stage.repo.create(*names)
    for name in names:
        stage.repo.build(name, f"{name} 0".encode())
    stage.repo.update_latest()
    stage.repo.push(stage.store)
    stop = stage.base / "stop"
    reading = [
        stage.start(
            "readers",
            root=str(stage.repo.root),
            home=str(stage.base / f"readers-{number}"),
            count=READERS // READING_PROCESSES,
            stop=str(stop),
        )
        for number in range(READING_PROCESSES)
    ]
    clones = [stage.repo.clone(stage.base / name) for name in names]
    publishing = [
        stage.start("publisher", root=str(clone.root), name=name, rounds=ROUNDS)
        for clone, name in zip(clones, names, strict=True)
    ]
    results = [stage.result(process) for process in publishing]
    stop.touch()
    looked = [stage.result(process) for process in reading]

    researcher = stage.repo.reader(stage.store, stage.base / "fresh")
    wanted = {name: f"{name} {ROUNDS}".encode() for name in names}
    assert researcher.datasets() == wanted, "none lost"
    check_chain(stage, newest=researcher.version())
    assert sum(result["rebased"] for result in results) >= PUBLISHERS, "it was no race"
    assert [failure for result in looked for failure in result["failures"]] == []
    tally("pushes in races", PUBLISHERS * ROUNDS)
    tally("pushes that lost a race and rebased", sum(r["rebased"] for r in results))
    tally("reads during races, all valid", sum(result["reads"] for result in looked))


def check_chain(stage: Stage, newest: int) -> None:
    """Versions without gaps, each signed and made from the one before it, by its signed lineage."""
    files = ChannelFiles(stage.repo.root / "channels", "us")
    delegator = SignedMetadata(files).targets.signed
    before: Metadata[Targets] | None = None
    for version in range(2, newest + 1):
        data, _ = stage.store.read(f"channels/us/{version}.latest.json", limit=10**6)
        metadata = Metadata[Targets].from_bytes(data)
        assert metadata.signed.version == version
        assert delegator.get_verification_result(
            "latest", metadata.signed_bytes, metadata.signatures
        )
        assert before is None or descends(metadata.signed, before)
        before = metadata


@pytest.mark.timeout(60 + 10 * KILLS)
def test_kill_9_at_random_points(stage: Stage, tally: Tally) -> None:
    stage.repo.create("cps_2024")
    process = stage.start(
        "killer",
        root=str(stage.repo.root),
        home=str(stage.base / "readers"),
        rounds=KILLS,
        seed=SEED,
    )
    try:
        result = stage.result(process, timeout=50 + 10 * KILLS)
    except AssertionError as failed:
        raise AssertionError(f"KILL_SEED={SEED} KILL_ROUNDS={KILLS}: {failed}") from failed
    assert result["killed"] >= KILLS // 3, "the kills came too late"
    tally(f"rounds of kill -9 survived, seed {SEED}", result["rounds"])
