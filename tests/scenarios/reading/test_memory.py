"""Memory does not grow with the size of a file: a sparse one of 320 MiB, read each way there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.s3_server import BUCKET, S3Server
from pe_dvc.adapters.digests import digest_file
from pe_dvc.documents.keys import manifest_key
from pe_dvc.primitives.digest import CHUNK_SIZE, sha256_bytes
from pe_dvc.project.stores import open_store
from tests.scenarios.reading.conftest import MIB
from tests.support.country import LATEST, Country, chunks_of, payload_of
from tests.support.factories import manifest_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SIZE = 320 * MIB
ALLOWED = 200 * 1024
"""KiB over what a process takes that has only resolved the reference."""

MEASURE = f"""
import pe_dvc

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

pe_dvc.manifest("{LATEST}")
base = peak()
WORK
print(peak() - base)
"""
FETCH = f'pe_dvc.fetch("{LATEST}")'
SCAN = f"""
with pe_dvc.open("{LATEST}") as file:
    while file.read(8 << 20):
        pass
"""


def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server(workers=2) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        country = Country(tmp_path / "maintainer", open_store(f"s3://{BUCKET}"))
        publish_sparse(country, tmp_path / "big")
        country.trust(tmp_path / "config")
        environment = {
            **os.environ,
            "PE_DVC_STORE": f"s3://{BUCKET}",
            **{f"PE_DVC_{n}_DIR": str(tmp_path / n.lower()) for n in ("CACHE", "CONFIG", "STATE")},
        }

        def growth(work: str) -> int:
            program = MEASURE.replace("WORK", work)
            command = [sys.executable, "-c", program]
            return int(subprocess.check_output(command, env=environment, cwd=tmp_path))

        assert growth(FETCH) < ALLOWED
        shutil.rmtree(tmp_path / "cache")
        assert growth(SCAN) < ALLOWED
        assert next((tmp_path / "cache/partial").iterdir()).stat().st_size == SIZE
        assert growth(FETCH) < ALLOWED, "completed from the parts"


def publish_sparse(country: Country, path: Path) -> None:
    """Publish a file of zeros that takes no room, under an md5 of nobody's."""
    with path.open("wb") as file:
        file.truncate(SIZE)
    digests = digest_file(path)
    manifest = manifest_of(
        b"",
        size=SIZE,
        sha256=digests.sha256,
        dvc={"hash": "md5", "md5": "ab" * 16},
        chunks={"size": CHUNK_SIZE, "sha256": sha256_bytes(digests.chunks)},
    )
    country.store.upload(payload_of(manifest), path)
    country.write(chunks_of(manifest), digests.chunks)
    country.write(manifest_key("us", digests.sha256), manifest.to_bytes())
    country.point("latest", [manifest])
