"""The sandbox, on each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import S3Endpoint


@pytest.fixture
def local_sandbox(tmp_path: Path) -> Sandbox:
    """Return a sandbox whose bucket is a directory."""
    return Sandbox(tmp_path, str(tmp_path / "bucket"), {})


@pytest.fixture(params=["directory", "s3"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    """Return a sandbox whose bucket is a directory, then one on an S3-speaking server."""
    if request.param == "directory":
        return Sandbox(tmp_path, str(tmp_path / "bucket"), {})
    server: S3Endpoint = request.getfixturevalue("s3_server")
    made = Sandbox(tmp_path, f"s3://{server.new_bucket()}", {"endpointurl": server.endpoint})
    made.environment |= server.environment
    return made
