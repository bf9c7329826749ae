"""A package as it is now: named, in a lock file, or installed."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from pe_dvc.adapters.data_build_fingerprint import of_wheel
from pe_dvc.adapters.environment import describe_package
from pe_dvc.documents.provenance import Package
from pe_dvc.documents.staleness import CurrentPackage
from pe_dvc.primitives.errors import FormatError, NotFoundError

_KEY = "--model-package"


def named_package(text: str | None, version: str | None, published: str | None) -> CurrentPackage:
    """Return a package that a person named: ``NAME``, ``NAME==VERSION`` or the path of a wheel.

    ``published`` is the package's name in the manifest, where only a version was given. Raises
    FormatError for a text of another form, and NotFoundError for no such wheel.
    """
    if text is not None and text.endswith(".whl"):
        return _of_wheel(Path(text), version)
    name, _, pinned = (text or published or "").partition("==")
    name, wanted = name.strip(), version or pinned.strip()
    if not name:
        reason = "the manifest names no model package: name it, as in --model-package NAME==VERSION"
        return CurrentPackage(package=None, reason=reason)
    if not wanted:
        return current_package(name, None)
    if version and pinned and version != pinned.strip():
        raise FormatError(f"{_KEY} {text} and --model-version {version} name two versions")
    return CurrentPackage(package=Package(name=name, version=_checked(wanted)), source="named")


def current_package(
    name: str, lockfile: Path | None, *, wheel: Path | None = None
) -> CurrentPackage:
    """Return a package as ``lockfile`` pins it; where that has none of it, as it is installed.

    ``wheel`` is its wheel, for its fingerprint where it is not installed. What cannot be told is
    returned as a reason. Raises NotFoundError and FormatError for a lock file that is not one.
    """
    from pe_dvc.adapters.lockfiles import locked_packages

    locked = locked_packages(lockfile, name) if lockfile else []
    if not locked:
        return _installed(name, lockfile)
    source = f"locked in {lockfile.name}" if lockfile else None
    try:
        package = describe_package(name, lockfile=lockfile, key=_KEY, wheel=wheel)
        return CurrentPackage(package=package, source=source)
    except (NotFoundError, FormatError):
        # Another version is installed here than is locked: what is locked is what a build takes.
        pins = {pin.version for pin in locked}
        version = pins.pop() if len(pins) == 1 else None
    if version is None:
        return CurrentPackage(
            package=None, reason=f"{lockfile} pins more than one version of {name}"
        )
    return CurrentPackage(package=Package(name=name, version=version), source=source)


def _installed(name: str, lockfile: Path | None) -> CurrentPackage:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        locked = "nor in the lock file" if lockfile else "and no lock file is named"
        return CurrentPackage(package=None, reason=f"{name} is not installed here, {locked}")
    package = describe_package(name, lockfile=None, key=_KEY)
    return CurrentPackage(package=package, source="installed")


def _of_wheel(path: Path, version: str | None) -> CurrentPackage:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    if not path.is_file():
        raise NotFoundError(f"the wheel {path} is not there", remedy=f"Correct {_KEY}.")
    try:
        name = str(parse_wheel_filename(path.name)[0])
    except InvalidWheelFilename as error:
        raise FormatError(f"is not named as a wheel: {error}", where=str(path)) from None
    found = of_wheel(path, name)
    if version not in (None, found.version):
        raise FormatError(
            f"is of version {found.version}, and --model-version is {version}", where=str(path)
        )
    package = Package(
        name=name,
        version=found.version,
        wheel_sha256=found.sha256,
        data_build_fingerprint=found.fingerprint,
    )
    return CurrentPackage(package=package, source=f"the wheel {path.name}")


def _checked(version: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(version))
    except InvalidVersion:
        raise FormatError(
            f"{version!r} is not a version: expected one of PEP 440, such as 1.637.0"
        ) from None
