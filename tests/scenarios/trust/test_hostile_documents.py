"""Documents in a clone that an attacker wrote to stop or break commands: a clear error, at once.

Each runs the true command in a process of its own: it must end within seconds, say which file is
at fault, and never call itself a bug.
"""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import run_pe_dvc
from tests.support.hostile_clone import HostileClone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Attack = Callable[[HostileClone], object]

SECONDS = 60
"""Within which a command must end, on a machine that others load; alone it takes a second."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> HostileClone:
    return HostileClone(tmp_path_factory.mktemp("made"))


@pytest.fixture
def clone(made: HostileClone, tmp_path: Path) -> HostileClone:
    copy = object.__new__(HostileClone)
    copy.__dict__.update(made.__dict__)
    copy.home = tmp_path / "home"
    shutil.copytree(made.home, copy.home, symlinks=True)
    copy.root = copy.home / "clone"
    return copy


def _aliases(first: str, line: str) -> str:
    return f"a0: &a0 {first}\n" + "".join(
        line.format(n=n, aliases=", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 40)
    )


def alias_bomb(clone: HostileClone) -> None:
    clone.write("dvc.yaml", _aliases("[x, x]", "a{n}: &a{n} [{aliases}]\n"))


def merge_bomb(clone: HostileClone) -> None:
    clone.write("dvc.yaml", _aliases("{x: 1}", "a{n}: &a{n} {{<<: [{aliases}]}}\n"))


def alias_bomb_in_a_dvc_file(clone: HostileClone) -> None:
    clone.write("data/x.csv.dvc", _aliases("[x, x]", "a{n}: &a{n} [{aliases}]\n"))


def deep_yaml(clone: HostileClone) -> None:
    clone.write("dvc.yaml", "stages: " + "[" * 100_000)


def twins(clone: HostileClone) -> None:
    clone.write("dvc.yaml", "stages: {}\nstages: {}\n")


def pipe_as_pipeline(clone: HostileClone) -> None:
    (clone.root / "dvc.yaml").unlink()
    os.mkfifo(clone.root / "dvc.yaml")


def device_as_pipeline(clone: HostileClone) -> None:
    (clone.root / "dvc.yaml").unlink()
    (clone.root / "dvc.yaml").symlink_to("/dev/zero")


def deep_toml(clone: HostileClone) -> None:
    clone.write("pyproject.toml", "[tool.pe_dvc]\ncountry = " + "[" * 100_000)


def deep_key_in_toml(clone: HostileClone) -> None:
    clone.write("pyproject.toml", ".".join(["a"] * 100_000) + " = 1\n")


def deep_table_in_toml(clone: HostileClone) -> None:
    clone.write("pyproject.toml", "x = {" + ".".join(["a"] * 100_000) + " = 1}\n")


def long_number_in_toml(clone: HostileClone) -> None:
    clone.write("pyproject.toml", "x = " + "9" * 5000)


def deep_manifest(clone: HostileClone) -> None:
    clone.write("manifests/cps.json", '{"artifact":' * 100_000)


def long_number_in_a_manifest(clone: HostileClone) -> None:
    clone.write("manifests/cps.json", '{"artifact": {"size": ' + "9" * 5000 + "}}")


def pipe_as_manifest(clone: HostileClone) -> None:
    (clone.root / "manifests/cps.json").unlink()
    os.mkfifo(clone.root / "manifests/cps.json")


def deep_metadata(clone: HostileClone) -> None:
    clone.write("channels/us/latest.json", '{"signed":' * 100_000)


ATTACKS = {
    "dvc.yaml": (alias_bomb, merge_bomb, deep_yaml, twins, pipe_as_pipeline, device_as_pipeline),
    "x.csv.dvc": (alias_bomb_in_a_dvc_file,),
    "pyproject.toml": (deep_toml, deep_key_in_toml, deep_table_in_toml, long_number_in_toml),
    "cps.json": (deep_manifest, long_number_in_a_manifest, pipe_as_manifest),
    "latest.json": (deep_metadata,),
}
CASES = [(file, attack) for file, attacks in ATTACKS.items() for attack in attacks]


@pytest.mark.parametrize(("file", "attack"), CASES, ids=[attack.__name__ for _, attack in CASES])
def test_check_ends_at_once_and_names_the_file(
    clone: HostileClone, file: str, attack: Attack
) -> None:
    attack(clone)
    start = time.monotonic()
    done = run_pe_dvc("check", cwd=clone.root, code=1)
    assert time.monotonic() - start < SECONDS
    assert file in done.stdout + done.stderr
    assert "bug in pe_dvc" not in done.stderr
    assert len(done.stderr) < 3000


def pattern_bomb(clone: HostileClone) -> None:
    """A path of sixty templates, and one of dvc.lock that almost fits."""
    path, md5 = "a${x}" * 60 + "c", "0" * 32
    clone.write("dvc.yaml", f"stages:\n  s:\n    cmd: x\n    outs: ['{path}']\n")
    out = f"{{path: {'a' * 4000}b, hash: md5, md5: {md5}}}"
    clone.write("dvc.lock", f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs: [{out}]\n")


def stages_without_number(clone: HostileClone) -> None:
    axes = "".join(f"      a{n}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n" for n in range(30))
    clone.write("dvc.yaml", f"stages:\n  s:\n    matrix:\n{axes}    cmd: x\n    outs: [x]\n")
    clone.write("dvc.lock", "schema: '2.0'\nstages:\n  s@1:\n    cmd: x\n")


def pattern_bomb_in_a_key(clone: HostileClone) -> None:
    lines = "a: -----BEGIN PRIVATE KEY-----\n" * 100_000
    clone.write("notes.txt", lines)


@pytest.mark.parametrize("attack", [pattern_bomb, stages_without_number, pattern_bomb_in_a_key])
def test_check_ends_at_once(clone: HostileClone, attack: Attack) -> None:
    attack(clone)
    start = time.monotonic()
    done = run_pe_dvc("check", cwd=clone.root, code=None)
    assert time.monotonic() - start < SECONDS
    assert done.returncode in (0, 1, 3), done.stderr
    assert "bug in pe_dvc" not in done.stderr


@pytest.mark.parametrize("attack", ATTACKS["pyproject.toml"], ids=lambda attack: attack.__name__)
def test_get_in_such_a_directory_is_no_bug(clone: HostileClone, attack: Attack) -> None:
    attack(clone)
    start = time.monotonic()
    arguments = ("pe-data://us/cps@latest", "--store", clone.bucket)
    done = run_pe_dvc("get", *arguments, cwd=clone.root, code=1)
    assert time.monotonic() - start < SECONDS
    assert "no root of trust is pinned" in done.stderr


def test_a_pipe_as_settings_is_not_waited_for(clone: HostileClone) -> None:
    (clone.root / "pyproject.toml").unlink()
    os.mkfifo(clone.root / "pyproject.toml")
    start = time.monotonic()
    done = run_pe_dvc("check", cwd=clone.root, code=None)
    assert time.monotonic() - start < SECONDS
    assert done.returncode in (1, 3)
    assert "pyproject.toml" in done.stderr
