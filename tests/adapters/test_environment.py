from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from pe_dvc.adapters.data_build_fingerprint import of_wheel
from pe_dvc.adapters.environment import describe_package, python_version
from pe_dvc.adapters.lockfiles import fitting_wheel, locked_packages
from pe_dvc.primitives.errors import DigestMismatchError, FormatError, NotFoundError

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


def installed_from(site: Path, **direct: object) -> None:
    path = site / "country_model-2.1.dist-info/direct_url.json"
    path.write_text(json.dumps({"url": "file:///src", **direct}))


def locked_from(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


UV = 'version = 1\n[[package]]\nname = "country-model"\nversion = "{}"\nsource = {{ {} }}\n'
POETRY = (
    '[[package]]\nname = "country_model"\nversion = "{}"\n'
    'files = [{{file = "country_model-2.1-py3-none-any.whl", hash = "sha256:' + A + '"}}, '
    '{{file = "country_model-2.1.tar.gz", hash = "sha256:' + B + '"}}]\n{}'
)
PYLOCK = 'lock-version = "1.0"\n[[packages]]\nname = "country-model"\n{}\n'
FROM_GIT: dict[str, object] = {"vcs_info": {"vcs": "git", "commit_id": COMMIT}}
EDITABLE: dict[str, object] = {"dir_info": {"editable": True}}
FROM_WHEEL: dict[str, object] = {"archive_info": {"hashes": {"sha256": A}}}
INDEX = 'registry = "https://pypi.org/simple"'

NOT_LOCKED = {
    "another version": ("uv.lock", UV.format("2.2", INDEX), None, "pins 2.2 of"),
    "a local version": ("uv.lock", UV.format("2.1+local", INDEX), None, r"pins 2.1\+local of"),
    "not in the lock file": (
        "uv.lock",
        UV.format("2.1", INDEX).replace("country-model", "other"),
        None,
        "pins no version of",
    ),
    "editable": (
        "uv.lock",
        UV.format("2.1", INDEX),
        EDITABLE,
        "2.1 from a folder, editable is installed",
    ),
    "git in place of a release": ("uv.lock", UV.format("2.1", INDEX), FROM_GIT, "2.1 from git 111"),
    "another commit": (
        "uv.lock",
        UV.format("2.1", f'git = "https://x/m?rev=main#{"2" * 40}"'),
        FROM_GIT,
        "pins 2.1 from git 222222222222 of",
    ),
    "poetry, another version": ("poetry.lock", POETRY.format("2.0", ""), None, "pins 2.0 of"),
    "poetry, another commit": (
        "poetry.lock",
        POETRY.format(
            "2.1", f'[package.source]\ntype = "git"\nresolved_reference = "{"3" * 40}"\n'
        ),
        FROM_GIT,
        "from git 333",
    ),
    "pylock, a folder": (
        "pylock.toml",
        PYLOCK.format('directory = { path = "m", editable = true }'),
        None,
        "pins any version from editable of",
    ),
    "pip": (
        "requirements.txt",
        f"country_model==2.2 \\\n    --hash=sha256:{A}\n",
        None,
        "pins 2.2 of",
    ),
    "pip, a commit": (
        "requirements.txt",
        f"country-model @ git+https://x/m@{'4' * 40}\n",
        None,
        "pins any version from git 4444",
    ),
    "another file": (
        "uv.lock",
        UV.format("2.1", INDEX),
        {"archive_info": {"hashes": {"sha256": B}}},
        "2.1 from a file is installed",
    ),
}


@pytest.mark.parametrize("case", NOT_LOCKED)
def test_what_is_installed_is_not_what_is_locked(site: Path, case: str) -> None:
    name, text, direct, said = NOT_LOCKED[case]
    if direct is not None:
        installed_from(site, **direct)
    lock = locked_from(site / name, text)
    with pytest.raises(FormatError, match=said) as caught:
        describe_package("country-model", lockfile=lock, key=KEY)
    assert "2.1" in caught.value.message
    assert '[tool.pe_dvc.unlocked] country-model = "' in str(caught.value.remedy)
    package = describe_package("country-model", lockfile=lock, key=KEY, unlocked="a hotfix")
    assert package.unlocked_reason == "a hotfix"
    assert package.version == "2.1"
    assert str(package.locked_version) in caught.value.message


LOCKED: dict[str, tuple[str, str, dict[str, object] | None, tuple[str | None, ...]]] = {
    "uv": ("uv.lock", UV.format("2.1", INDEX), None, (None, None, None)),
    "uv, written otherwise": ("uv.lock", UV.format("2.1.0", INDEX), None, (None, None, None)),
    "uv from git": (
        "uv.lock",
        UV.format("2.1", f'git = "https://x/m#{COMMIT}"'),
        FROM_GIT,
        (None, COMMIT, "git"),
    ),
    "uv, editable": (
        "uv.lock",
        UV.format("2.1", 'editable = "m"'),
        EDITABLE,
        (None, None, "editable"),
    ),
    "poetry": ("poetry.lock", POETRY.format("2.1", ""), None, (A, None, None)),
    "poetry from git": (
        "poetry.lock",
        POETRY.format("2.1", f'[package.source]\ntype = "git"\nresolved_reference = "{COMMIT}"\n'),
        FROM_GIT,
        (None, COMMIT, "git"),
    ),
    "poetry, a folder": (
        "poetry.lock",
        POETRY.format("2.1", '[package.source]\ntype = "directory"\nurl = "m"\n'),
        {"dir_info": {}},
        (None, None, "directory"),
    ),
    "the very wheel": ("poetry.lock", POETRY.format("2.1", ""), FROM_WHEEL, (A, None, "archive")),
    "pylock from git": (
        "pylock.toml",
        PYLOCK.format(f'vcs = {{ type = "git", url = "https://x", commit-id = "{COMMIT}" }}'),
        FROM_GIT,
        (None, COMMIT, "git"),
    ),
    "pylock, editable": (
        "pylock.toml",
        PYLOCK.format('directory = { path = "m", editable = true }'),
        EDITABLE,
        (None, None, "editable"),
    ),
    "pip with hashes": (
        "requirements.txt",
        f"country_model==2.1 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n",
        None,
        (None, None, None),
    ),
    "pip from git": (
        "requirements.txt",
        f"-e git+https://x/m@{COMMIT}#egg=country-model\n",
        FROM_GIT,
        (None, COMMIT, "git"),
    ),
    "pip, an address": (
        "requirements.txt",
        f"country-model @ https://x/country_model-2.1-py3-none-any.whl#sha256={A}\n",
        FROM_WHEEL,
        (None, None, "archive"),
    ),
}


@pytest.mark.parametrize("case", LOCKED)
def test_what_is_installed_is_what_is_locked(site: Path, case: str) -> None:
    name, text, direct, expected = LOCKED[case]
    if direct is not None:
        installed_from(site, **direct)
    package = describe_package(
        "country-model", lockfile=locked_from(site / name, text), key=KEY, unlocked="not needed"
    )
    assert (package.wheel_sha256, package.git_sha, package.installed_from) == expected
    assert (package.locked_version, package.unlocked_reason, package.known_from) == (None,) * 3


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
    assert package.known_from == "lockfile", "nothing shows that the build had it"
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


# As PolicyEngine's models compute it, which is told by the text of these two functions.
MODEL = """\
import hashlib
from functools import lru_cache
from pathlib import Path
from not_installed_anywhere import core

raise RuntimeError("the code of a wheel is not run")
PACKAGE_ROOT = Path(__file__).resolve().parent
DATA_BUILD_SURFACE = ("entities.py", "variables")


def _iter_surface_files() -> list[Path]:
    files: list[Path] = []
    for relative_path in DATA_BUILD_SURFACE:
        path = PACKAGE_ROOT / relative_path
        if path.is_file():
            files.append(path)
            continue
        if path.is_dir():
            files.extend(
                child
                for child in sorted(path.rglob("*"))
                if child.is_file()
                and "__pycache__" not in child.parts
                and child.suffix not in {".pyc", ".pyo"}
            )
    return files


@lru_cache(maxsize=1)
def get_data_build_fingerprint() -> str:
    digest = hashlib.sha256()
    for file_path in _iter_surface_files():
        relative_path = file_path.relative_to(PACKAGE_ROOT).as_posix()
        digest.update(relative_path.encode("utf-8"))
        digest.update(b"\\0")
        digest.update(file_path.read_bytes())
        digest.update(b"\\0")
    return f"sha256:{digest.hexdigest()}"
"""
FILES = ("variables/b.py", "variables/a/c.py", "variables/a.py", "variables/a-b.py", "entities.py")


def wheel_of(folder: Path, code: str, name: str = "country_model-2.1-py3-none-any.whl") -> Path:
    with ZipFile(folder / name, "w") as archive:
        archive.writestr("country_model/build_metadata.py", code)
        for path in (*FILES, "variables/__pycache__/a.py", "variables/a.pyc", "tests/a.py"):
            archive.writestr(f"country_model/{path}", f"a = {path!r}\n")
        archive.writestr(
            "country_model-2.1.dist-info/METADATA", "Name: country-model\nVersion: 2.1\n"
        )
    return folder / name


def test_fingerprint_of_a_wheel_is_that_of_the_package_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = wheel_of(tmp_path, MODEL)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = uv_lock(tmp_path / "uv.lock", f"{wheel.name}|{sha256}")
    package = describe_package("country-model", lockfile=lock, key=KEY, wheel=wheel)
    assert (package.version, package.wheel_sha256) == ("2.1", sha256)
    installed = tmp_path / "site"
    with ZipFile(wheel) as archive:
        archive.extractall(installed)
    runs = MODEL.replace("from not_installed_anywhere import core", "").replace("raise Run", "Run")
    (installed / "country_model/build_metadata.py").write_text(runs)
    monkeypatch.syspath_prepend(installed)
    same = describe_package("country-model", lockfile=None, key=KEY)
    assert str(same.data_build_fingerprint).startswith("sha256:")
    assert package.data_build_fingerprint == same.data_build_fingerprint


def test_fingerprint_of_a_wheel_that_is_not_the_locked_one(tmp_path: Path) -> None:
    wheel = wheel_of(tmp_path, MODEL)
    lock = uv_lock(tmp_path / "uv.lock", f"{wheel.name}|{A}")
    with pytest.raises(DigestMismatchError, match="one of the 1 files that the lock file pins"):
        describe_package("country-model", lockfile=lock, key=KEY, wheel=wheel)


BAD_WHEELS = {
    "not a zip": (b"x", "country_model-2.1-py3-none-any.whl", "cannot be read"),
    "not a wheel's name": (b"x", "country_model.whl", "is not named as a wheel"),
    "of another package": (b"x", "other-2.1-py3-none-any.whl", "expected country-model"),
}


@pytest.mark.parametrize("case", BAD_WHEELS)
def test_wheel_without_a_fingerprint(tmp_path: Path, case: str) -> None:
    data, name, said = BAD_WHEELS[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError, match=said):
        of_wheel(tmp_path / name, "country-model")


BAD_RULES = {
    "not Python": ("1 +", "is not Python"),
    "without functions": ("", "in a way pe_dvc does not know"),
    "another function": (MODEL.replace("sha256()", "sha1()"), "in a way pe_dvc does not know"),
    "no surface": (MODEL.replace('("entities.py", "variables")', "names()"), "has no list of"),
}


@pytest.mark.parametrize("case", BAD_RULES)
def test_wheel_that_computes_its_fingerprint_in_another_way(tmp_path: Path, case: str) -> None:
    code, said = BAD_RULES[case]
    with pytest.raises(FormatError, match=said):
        of_wheel(wheel_of(tmp_path, code), "country-model")


def test_lock_file_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"uv\.lock is not there") as caught:
        locked_packages(tmp_path / "uv.lock", "m")
    assert "tool.pe_dvc.lockfile" in str(caught.value.remedy)
    (tmp_path / "uv.lock").write_text("[[package]]\nname =")
    with pytest.raises(FormatError, match=r"uv\.lock: is not TOML"):
        locked_packages(tmp_path / "uv.lock", "m")


def test_python_version() -> None:
    assert python_version() == sys.version.split()[0].rstrip("+")
