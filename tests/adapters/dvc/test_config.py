"""DVC's configuration as read here and as DVC itself reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pe_dvc.adapters.dvc.config import read_config
from pe_dvc.adapters.dvc.ini import ini_text
from pe_dvc.primitives.errors import FormatError, NotFoundError

DVC = [sys.executable, "-m", "dvc"]

LAYOUTS: dict[str, dict[str, str]] = {
    "nothing set": {"repo": ""},
    "one remote": {
        "repo": "[core]\n    remote = policyengine\n"
        "['remote \"policyengine\"']\n    url = s3://policyengine-data/us\n    region = eu-west-2\n"
    },
    "credentials in config.local": {
        "repo": "['remote \"r\"']\n    url = s3://b/us\n    profile = team\n",
        "local": "['remote \"r\"']\n    access_key_id = k\n    secret_access_key = s\n"
        "    profile = mine\n[core]\n    remote = r\n",
    },
    "all four levels": {
        "system": "[core]\nremote = a\n[cache]\ndir = syscache\n['remote \"a\"']\nurl = s3://a\n",
        "global": "[core]\nremote = b\n['remote \"b\"']\nurl = relative/to/global\n",
        "repo": "['remote \"b\"']\nshared = group\n['remote \"c\"']\nurl = gs://c/us\n",
        "local": "[core]\nremote = c\n",
    },
    "relative and home paths": {
        "repo": "[cache]\ndir = ../../shared/cache\n"
        "['remote \"up\"']\nurl = ../../store/us\n"
        "['remote \"home\"']\nurl = ~/store/us\n"
        "['remote \"abs\"']\nurl = /srv/data//x/../us\n"
        "['remote \"keys\"']\nurl = s3://b/us\ncredentialpath = ../secrets/aws\n"
        "configpath = ~/aws\n",
    },
    "remote of a remote": {
        "repo": "['remote \"bucket\"']\nurl = s3://bucket\nendpointurl = http://s3.local:9000\n"
        "region = x\n['remote \"us\"']\nurl = remote://bucket/data/us\nregion = y\n"
        "['remote \"same\"']\nurl = remote://us/deeper\n",
    },
    "case, comments, quotes, other sections": {
        "repo": "# ours\n[Core]\n    Remote = Mixed # default\n    autostage = true\n"
        "['remote \"Mixed\"']\n    URL = 's3://b/us'\n    EndpointUrl = \"http://h:1\"\n"
        "[hydra]\n    enabled = true\n['machine \"m\"']\n    cloud = aws\n",
    },
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    return root


def write(repo: Path, monkeypatch: pytest.MonkeyPatch, layout: dict[str, str]) -> None:
    for level in ("system", "global"):
        directory = repo.parent / level
        directory.mkdir()
        monkeypatch.setenv(f"DVC_{level.upper()}_CONFIG_DIR", str(directory))
        if level in layout:
            (directory / "config").write_text(layout[level])
    (repo / ".dvc" / "config").write_text(layout.get("repo", ""))
    if "local" in layout:
        (repo / ".dvc" / "config.local").write_text(layout["local"])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_reads_what_dvc_reads(
    repo: Path, monkeypatch: pytest.MonkeyPatch, layout: dict[str, str]
) -> None:
    from dvc.config import Config
    from dvc.fs import get_fs_config

    write(repo, monkeypatch, layout)
    ours, theirs = read_config(repo), Config(str(repo / ".dvc"))
    assert ours.default_remote == theirs["core"].get("remote")
    assert str(ours.cache_dir) == theirs["cache"].get("dir", str(repo / ".dvc" / "cache"))
    assert set(ours.remotes) == set(theirs["remote"])
    for name in theirs["remote"]:
        wanted = dict(get_fs_config(theirs, name=name))
        got = ours.remote(name)
        assert got.url == wanted.pop("url")
        # DVC fills in defaults; what is written must be there, in its words.
        assert got.options.items() <= {k: str(v) for k, v in wanted.items()}.items()


def test_where_the_users_file_lies_when_nothing_says_so(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_GLOBAL_CONFIG_DIR", raising=False)
    subprocess.run([*DVC, "config", "--global", "core.remote", "mine"], cwd=repo, check=True)
    assert read_config(repo).default_remote == "mine"


def test_as_the_dvc_command_writes_it(repo: Path) -> None:
    for command in (
        ["remote", "add", "-d", "PolicyEngine", "s3://bucket/us"],
        ["remote", "modify", "PolicyEngine", "endpointurl", "http://127.0.0.1:9"],
        ["remote", "modify", "--local", "PolicyEngine", "secret_access_key", "a=b#c,d"],
    ):
        subprocess.run([*DVC, *command], cwd=repo, check=True, stdout=subprocess.DEVNULL)
    config = read_config(repo)
    remote = config.remote("PolicyEngine")
    assert config.default_remote == remote.name == "policyengine"
    assert remote.options["secret_access_key"] == "a=b#c,d"
    assert "a=b#c,d" not in repr(config) + repr(remote)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[core\nremote = x\n", "line 1"),
        ("[core]\nremote\n", "line 2"),
        ("['remote \"r\"']\nurl = s3://a, s3://b\n", "one value for url"),
        ("core = x\n", "expected a section"),
    ],
)
def test_a_file_that_is_wrong_is_named(repo: Path, text: str, sentence: str) -> None:
    (repo / ".dvc" / "config").write_text(text)
    with pytest.raises(FormatError, match=sentence) as caught:
        read_config(repo)
    assert str(repo / ".dvc" / "config") in str(caught.value)


def test_bytes_that_are_no_text(repo: Path) -> None:
    (repo / ".dvc" / "config").write_bytes(b"[core]\nremote = \xff\xfe\n")
    with pytest.raises(FormatError, match="config"):
        read_config(repo)


def test_a_remote_that_is_missing_or_incomplete(repo: Path) -> None:
    (repo / ".dvc" / "config").write_text(
        "['remote \"none\"']\nregion = x\n"
        "['remote \"a\"']\nurl = remote://b/x\n['remote \"b\"']\nurl = remote://a/x\n"
        "['remote \"lost\"']\nurl = remote://nowhere/x\n"
    )
    config = read_config(repo)
    for name, kind, sentence in (
        ("gone", NotFoundError, "gone"),
        ("lost", NotFoundError, "nowhere"),
        ("none", FormatError, "no url"),
        ("a", FormatError, "circle"),
    ):
        with pytest.raises(kind, match=sentence):
            config.remote(name)


def test_a_directory_that_is_no_dvc_repo(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="not a DVC repo") as caught:
        read_config(tmp_path)
    assert "dvc init" in (caught.value.remedy or "")


def test_reading_imports_no_dvc(repo: Path) -> None:
    code = "import sys; from pathlib import Path; from pe_dvc.adapters.dvc.config import *; "
    code += "read_config(Path('.')); print(sorted(m for m in sys.modules if m == 'dvc'))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, check=True, capture_output=True, text=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("name", ["plain", "a #b", "a, b", "it's", '"x"'])
def test_dvc_reads_the_paths_that_are_written_for_it(tmp_path: Path, name: str) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    place = str(tmp_path / name / "cache")
    (tmp_path / ".dvc/config.local").write_text(ini_text("cache", {"dir": place, "type": "copy"}))
    command = [*DVC, "config", "--local", "cache.dir"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == place
    assert read_config(tmp_path).cache_dir == Path(place)
