"""Channels of few and of many datasets: what it takes to resolve one of them.

Run as a program it publishes such a channel: ``python -m benchmarks.channels FOLDER COUNTRY
COUNT``, in a process of its own, so that the harness never loads tuf.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.data_repo import PE_DVC, environment_of
from benchmarks.measure import Case, Contender, as_users_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.environment import BenchEnvironment

SIZES = {"one": 1, "ten": 10, "all": 600}
"""How many datasets each made-up country has: enhanced CPS for districts makes 600."""


def resolve(bench: BenchEnvironment) -> Case:
    """Resolve one dataset of a channel, by a reader that is new and by one that knows it."""
    bench.server.clear()
    home = bench.home / "channels"
    environment = environment_of(home, bench.server.endpoint)
    sizes, contenders = [], []
    for country, count in SIZES.items():
        length = _publish(home, environment, country, count)
        sizes.append(f"latest.json of {count}: {length:,} bytes")
        command = [PE_DVC, "show", "--json", f"{country}/dataset_0000@latest"]
        for state, reset in (("cold", _forgetting(home)), ("warm", lambda: None)):
            contenders.append(
                Contender(
                    name=f"1 of {count}, {state}",
                    command=command,
                    reset=reset,
                    cwd=home,
                    environment=environment,
                )
            )
    return Case(
        name="resolve",
        work=f"pe-dvc show of one dataset; {', '.join(sizes)}",
        resets="cold: what was verified and cached before; warm: nothing",
        contenders=contenders,
    )


def _publish(home: Path, environment: Mapping[str, str], country: str, count: int) -> int:
    """Publish a channel, and return the length of its metadata in bytes."""
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.channels", str(home), country, str(count)],
        env={**as_users_run(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return int(done.stdout)


def _forgetting(home: Path) -> Callable[[], None]:
    def reset() -> None:
        for name in ("pe-cache", "pe-state"):
            shutil.rmtree(home / name, ignore_errors=True)

    return reset


def publish(home: Path, country: str, count: int) -> int:
    """Lay out, sign and publish a channel of ``count`` datasets; return the metadata's length."""
    import os

    from pe_dvc.documents.keys import manifest_key
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.digest import Sha256, sha256_bytes
    from pe_dvc.project import directories
    from pe_dvc.project.stores import open_store
    from pe_dvc.trust.bucket_writer import bucket_of
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.trust.keys import generate_keys
    from pe_dvc.trust.pins import pin_root
    from pe_dvc.trust.roles import ALL
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.trust.signers import Signers
    from pe_dvc.usecases.channel.init import init_channels
    from pe_dvc.usecases.channel.update import update_channel
    from pe_dvc.usecases.publish.channel import publish_channels
    from pe_dvc.usecases.publish.publisher import Publisher

    now, store = datetime.now(UTC), open_store(os.environ["PE_DVC_STORE"])
    keys = generate_keys(directories.keys_dir(), country, dict.fromkeys(ALL, 1))
    signers = Signers(country, directories.keys_dir())
    init_channels(home / "repo", country, keys, signers, now=now)
    pin_root(
        directories.config_dir(), country, (home / "repo" / country / "root.json").read_bytes()
    )
    pointers = []
    for number in range(count):
        name = f"dataset_{number:04d}"
        data = Manifest.model_validate_json(json.dumps(_manifest(country, name))).to_bytes()
        sha256 = sha256_bytes(name.encode())
        if number == 0:
            store.create(manifest_key(country, sha256), data)
        pointers.append(
            Pointer(
                country=country,
                channel="latest",
                name=name,
                sha256=Sha256(sha256),
                size=len(name),
                manifest_sha256=sha256_bytes(data),
            )
        )
    update_channel(home / "repo", country, "latest", pointers, signers, now=now)
    metadata = SignedMetadata(ChannelFiles(home / "repo", country))
    publish_channels(bucket_of(store, metadata), metadata, Publisher(signers, now=now))
    return (home / "repo" / country / "latest.json").stat().st_size


def _manifest(country: str, name: str) -> dict[str, Any]:
    from pe_dvc.primitives.digest import sha256_bytes

    artifact = {
        "country": country,
        "name": name,
        "path": f"data/{name}.parquet",
        "kind": "microdata",
        "media_type": "application/vnd.apache.parquet",
        "sha256": sha256_bytes(name.encode()),
        "size": len(name),
        "dvc": {"hash": "md5", "md5": "0" * 32},
        "chunks": {"size": 1 << 20, "sha256": "0" * 64},
    }
    columns = [{"name": f"c{number:02d}", "type": "double"} for number in range(66)]
    table = {"name": "tax_unit", "rows": 10, "entity": "tax_unit", "columns": columns}
    return {
        "schema_version": 1,
        "artifact": artifact,
        "table": {
            "format": "parquet",
            "tables": [table],
            "entities": {"tax_unit": {"key": "c00"}},
        },
        "inputs": {"data_vintage": "random"},
        "build": {"git_dirty": False, "built_at": "2026-04-20T12:00:00Z", "built_in": "local"},
    }


if __name__ == "__main__":
    print(publish(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
