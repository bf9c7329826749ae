"""The commands of docs/adopt.md, run as they are printed in repos of the layouts that it names."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import GIT_STATUS, Done, run
from tests.support.environment import own_home
from tests.support.forked_commands import with_forked_commands
from tests.support.hub_server import TOKEN, HubServer
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/adopt.md").read_text()
ADDRESS = "https://example.org/releases"

BUILD = """\
from pathlib import Path
import h5py

def write(path, people):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["person_id/2024"] = list(range(people))
        file["person_household_id/2024"] = [i // 2 for i in range(people)]
        file["household_id/2024"] = list(range((people + 1) // 2))
        file["household_weight/2024"] = [1.5] * ((people + 1) // 2)

write(Path("data/enhanced_cps_2024.h5"), int(Path("people.txt").read_text()))
for number, state in enumerate(["AL", "AK"]):
    write(Path(f"data/states/{state}.h5"), 4 + 2 * number)
"""
LOCK = 'version = 1\n[[package]]\nname = "policyengine-us"\nversion = "1.637.0"\n'


def blocks(heading: str) -> list[str]:
    """Return the commands below a heading of the page, one text a block."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


class Person:
    """Somebody with a home, who pastes blocks of commands."""

    def __init__(self, home: Path, store: Path, address: str = "") -> None:
        home.mkdir()
        self.environment = {**os.environ, **own_home(home), "PE_DVC_STORE": str(store)}
        self.store, self.address = store, address

    def paste(self, script: str, cwd: Path) -> Done:
        script = script.replace("s3://policyengine-data", str(self.store)).replace(
            ADDRESS, self.address
        )
        bash, environment = ("bash", "-euo", "pipefail"), with_forked_commands(self.environment)
        return run(*bash, "-c", script, cwd=cwd, environment=environment)

    def run(self, *command: str, cwd: Path) -> Done:
        return run(*command, cwd=cwd, environment=self.environment)


def check_reader(tmp_path: Path, repo: Path, store: Path, expected: dict[str, bytes]) -> None:
    """Read as somebody who has the root and nothing else."""
    reader, place = Person(tmp_path / "reader", store), tmp_path / "reader"
    (place / "root.json").write_bytes((repo / "channels/us/root.json").read_bytes())
    (script,) = blocks("What readers do")
    assert reader.paste(script, place).stdout.count("us/") >= len(expected)
    for name, content in expected.items():
        got = reader.run("pe-dvc", "get", f"us/{name}@latest", "-o", f"{place}/got", cwd=place)
        assert (place / "got").read_bytes() == content, got.stderr


def test_a_repo_whose_scripts_build_the_data(tmp_path: Path) -> None:
    repo, store = tmp_path / "us-data", tmp_path / "bucket"
    (repo / "build").mkdir(parents=True)
    maintainer = Person(tmp_path / "home", store)
    (repo / "build/cps.py").write_text(BUILD)
    (repo / "people.txt").write_text("5")
    (repo / "pyproject.toml").write_text('[project]\nname = "us-data" # ours\nversion = "1.1"\n')
    (repo / "uv.lock").write_text(LOCK)
    for command in ("init --quiet", "add --all", "commit --quiet --message Before"):
        maintainer.run("git", *command.split(), cwd=repo)
    setting, declaring, many, publishing, rebuilding, staging = blocks("A repo whose scripts")
    for script in (setting, declaring, many, publishing):
        maintainer.paste(script, repo)
    assert 'lockfile = "uv.lock"' in (repo / "pyproject.toml").read_text()
    assert maintainer.run(*GIT_STATUS, cwd=repo).stdout == ""
    first = (repo / "data/enhanced_cps_2024.h5").read_bytes()
    (repo / "people.txt").write_text("8")
    maintainer.paste(rebuilding, repo)
    second = (repo / "data/enhanced_cps_2024.h5").read_bytes()
    assert first != second
    maintainer.paste(staging.replace("--deps uv.lock", "--deps uv.lock --deps people.txt"), repo)
    assert maintainer.run(*GIT_STATUS, cwd=repo).stdout == ""
    assert not (repo / "data/enhanced_cps_2024.h5.dvc").exists()
    expected = {
        "enhanced_cps_2024": (repo / "data/enhanced_cps_2024.h5").read_bytes(),
        "states/AK": (repo / "data/states/AK.h5").read_bytes(),
    }
    check_reader(tmp_path, repo, store, expected)


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Yield a directory of releases and the address that it is served at."""
    folder = tmp_path / "releases"
    folder.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def store_of(people: int) -> bytes:
    """Return a file as microcosm writes them: pandas' HDFStore."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.h5"
        persons = {"person_id": range(people), "person_household_id": [0] * people}
        with pd.HDFStore(path, "w") as file:
            file.put("person", pd.DataFrame(persons), format="table", track_times=False)
            households = pd.DataFrame({"household_id": [0], "household_weight": [9.5]})
            file.put("household", households, format="table", track_times=False)
            file.put("_time_period", pd.Series([2024]), format="table", track_times=False)
        return path.read_bytes()


def test_data_that_is_built_elsewhere(tmp_path: Path, addresses: tuple[Path, str]) -> None:
    """A repo laid out as microcosm's, on a hub: two releases, then a file at another address."""
    hub, store = HubServer("ORG/REPO"), tmp_path / "bucket"
    maintainer = Person(tmp_path / "home", store, addresses[1])
    maintainer.environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    making, following, other = blocks("Data that is built elsewhere")
    releases = {}
    for tag, people in (("populace-us-2024-a", 3), ("populace-us-2024-b", 5)):
        releases[tag] = {"populace_us_2024.h5": store_of(people), "diagnostics.json": b"{}"}
        publish(hub, tag, releases[tag])
        first = people == 3
        place = tmp_path if first else tmp_path / "us-data-index"
        maintainer.paste(making if first else following, place)
    hub.close()
    index, (folder, _) = tmp_path / "us-data-index", addresses
    (folder / "TAG").mkdir()
    (folder / "TAG/populace_us_2023.h5").write_bytes(store_of(2))
    maintainer.paste(other, index)
    assert maintainer.run(*GIT_STATUS, cwd=index).stdout == ""
    expected = releases["populace-us-2024-b"]["populace_us_2024.h5"]
    check_reader(tmp_path, index, store, {"populace_us_2024": expected})


def publish(hub: HubServer, tag: str, files: dict[str, bytes]) -> None:
    """Publish a release as microcosm does: files and manifest in a commit, a tag, the pointer."""
    artifacts = {
        path.partition(".")[0]: {
            "kind": "microdata" if path.endswith(".h5") else "diagnostics",
            "path": path,
            "repo_id": hub.repo,
            "revision": tag,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for path, data in files.items()
    }
    manifest = json.dumps({"schema_version": 1, "artifacts": artifacts}).encode()
    scoped = {f"releases/{tag}/{p}": d for p, d in files.items() if not p.endswith(".h5")}
    large = {p: d for p, d in files.items() if p.endswith(".h5")}
    hub.tags[tag] = hub.push(
        "main", {**large, **scoped, f"releases/{tag}/release_manifest.json": manifest}
    )
    pointer = {"schema_version": 1, "release_id": tag, "updated_at": "2026-07-28", "paths": {}}
    hub.push("main", {"latest.json": json.dumps(pointer).encode()})
