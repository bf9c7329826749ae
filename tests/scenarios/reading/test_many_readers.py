"""Many processes that read one store at once: none fails, and a cache is filled once."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.project.stores import open_store
from tests.support.country import LATEST, NAME, Country
from tests.support.environment import own_directories
from tests.support.paths import BIN
from tests.support.proxy import before as proxy_before

if TYPE_CHECKING:
    from tests.support.servers import S3Bucket

READERS = 24
PAYLOAD = random.Random(24).randbytes(3 * 1024 * 1024 + 7)


def places(country: Country, home: Path) -> dict[str, str]:
    """Return the places of a machine that trusts the country and has read nothing."""
    made = own_directories(home)
    country.trust(Path(made["PE_DVC_CONFIG_DIR"]))
    return made


@pytest.mark.parametrize("cache", ["shared", "own"])
def test_many_processes_begin_to_read_at_once(
    cache: str, tmp_path: Path, s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    country = Country(tmp_path / "maintainer", open_store(s3_bucket.url))
    country.publish({NAME: PAYLOAD})
    homes = [tmp_path / f"home{n if cache == 'own' else 0}" for n in range(READERS)]
    for home in set(homes):
        home.mkdir()
    machines = {home: places(country, home) for home in set(homes)}
    with proxy_before(s3_bucket) as (proxy, bucket):
        given = {**os.environ, "AWS_ENDPOINT_URL": bucket.server.endpoint}
        processes = [
            subprocess.Popen(
                [BIN / "pe-dvc", "get", LATEST],
                env={**given, **machines[home], "PE_DVC_STORE": bucket.url},
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for home in homes
        ]
        said = [process.communicate(timeout=240) for process in processes]
    assert [
        (p.returncode, err) for p, (_, err) in zip(processes, said, strict=True) if p.returncode
    ] == []
    paths = {out.strip() for out, _ in said}
    assert len(paths) == len(machines)
    assert {sha256_bytes(Path(path).read_bytes()) for path in paths} == {sha256_bytes(PAYLOAD)}
    payloads = [one for one in proxy.requests if one.startswith("GET") and "/files/md5/" in one]
    assert len(payloads) == len(machines), "one download a cache"
    for path in paths:
        left = [p.name for p in Path(path).parents[2].rglob("*") if p.suffix in (".data", ".tmp")]
        assert left == [], "nothing half-done is left"
