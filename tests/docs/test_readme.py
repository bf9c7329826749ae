"""Every command that the README shows is run here as it is printed, on a real S3 server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import run
from tests.support.paths import BIN, ROOT
from tests.support.sandbox import RELEASE, Sandbox

if TYPE_CHECKING:
    from tests.support.servers import S3Endpoint

README = (ROOT / "README.md").read_text()


def blocks(heading: str, language: str = "sh") -> list[str]:
    """Return the fenced blocks below a heading, as printed."""
    section = re.split(r"^## ", README, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="session")
def policyengine_bucket(s3_server: S3Endpoint) -> str:
    """The bucket of the name that the README prints."""
    s3_server.client().create_bucket(Bucket="policyengine-data")
    return "s3://policyengine-data"


@pytest.fixture
def published(
    tmp_path: Path, sandbox_template: Sandbox, s3_server: S3Endpoint, policyengine_bucket: str
) -> Sandbox:
    """A data repo whose commit is in the bucket."""
    made = Sandbox(tmp_path, policyengine_bucket, {"endpointurl": s3_server.endpoint})
    made.environment |= s3_server.environment
    made.start_from(sandbox_template)
    # What the README's readers find in the data repo: a remote that needs no configuration.
    config = "[core]\n    remote = policyengine\n['remote \"policyengine\"']\n"
    made.write(".dvc/config", f"{config}    url = {policyengine_bucket}/us\n    verify = true\n")
    (made.repo / ".dvc/config.local").unlink()
    made.commit("Configure the remote")
    made.pe_dvc("push")
    return made


def shell(sandbox: Sandbox, script: str, cwd: Path) -> str:
    """Run a block as a person would paste it: the first failure ends it."""
    return sandbox.run("bash", "-euo", "pipefail", "-c", script, cwd=cwd).stdout


def test_a_researcher_without_a_clone(published: Sandbox) -> None:
    here = published.researcher
    shutil.copy(published.repo / "channels/us/root.json", here)
    (script,) = blocks("A researcher without a clone")
    said = shell(published, script, here)
    assert "household_weight" in said
    assert (
        Path(said.splitlines()[-1]).read_bytes()
        == (published.repo / "data/enhanced_cps_2024.parquet").read_bytes()
    )
    program = "\n".join(blocks("A researcher without a clone", "python"))
    checked = f"{program}\nassert path.is_file()\nassert str(pin).count('@sha256:') == 1\n"
    checked += "assert frame.shape == (1000, 2)\n"
    checked += "assert what.table.weight == 'household_weight'\n"
    published.run(sys.executable, "-c", checked, cwd=here, PE_DVC_STORE=published.store)
    (export,) = re.findall(r"For Stata: `(.*?)`", README)
    published.run(*export.split(), cwd=here, PE_DVC_STORE=published.store)
    assert (here / "cps.dta").is_file()


def test_a_researcher_with_a_clone(published: Sandbox) -> None:
    (script,) = blocks("A researcher with a clone")
    url = re.search(r"https://github\.com/\S+", script)
    assert url is not None
    published.run("git", "config", "--global", f"url.{published.repo}.insteadOf", url.group())
    assert shell(published, script, published.researcher).count("signed in latest") == 2


def test_a_maintainer(
    tmp_path: Path, built: Sandbox, s3_server: S3Endpoint, policyengine_bucket: str
) -> None:
    """From an empty git repo and a data file to a verified read; no file is written by hand."""
    bucket = policyengine_bucket.removeprefix("s3://")
    maintainer = Sandbox(tmp_path / "new", f"s3://{bucket}/from-nothing", {})
    maintainer.environment |= s3_server.environment
    (maintainer.repo / "data").mkdir(parents=True)
    data = (built.repo / "data/enhanced_cps_2024.parquet").read_bytes()
    (maintainer.repo / "data/enhanced_cps_2024.parquet").write_bytes(data)
    maintainer.run("git", "init", "--quiet")
    once, every_build = blocks("A maintainer of a data repo")
    # Other tests publish to the bucket itself.
    shell(maintainer, once.replace(policyengine_bucket, maintainer.store), maintainer.repo)
    maintainer.write("notes.txt", "so that there is something to commit")
    shell(maintainer, every_build, maintainer.repo)
    assert maintainer.run("git", "status", "--porcelain").stdout == ""
    maintainer.trust()
    assert maintainer.read("get", "us/enhanced_cps_2024@latest", "-o", "got").returncode == 0
    assert (maintainer.researcher / "got").read_bytes() == data


def test_install(tmp_path: Path) -> None:
    """What `pip install .` installs: the wheel, with every module, the command and the types."""
    source = tmp_path / "source"
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    command = [f"{BIN}/uv", "build", "--wheel", "--no-build-isolation"]
    command += ["--python", sys.executable, "--out-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {p.relative_to(source).as_posix() for p in (source / "pe_dvc").rglob("*.py")}
    assert modules <= names
    assert "pe_dvc/py.typed" in names
    assert not any(name.startswith(("tests/", "benchmarks/", "examples/")) for name in names)
    check_init_of(wheel, tmp_path)
    for block in blocks("Install"):
        for line in block.splitlines():
            if line.startswith("pip"):
                assert re.match(r"pip install ('\.\[export\]'|\.) +#", line)


def check_init_of(wheel: Path, directory: Path) -> None:
    """Set up a repo with the package as it is in the wheel: it has the starter files."""
    zipfile.ZipFile(wheel).extractall(directory / "installed")
    (directory / "us-data").mkdir()
    run("git", "init", "--quiet", cwd=directory / "us-data")
    program = "import pe_dvc; pe_dvc.Repo().init('us', store='s3://b'); print(pe_dvc.__file__)"
    variables = {**os.environ, "PYTHONPATH": str(directory / "installed")}
    said = run(sys.executable, "-c", program, cwd=directory / "us-data", environment=variables)
    assert said.stdout.startswith(str(directory / "installed"))
    assert (directory / "us-data/.github/workflows/publish.yml").is_file()


def test_the_two_commands_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"^make (\w+)", "\n".join(blocks("Try it")), re.MULTILINE))
    assert shown == {"demo", "test"}
    assert shown <= targets


def test_every_link_in_the_docs_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_release_manager(published: Sandbox) -> None:
    with (published.repo / "pyproject.toml").open("a") as settings:
        settings.write(RELEASE)
    published.commit("Settle what a release holds")
    published.run("git", "init", "--quiet", "--bare", "origin.git", cwd=published.directory)
    published.run("git", "remote", "add", "origin", str(published.directory / "origin.git"))
    published.run("git", "push", "--quiet", "--set-upstream", "origin", "HEAD")
    published.environment["PE_DVC_STORE"] = str(published.directory / "elsewhere")
    (script,) = blocks("A release manager")
    shell(published, script, published.repo)
    published.trust()
    got = published.pe_dvc("get", "us/enhanced_cps_2024@1.78.2", cwd=published.researcher)
    assert Path(got.stdout.strip()).is_file()
    assert "refs/tags/1.78.2" in published.run("git", "ls-remote", "origin").stdout
