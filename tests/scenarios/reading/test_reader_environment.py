"""The environment of docs/reading.md for those who only read, made by its commands as printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tests.support.commands import run
from tests.support.country import LATEST, NAME, Country
from tests.support.environment import own_home
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox
    from tests.support.servers import S3Endpoint

DOCS = (ROOT / "docs/reading.md").read_text()
SECTION = DOCS.partition("## An environment for reading only")[2].partition("\n## ")[0]
LOCKS = {
    name: (ROOT / f"requirements{name}.lock").read_text() for name in ("", "-reader", "-publisher")
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_NEEDED = ("dvc", "pygit2", "h5py", "pyarrow", "yaml", "pandas", "numpy")

READ = """
import json, sys
import fsspec, pe_dvc

latest = sys.argv[1]
with pe_dvc.open(latest) as file:
    file.seek(1_000_000)
    part = file.read(10).hex()
path = pe_dvc.fetch(latest)
pin = str(pe_dvc.resolve(latest).pinned)
print(json.dumps({
    "part": part,
    "path": str(path),
    "pinned": pe_dvc.fetch(pin) == path,
    "listed": [entry.reference for entry in pe_dvc.ls("us")],
    "size": pe_dvc.manifest(latest).artifact.size,
    "bytes": len(fsspec.filesystem("pe-data").cat(latest)),
    "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment made as the page says, once for all processes of the tests."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    place = shared / "reading"
    with FileLock(f"{place}.lock"):
        if not (place / ".ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            _make(place)
            (place / ".ready").touch()
    (commands,) = place.glob("*/bin")
    return commands


def _make(place: Path) -> None:
    """Run the page's commands in ``place``, with a clone of these files."""
    source, home = place / "source", place / "home"
    home.mkdir()
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    person = {**os.environ, **own_home(home)}
    git = ("git", "-C", source)
    run(*git, "init", "--quiet", environment=person)
    run(*git, "add", "--all", environment=person)
    run(*git, "commit", "--quiet", "-m", "x", environment=person)
    (script,) = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    (url,) = re.findall(r"https://github\.com/\S+", script)
    run("git", "config", "--global", f"url.{source}.insteadOf", url, environment=person)
    run("bash", "-euo", "pipefail", "-c", script, cwd=place, environment=person)


def test_it_has_what_the_page_says_and_no_more(environment: Path) -> None:
    python = environment / "python"
    lister = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))"
    names = set(run(python, "-c", lister, environment={}).stdout.split()) - {"pip", "setuptools"}
    assert not {name.lower() for name in names} & {"dvc", "dvc-s3", "pygit2", "h5py", "pyarrow"}
    site = next((environment.parent / "lib").glob("python*/site-packages"))
    ours = [path for path in site.iterdir() if not re.match(r"pip\b|setuptools\b", path.name)]
    files = [file for path in ours for file in [path, *path.rglob("*")] if file.is_file()]
    size = sum(file.stat().st_size for file in files if file.suffix != ".pyc") / 1e6
    said = re.search(r"\((\d+) distributions, (\d+) MB", SECTION)
    assert said is not None
    assert len(names) == int(said[1])
    assert abs(size - int(said[2])) < 0.1 * size, f"{size:.1f} MB"


def test_it_reads(environment: Path, any_store: str, payload: bytes, tmp_path: Path) -> None:
    here = tmp_path / "empty"
    here.mkdir()
    found = json.loads(run(environment / "python", "-c", READ, LATEST, cwd=here).stdout)
    assert found["part"] == payload[1_000_000:1_000_010].hex()
    assert Path(found["path"]).read_bytes() == payload
    assert found["pinned"]
    assert found["listed"] == [LATEST]
    assert found["size"] == found["bytes"] == len(payload)
    assert not set(found["loaded"]) & set(NOT_NEEDED)


def test_its_commands_read(
    environment: Path, any_store: str, country: Country, payload: bytes, tmp_path: Path
) -> None:
    (tmp_path / "root.json").write_bytes(country.root)
    command = environment / "pe-dvc"
    run(command, "trust", "remove", "us")
    run(command, "trust", "add", "us", "root.json", cwd=tmp_path)
    assert run(command, "trust", "list").stdout.startswith("us")
    assert NAME in run(command, "ls", "us").stdout
    assert f"sha256:{'0' * 4}" not in run(command, "show", LATEST).stdout
    got = run(command, "get", LATEST).stdout.strip()
    assert Path(got).read_bytes() == payload
    assert run(command, "cache", "verify").returncode == 0


def test_it_reads_in_a_clone(environment: Path, sandbox: Sandbox, s3_server: S3Endpoint) -> None:
    sandbox.pe_dvc("push")
    remote = f"[core]\n    remote = x\n['remote \"x\"']\n    url = {sandbox.store}/us\n"
    sandbox.write(".dvc/config", remote)
    (sandbox.repo / ".dvc/config.local").unlink()
    sandbox.environment |= s3_server.environment
    command = str(environment / "pe-dvc")
    assert "household_weight" in sandbox.run(command, "show", LATEST).stdout
    got = sandbox.run(command, "get", LATEST).stdout.strip()
    assert Path(got).read_bytes() == (sandbox.repo / f"data/{NAME}.parquet").read_bytes()


def test_commands_for_data_repos_say_what_they_lack(environment: Path, sandbox: Sandbox) -> None:
    done = sandbox.run(str(environment / "pe-dvc"), "push", code=6)
    assert "needs the Python package yaml, which is not installed here" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_for_gateways_name_their_extra(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").touch()
    done = run(
        environment / "pe-dvc", "audit", "report", "--ledger", "ledger.sqlite", cwd=tmp_path, code=6
    )
    assert "pip install '.[gateway]'" in done.stderr


def pins(lock: str) -> dict[str, str]:
    """Return the versions that a lock file names, by package."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCKS[lock], re.MULTILINE))


@pytest.mark.parametrize("lock", ["-reader", "-publisher"])
def test_the_smaller_locks_are_parts_of_the_whole_one(lock: str) -> None:
    # Where it is installed, every start of the tests would load it: only publishers need it.
    others = pins(lock).items() - pins("").items()
    assert {name for name, _ in others} <= {"google-cloud-kms"}
    assert LOCKS[lock].count("--hash=sha256:") >= len(pins(lock))


def test_the_reader_s_lock_is_of_dependencies_and_the_publisher_s_of_all() -> None:
    declared = {*PROJECT["project"]["dependencies"], "botocore"}  # which dvc-s3 brings
    reader = {each for each in PROJECT["dependency-groups"]["reader"] if isinstance(each, str)}
    assert reader <= declared
    names = {re.split(r"[^a-z0-9-]", each)[0] for each in declared}
    assert names <= pins("-publisher").keys()
    assert {"boto3", "google-cloud-kms", "dvc-gs", "hatchling"} <= pins("-publisher").keys()
    assert "pytest" not in pins("-publisher")
