"""A data repo that tracks a directory as a dataset, by the real commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from tests.support.directories import NAME, STATES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sandbox import Sandbox

DECLARED = f"""
  {NAME}:
    path: data/{NAME}
    type: dataset
    meta: {{pe: {{country: us, kind: geography}}}}
"""
DEP = "deps: [data/enhanced_cps_2024.parquet, data/cps_2024.parquet]"


def add_states(sandbox: Sandbox, files: dict[str, bytes] = STATES) -> Manifest:
    """Track and declare a directory, and build and commit its manifest."""
    folder = sandbox.repo / "data" / NAME
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    sandbox.run("dvc", "add", "--quiet", f"data/{NAME}")
    pipeline = (sandbox.repo / "dvc.yaml").read_text()
    assert DEP in pipeline
    sandbox.write("dvc.yaml", pipeline.replace(DEP, f"{DEP[:-1]}, data/{NAME}]") + DECLARED)
    sandbox.build()
    return Manifest.from_bytes((sandbox.repo / f"manifests/{NAME}.json").read_bytes())


def clone_of(sandbox: Sandbox) -> Path:
    clone = sandbox.directory / "clone"
    sandbox.run("git", "clone", "--quiet", str(sandbox.repo), str(clone), cwd=sandbox.directory)
    sandbox.configure_remote(clone)
    return clone
