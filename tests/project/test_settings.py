from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.git.repo import GitRepo
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.project.manifest_build import unrecorded_changes
from pe_dvc.project.repo_files import read_dvc_files
from pe_dvc.project.root import find_root
from pe_dvc.project.settings import parse_settings, read_settings
from tests.support.commands import run
from tests.support.dvc_repos import write

if TYPE_CHECKING:
    from pathlib import Path

FULL = """\
[tool.pe_dvc]
country = "us"
store = "s3://policyengine-data"
remote = "policyengine"
contact = "data@policyengine.org"
model_package = "policyengine-us"
core_package = "policyengine-core"
lockfile = "uv.lock"
data_vintage = "cps_asec_2024"
calibration = {snapshot_id = "soi-2024", path = "targets.csv"}
signers = {latest = "file:key", next = ["a", "b"]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".dvc").mkdir()
    write(tmp_path, "pyproject.toml", FULL)
    return tmp_path


def test_settings(root: Path) -> None:
    settings = read_settings(root)
    assert (settings.country, settings.manifests, settings.channels) == (
        "us",
        "manifests",
        "channels",
    )
    assert settings.calibration is not None
    assert settings.calibration.path == "targets.csv"
    assert settings.signers == {"latest": "file:key", "next": ["a", "b"]}


@pytest.mark.parametrize(
    ("country", "more", "access", "minimum"),
    [
        ("us", "", "public", 10),
        ("uk", "", "gated", 10),
        ("uk", 'access = "public"', "public", 10),
        ("us", 'access = "gated"\ndisclosure = {minimum_carriers = 30}', "gated", 30),
    ],
)
def test_disclosure(root: Path, country: str, more: str, access: str, minimum: int) -> None:
    write(root, "pyproject.toml", f'[tool.pe_dvc]\ncountry = "{country}"\n{more}\n')
    rule = read_settings(root).disclosure_rule
    assert (rule.access, rule.minimum_carriers) == (access, minimum)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('access = "open"', 'tool.pe_dvc.access: expected "public" or "gated", got \'open\''),
        ("access = true", 'expected "public" or "gated", got True'),
        ("disclosure = 10", "tool.pe_dvc.disclosure: expected a mapping"),
        ("disclosure = {minimum = 10}", "disclosure.minimum: is not a key that pe_dvc knows"),
        ("disclosure = {minimum_carriers = 0}", "expected a number of units, 1 or more, got 0"),
        ("disclosure = {minimum_carriers = true}", "1 or more, got True"),
        ('disclosure = {minimum_carriers = "10"}', "1 or more, got '10'"),
    ],
)
def test_wrong_disclosure(root: Path, more: str, message: str) -> None:
    write(root, "pyproject.toml", f'[tool.pe_dvc]\ncountry = "uk"\n{more}\n')
    with pytest.raises(FormatError) as caught:
        read_settings(root)
    assert message in caught.value.message
    assert caught.value.remedy


def test_root_is_the_nearest_dvc_repo(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = root / "data" / "deep"
    inside.mkdir(parents=True)
    assert find_root(inside) == root.resolve()
    monkeypatch.chdir(inside)
    assert find_root() == root.resolve()


def test_no_repo(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no DVC repo at .* expected a directory \.dvc") as no:
        find_root(tmp_path)
    assert "dvc init" in str(no.value.remedy)
    (tmp_path / ".dvc").mkdir()
    for function in (find_root, read_settings):
        with pytest.raises(NotFoundError, match=r"has no pyproject\.toml") as caught:
            function(tmp_path)
        assert "[tool.pe_dvc]" in str(caught.value.remedy)


WRONG = {
    "no table": ("[project]\n", "tool.pe_dvc: is missing", 'country = "us"'),
    "no country": ('[tool.pe_dvc]\nstore = "x"\n', "tool.pe_dvc.country: is missing", "Add"),
    "wrong country": ('[tool.pe_dvc]\ncountry = "USA!"\n', "tool.pe_dvc.country: 'USA!'", ""),
    "unknown key": (FULL.replace("contact", "contakt"), "tool.pe_dvc.contakt", "contact?"),
    "unknown key within": (
        FULL.replace("snapshot_id", "snapshot"),
        "tool.pe_dvc.calibration",
        "snapshot_id",
    ),
    "far from any key": (FULL.replace("contact", "zzz"), "tool.pe_dvc.zzz", "use one of"),
    "wrong type": (FULL.replace('"uv.lock"', "3"), "tool.pe_dvc.lockfile", "Correct"),
    "wrong signers": (FULL.replace('"file:key"', "3"), "signers.latest: expected a URI", "Correct"),
    "wrong list": (
        FULL + 'allowed_params = "x"\n',
        "tool.pe_dvc.allowed_params: expected a list",
        "Correct",
    ),
    "not a table": ("[tool]\npe_dvc = 3\n", "tool.pe_dvc: expected a mapping", "country"),
    "not TOML": ("[tool", "is not TOML", "Correct the file"),
    "path that climbs": (
        FULL + 'manifests = "../x"\n',
        "tool.pe_dvc.manifests: '../x' is not a path in the repo",
        "relative",
    ),
    "snapshot of another directory": (
        FULL.replace("targets.csv", "/etc/hostname"),
        "tool.pe_dvc.calibration.path",
        "relative",
    ),
    "a folder that is .git on HFS+": (
        FULL + 'channels = ".g\u200cit/hooks"\n',
        "tool.pe_dvc.channels",
        "relative",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_settings(root: Path, case: str) -> None:
    text, message, remedy = WRONG[case]
    write(root, "pyproject.toml", text)
    with pytest.raises(FormatError) as caught:
        read_settings(root)
    assert str(root / "pyproject.toml") in caught.value.message
    assert message in caught.value.message
    assert remedy in str(caught.value.remedy)


def test_wrong_release_settings_are_said_once_they_are_asked_for(root: Path) -> None:
    write(root, "pyproject.toml", f'{FULL}[tool.pe_dvc.release]\nrepo = "x"\n')
    settings = read_settings(root)
    with pytest.raises(FormatError, match=r"pyproject\.toml: tool\.pe_dvc\.release\.repo"):
        _ = settings.release_settings


def test_git_state(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in a git repo"):
        GitRepo(tmp_path)
    run("git", "init", "-q", cwd=tmp_path)
    data = tmp_path / "data-repo"
    write(data, "a.txt", "a")
    settings = parse_settings(b'[tool.pe_dvc]\ncountry = "us"\n', where="pyproject.toml")

    def state() -> tuple[str | None, list[str]]:
        git = GitRepo(data)
        return git.commit(), unrecorded_changes(git, read_dvc_files(data, git), settings)

    assert state() == (None, ["a.txt"])
    run("git", "add", "-A", cwd=tmp_path)
    run("git", "commit", "-qm", "a", cwd=tmp_path)
    head = run("git", "rev-parse", "HEAD", cwd=tmp_path).stdout.strip()
    write(data, "manifests/states/AL.json", "{}")
    write(data, "channels/us/latest.json", "{}")
    write(data, "dvc.lock", "schema: '2.0'")
    write(data, "data/.gitignore", "/x")
    write(data, "data/x", "x")
    assert state() == (head, [])
    with GitRepo(data).ignore_rules() as ignored:
        assert ignored("data/x")
        assert not ignored("data/y")
    write(data, "manifests.txt", "new")
    write(data, "a.txt", "b")
    write(tmp_path, "beside.txt", "new")
    assert state() == (head, ["../beside.txt", "a.txt", "manifests.txt"])
