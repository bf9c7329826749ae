"""us, uk and be in one git repo, each a DVC repo in a directory of its own: the whole story."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import GIT_STATUS, run
from tests.support.country_repos import CountryRepo, Reader

if TYPE_CHECKING:
    from pathlib import Path

COUNTRIES = ("us", "uk", "be")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> list[CountryRepo]:
    """Return three countries, each published once; not to be changed."""
    base = tmp_path_factory.mktemp("countries")
    return [_published(country) for country in _repos(base)]


def _repos(base: Path) -> list[CountryRepo]:
    top, store = base / "microcosm", str(base / "bucket")
    return [CountryRepo(top / name, name, store, base / "home", {}) for name in COUNTRIES]


def _published(repo: CountryRepo) -> CountryRepo:
    top = repo.root.parent
    if not top.exists():
        top.mkdir()
        repo.run("git", "init", "--quiet", cwd=top)
    repo.create("--subdir", "--no-hooks")
    repo.write(10, COUNTRIES.index(repo.country))
    repo.add()
    repo.publish(f"Set up {repo.country}")
    return repo


@pytest.fixture
def countries(tmp_path: Path, template: list[CountryRepo]) -> list[CountryRepo]:
    """Return the three in places of their own."""
    base = template[0].root.parent.parent
    shutil.copytree(base, tmp_path, symlinks=True, dirs_exist_ok=True)
    made = _repos(tmp_path)
    for repo in made:
        repo.run("dvc", "remote", "modify", "policyengine", "url", f"{repo.store}/{repo.country}")
        repo.run("pe-dvc", "install")
    made[0].run("git", "commit", "--quiet", "--all", "--message", "Another bucket")
    return made


def test_each_is_built_pushed_and_released(tmp_path: Path, countries: list[CountryRepo]) -> None:
    tags = {}
    for number, repo in enumerate(countries):
        for age in (20, 21):
            repo.write(age, number)
            repo.publish(f"Build {repo.country} of {age}")
        log = repo.json("channel", "log", "latest")
        assert (log["broken"], len(log["versions"])) == (None, 3)
        tags[repo.country] = repo.release(f"populace-{repo.country}", number)
        for command in ("check", "verify", "fsck", "gc"):
            repo.run("pe-dvc", command)
    top = countries[0].root.parent
    assert countries[0].run(*GIT_STATUS, cwd=top).stdout == ""
    for repo in countries:
        assert [row["tag"] for row in repo.json("release", "list")] == [tags[repo.country]]
    researcher = Reader(tmp_path / "reader", countries[0].store, {})
    for number, repo in enumerate(countries):
        researcher.trust(repo)
        for selector in ("latest", tags[repo.country]):
            assert researcher.ages(f"{repo.country}/{repo.name}@{selector}") == [21, number]


def test_a_commit_is_checked_in_every_country(countries: list[CountryRepo]) -> None:
    """The hooks of one do not take the place of another's."""
    for repo in countries:
        path = repo.root / f"manifests/{repo.name}.json"
        good = path.read_bytes()
        document = json.loads(good)
        document["build"]["built_at"] = "2001-01-01T00:00:00Z"
        path.write_text(json.dumps(document))
        repo.run("git", "add", "--all", ".")
        refused = repo.run("git", "commit", "--message", "Edited", code=1, cwd=repo.root.parent)
        assert f"differs  {repo.name}" in refused.stdout + refused.stderr
        path.write_bytes(good)
        repo.run("git", "add", "--all", ".")


def test_a_git_push_publishes_every_country(tmp_path: Path, countries: list[CountryRepo]) -> None:
    us, *_ = countries
    top, remote = us.root.parent, tmp_path / "origin.git"
    us.run("git", "branch", "--move", "--force", "main", cwd=top)
    us.run("git", "init", "--quiet", "--bare", "--initial-branch=main", remote, cwd=tmp_path)
    us.run("git", "remote", "add", "origin", remote, cwd=top)
    us.run("git", "push", "--quiet", "origin", "main", cwd=top)
    for number, repo in enumerate(countries):
        repo.write(50, number)
        repo.run("dvc", "repro", "--quiet")
        repo.commit(f"Build {repo.country}")
    us.run("git", "push", "--quiet", "origin", "main", cwd=top)
    assert not (top / ".git/pe_dvc/pushing").exists()
    researcher = Reader(tmp_path / "reader", us.store, {})
    for number, repo in enumerate(countries):
        researcher.trust(repo)
        assert researcher.ages(f"{repo.country}/{repo.name}@latest") == [50, number]


def test_hooks_are_taken_away_of_one(countries: list[CountryRepo]) -> None:
    us, uk, be = countries
    top = us.root.parent
    assert "Hooks removed" in uk.run("pe-dvc", "install", "--uninstall").stderr
    assert "No hooks of pe-dvc here" in uk.run("pe-dvc", "install", "--uninstall").stderr
    (uk.root / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    uk.commit("Nothing checks it")
    path = be.root / f"manifests/{be.name}.json"
    path.write_text(path.read_text().replace('"weight"', '"heavy"'))
    us.run("git", "add", "--all", cwd=top)
    us.run("git", "commit", "--quiet", "--message", "Edited", code=1, cwd=top)
    for repo in (us, be):
        assert "Hooks removed" in repo.run("pe-dvc", "install", "--uninstall").stderr
    us.run("git", "commit", "--quiet", "--message", "Edited", cwd=top)
    assert run("git", "config", "--local", "core.hooksPath", cwd=top, code=1).stdout == ""
    assert not (top / ".git/pe_dvc").exists()
