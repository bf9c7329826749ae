"""What moved between two builds is told by their profiles, without payloads."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox

NAME = "enhanced_cps_2024"


def test_by_commits_and_by_what_is_published(built: Sandbox) -> None:
    built.pe_dvc("push")
    built.write("params.yaml", "seed: 8\n")
    built.build()
    built.pe_dvc("push")
    said = built.pe_dvc("diff", "HEAD~1", "HEAD", "--no-rows", code=1).stdout
    assert "moved most" in said
    assert "of household.age_head" in said
    built.trust()
    shutil.rmtree(built.directory / "bucket/us/files")
    done = built.read(
        "diff", f"us/{NAME}@latest:1", f"us/{NAME}@latest", "--json", "--no-rows", code=1
    )
    (dataset,) = json.loads(done.stdout)["datasets"]
    moved = {(one["column"], one["statistic"]) for one in dataset["movers"]}
    assert {("age_head", "total"), ("age_head", "mean")} <= moved
    assert not {column for column, _ in moved} - {"age_head"}
