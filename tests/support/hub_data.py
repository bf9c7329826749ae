"""A data repo whose datasets lie on a hub and not in the bucket, and the hub that has them."""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import own_home
from tests.support.hub_server import TOKEN, HubServer
from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

HUB_REPO = "policyengine/populace-us"
TAG = "populace-us-2024-20260728T011454Z"
MANIFEST = f"releases/{TAG}/release_manifest.json"
URI = f"hf://dataset/{HUB_REPO}@{TAG}/{MANIFEST}"


def table(rows: int, seed: int) -> bytes:
    """Return a parquet file of households whose bytes do not compress."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    weights = np.random.default_rng(seed).random(rows)
    columns = {"household_id": np.arange(rows), "household_weight": weights}
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=50_000)
    return out.getvalue()


@cache
def files() -> dict[str, bytes]:
    """Return the files of the release: of several chunks, and of one."""
    return {
        "populace_us_2024.parquet": table(600_000, 1),
        "populace_us_2023.parquet": table(100, 2),
    }


def release(data: dict[str, bytes]) -> dict[str, bytes]:
    """Return files with the release manifest that names them, as producers lay them out."""
    artifacts = {
        path.partition(".")[0]: {
            "kind": "microdata",
            "path": path,
            "repo_id": HUB_REPO,
            "sha256": hashlib.sha256(one).hexdigest(),
        }
        for path, one in data.items()
    }
    document = {"schema_version": 1, "artifacts": artifacts}
    return {**data, MANIFEST: json.dumps(document).encode()}


def hub_of_release() -> HubServer:
    """Return a hub with the release under ``TAG``. Its commits are always the same."""
    made = HubServer(HUB_REPO)
    made.tags[TAG] = made.add(release(files()))
    return made


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Return a hub with ``files()``, which this process and sandboxes use."""
    made = hub_of_release()
    for name, value in hub_environment(made).items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


def hub_environment(hub: HubServer) -> dict[str, str]:
    """Return the variables by which processes find a hub, as an account that may read it."""
    return {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}


@pytest.fixture(scope="session")
def imported_template(
    sandbox_template: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Sandbox:
    """Return a repo that imported ``files()`` without a copy, published once for all."""
    directory = tmp_path_factory.mktemp("imported")
    made = Sandbox(directory, str(directory / "bucket"), {})
    (directory / "home").mkdir()
    made.environment |= own_home(directory / "home")
    made.start_from(sandbox_template)
    hub = hub_of_release()
    made.environment |= hub_environment(hub)
    try:
        made.pe_dvc("import", URI, "--no-copy")
        made.build()
        made.pe_dvc("push")
    finally:
        hub.close()
    return made
