"""The sandbox, on each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.environment import own_home
from tests.support.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers import S3Endpoint


@pytest.fixture(scope="session")
def sandbox_template(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """Return a repo that was built once for all tests. Not to be changed."""
    directory = tmp_path_factory.mktemp("template")
    home = directory / "home"
    home.mkdir()
    made = Sandbox(directory, str(directory / "bucket"), {})
    made.environment |= own_home(home)
    made.create()
    made.build()
    return made


@pytest.fixture
def built(tmp_path: Path, sandbox_template: Sandbox) -> Sandbox:
    """Return a built sandbox whose bucket is a directory, still empty."""
    made = Sandbox(tmp_path, str(tmp_path / "bucket"), {})
    made.start_from(sandbox_template)
    return made


@pytest.fixture
def unbuilt_sandbox(tmp_path: Path) -> Sandbox:
    """Return a sandbox whose bucket is a directory."""
    return Sandbox(tmp_path, str(tmp_path / "bucket"), {})


@pytest.fixture(params=["directory", "s3"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path, sandbox_template: Sandbox) -> Sandbox:
    """Return a built sandbox whose bucket is a directory, then one on an S3-speaking server."""
    if request.param == "directory":
        made = Sandbox(tmp_path, str(tmp_path / "bucket"), {})
    else:
        server: S3Endpoint = request.getfixturevalue("s3_server")
        made = Sandbox(tmp_path, f"s3://{server.new_bucket()}", {"endpointurl": server.endpoint})
        made.environment |= server.environment
    made.start_from(sandbox_template)
    return made
