"""The Python environment of a build: the packages it used, as far as that can be known."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.lockfiles import fitting_wheel, locked_packages
from pe_dvc.documents.manifest import Package
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from pe_dvc.adapters.lockfiles import LockedPackage


def python_version() -> str:
    """Return the version of the running Python, such as ``3.11.9``."""
    return ".".join(map(str, sys.version_info[:3]))


def describe_package(name: str, *, lockfile: Path | None, key: str) -> Package:
    """Return what is known of the package ``name``: installed here, or pinned by ``lockfile``.

    ``wheel_sha256`` is given only where the lock file leaves one wheel for the version that is
    installed; a package installed from git has ``git_sha`` in its place. ``key`` is the setting
    that names the package. Raises NotFoundError where the package is neither installed nor
    pinned.
    """
    locked = locked_packages(lockfile, name) if lockfile else []
    try:
        installed = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return _pinned_package(name, locked, key)
    git_sha = _git_commit(installed)
    wheels = [
        fitting_wheel(pin.wheels)
        for pin in locked
        if pin.version == installed.version and _direct_url(installed) is None
    ]
    return Package(
        name=name,
        version=installed.version,
        wheel_sha256=wheels[0] if len(wheels) == 1 else None,
        git_sha=git_sha,
        data_build_fingerprint=_data_build_fingerprint(installed, name),
    )


def _pinned_package(name: str, locked: list[LockedPackage], key: str) -> Package:
    if len(locked) != 1:
        raise NotFoundError(
            f"the package {name} of {key} is not installed, and the lock file pins "
            f"{'more than one version' if locked else 'none'} of it",
            remedy=f"Install {name} where `dvc repro` runs, or correct {key} in pyproject.toml, or "
            "leave it out.",
        )
    return Package(
        name=name, version=locked[0].version, wheel_sha256=fitting_wheel(locked[0].wheels)
    )


def _direct_url(installed: Distribution) -> dict[str, Any] | None:
    """Return PEP 610's record of an install from elsewhere than an index."""
    text = installed.read_text("direct_url.json")
    return read_json(text.encode(), what="direct_url.json") if text else None


def _git_commit(installed: Distribution) -> str | None:
    source = (_direct_url(installed) or {}).get("vcs_info", {})
    commit = source.get("commit_id", "") if source.get("vcs") == "git" else ""
    return commit if re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", commit) else None


def _data_build_fingerprint(installed: Distribution, name: str) -> str | None:
    """Return what ``<package>.build_metadata.get_data_build_fingerprint()`` says, where it exists.

    That is the convention of PolicyEngine's country models. The module is loaded from its file:
    to import the package itself would build the whole tax and benefit system.
    """
    module = name.replace("-", "_")
    path = Path(str(installed.locate_file(f"{module}/build_metadata.py")))
    if not path.is_file():
        return None
    try:
        function = getattr(_load(path, module), "get_data_build_fingerprint", None)
        return str(function()) if function is not None else None
    except ImportError as error:
        raise FormatError(
            f"cannot be loaded: {error}",
            where=str(path),
            remedy=f"Install {name} with all that it requires.",
        ) from None


def _load(path: Path, module: str) -> Any:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"_pe_dvc_{module}_build_metadata", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path}")
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
