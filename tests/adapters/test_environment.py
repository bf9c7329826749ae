from __future__ import annotations

import json
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.environment import describe_package, python_version
from pe_dvc.adapters.lockfiles import fitting_wheel, locked_packages
from pe_dvc.primitives.errors import FormatError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = "a" * 64, "b" * 64, "c" * 64
CP = f"cp{sys.version_info[0]}{sys.version_info[1]}"
HERE = sysconfig.get_platform().replace("-", "_").replace(".", "_")
KEY = "tool.pe_dvc.model_package"
COMMIT = "1" * 40


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    info = tmp_path / "country_model-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: country-model\nVersion: 2.1\n")
    package = tmp_path / "country_model"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('slow to import')")
    return tmp_path


def uv_lock(path: Path, *wheels: str) -> Path:
    listed = "\n".join(
        f'  {{ url = "https://x/{w}", hash = "sha256:{h}" }},'
        for w, h in (wheel.split("|") for wheel in wheels)
    )
    path.write_text(
        f'version = 1\n[[package]]\nname = "country-model"\nversion = "2.1"\n'
        f'sdist = {{ url = "https://x/s.tar.gz", hash = "sha256:{C}" }}\nwheels = [\n{listed}\n]\n'
    )
    return path


def test_installed_package_and_its_wheel(site: Path) -> None:
    lock = uv_lock(site / "uv.lock", f"country_model-2.1-py3-none-any.whl|{A}")
    package = describe_package("country_model", lockfile=lock, key=KEY)
    assert (package.version, package.wheel_sha256) == ("2.1", A)
    assert (package.git_sha, package.data_build_fingerprint) == (None, None)
    assert describe_package("country-model", lockfile=None, key=KEY).wheel_sha256 is None


def test_wheel_of_another_version_is_not_the_one_installed(site: Path) -> None:
    lock = uv_lock(site / "uv.lock", f"country_model-2.1-py3-none-any.whl|{A}")
    lock.write_text(lock.read_text().replace('"2.1"', '"2.2"'))
    assert describe_package("country-model", lockfile=lock, key=KEY).wheel_sha256 is None


def test_package_from_git_has_a_commit_and_no_wheel(site: Path) -> None:
    direct = {"url": "https://x", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    (site / "country_model-2.1.dist-info/direct_url.json").write_text(json.dumps(direct))
    lock = uv_lock(site / "uv.lock", f"country_model-2.1-py3-none-any.whl|{A}")
    package = describe_package("country-model", lockfile=lock, key=KEY)
    assert (package.git_sha, package.wheel_sha256) == (COMMIT, None)


def test_fingerprint_without_importing_the_package(site: Path) -> None:
    module = site / "country_model/build_metadata.py"
    module.write_text("def get_data_build_fingerprint():\n    return 'sha256:f00'\n")
    package = describe_package("country-model", lockfile=None, key=KEY)
    assert package.data_build_fingerprint == "sha256:f00"
    module.write_text("import not_installed_anywhere\n")
    with pytest.raises(FormatError, match=r"build_metadata\.py: cannot be loaded"):
        describe_package("country-model", lockfile=None, key=KEY)


def test_package_that_is_pinned_only(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"other==1.0\nNot_Installed.Model[x]==6.8.0 ; x \\\n    --hash=sha256:{A}\n")
    package = describe_package("not-installed-model", lockfile=lock, key=KEY)
    # A requirements file names no file: that hash may as well be of the source distribution.
    assert (package.version, package.wheel_sha256) == ("6.8.0", None)
    with pytest.raises(NotFoundError, match=rf"nowhere of {KEY} is not installed") as caught:
        describe_package("nowhere", lockfile=lock, key=KEY)
    assert "Install nowhere" in str(caught.value.remedy)


WHEELS = {
    "one for every platform": ({"m-1-py3-none-any.whl": A}, A),
    "the platform's own before a general one": (
        {"m-1-py3-none-any.whl": A, f"m-1-{CP}-{CP}-{HERE}.whl": B},
        B,
    ),
    "of several the one that fits": (
        {"m-1-cp311-cp311-win_amd64.whl": A, f"m-1-{CP}-{CP}-{HERE}.whl": B},
        B,
    ),
    "none that fits": ({"m-1-cp27-cp27m-win32.whl": A}, None),
    "two that fit alike": ({"m-1-py3-none-any.whl": A, "m-1-1-py3-none-any.whl": B}, None),
    "no wheel's name": ({"m-1.tar.gz": A}, None),
    "none": ({}, None),
}


@pytest.mark.parametrize("case", WHEELS)
def test_wheel_that_fits(case: str) -> None:
    wheels, expected = WHEELS[case]
    assert fitting_wheel(wheels) == expected


def test_pylock(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    path.write_text(
        f'lock-version = "1.0"\n[[packages]]\nname = "m"\nversion = "1"\n'
        f'[[packages.wheels]]\nname = "m-1-py3-none-any.whl"\nhashes = {{ sha256 = "{A}" }}\n'
    )
    (found,) = locked_packages(path, "M")
    assert (found.version, found.wheels) == ("1", {"m-1-py3-none-any.whl": A})


def test_lock_file_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"uv\.lock is not there") as caught:
        locked_packages(tmp_path / "uv.lock", "m")
    assert "tool.pe_dvc.lockfile" in str(caught.value.remedy)
    (tmp_path / "uv.lock").write_text("[[package]]\nname =")
    with pytest.raises(FormatError, match=r"uv\.lock: is not TOML"):
        locked_packages(tmp_path / "uv.lock", "m")


def test_python_version() -> None:
    assert python_version() == sys.version.split()[0].rstrip("+")
