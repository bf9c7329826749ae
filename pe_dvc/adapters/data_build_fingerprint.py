"""The fingerprint that PolicyEngine's country models have of what builds of data use of them.

It is what ``<package>.build_metadata.get_data_build_fingerprint()`` returns: of an installed
package, or of a wheel that is not installed.
"""

from __future__ import annotations

import ast
import hashlib
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import DigestMismatchError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

    from pe_dvc.adapters.lockfiles import LockedPackage

MAX_BYTES = 2 * 1024**3
"""Most bytes of a model's files, unpacked; policyengine-us has 54 MB in 20,000 files."""
MAX_FILES = 200_000
MAX_RULES = 1024 * 1024
"""Most bytes of a build_metadata.py."""

_RULES = {
    "_iter_surface_files": "91258f321ddd72abc6d4c76a8b73b7650fd61ab9301d4a20214cfc85ca89a639",
    "get_data_build_fingerprint": (
        "9d148c830925029b2b6c7c9e2b001bdb817ecd37162da194a7a2694646b9658a"
    ),
}
"""The sha256 of the functions that compute it, blanks as one: of policyengine-us and -uk, 2026."""


@dataclass(frozen=True, kw_only=True)
class WheelFingerprint:
    """A wheel's sha256, the version in it, and the fingerprint, None where the model has none."""

    sha256: str
    version: str
    fingerprint: str | None


def of_installed(installed: Distribution, name: str) -> str | None:
    """Return the fingerprint of an installed package, None where it has none.

    The module is loaded from its file: to import the package itself would build the whole tax and
    benefit system. Raises FormatError where it cannot be loaded.
    """
    module = _module_name(name)
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


def of_wheel(wheel: Path, name: str, pin: LockedPackage | None = None) -> WheelFingerprint:
    """Return the fingerprint of the package ``name`` in a wheel, which is not installed.

    The wheel's own code computes it, from its files in a temporary folder. ``pin`` is what it must
    be. Raises DigestMismatchError for a wheel that is not the one that is pinned
    for none, and FormatError for one that cannot be read or loaded.
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    from pe_dvc.adapters.digests import digest_file

    sha256 = digest_file(wheel).sha256
    try:
        found, version, _, _ = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise _wrong(wheel, f"is not named as a wheel: {error}") from None
    if found != name.replace("_", "-").replace(".", "-").lower():
        raise _wrong(wheel, f"is a wheel of {found}, expected {name}")
    pinned = {*pin.hashes, *pin.wheels.values()} if pin else set()
    if pinned and sha256 not in pinned:
        raise DigestMismatchError(
            what=f"the wheel of {name}",
            expected=f"one of the {len(pinned)} files that the lock file pins",
            actual=f"sha256:{sha256}",
            source=str(wheel),
            remedy="Name the wheel of the locked version, or lock this one.",
        )
    fingerprint = _fingerprint(wheel, _module_name(name))
    return WheelFingerprint(sha256=sha256, version=str(version), fingerprint=fingerprint)


def _fingerprint(wheel: Path, module: str) -> str | None:
    try:
        with ZipFile(wheel) as archive:
            members = {m.filename: m for m in archive.infolist()}
            if len(members) > MAX_FILES:
                raise _wrong(wheel, f"has more than {MAX_FILES} files")
            rules = members.get(f"{module}/build_metadata.py")
            if rules is None:
                return None
            if rules.file_size > MAX_RULES:
                raise _wrong(wheel, f"{rules.filename} has more than {MAX_RULES} bytes")
            surface = _surface(archive.read(rules), wheel)
            paths = [name.removeprefix(f"{module}/") for name in members]
            return _digest(archive, module, _of_surface(surface, paths), wheel)
    except (BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError) as error:
        raise _wrong(wheel, f"cannot be read: {error}") from None


def _surface(rules: bytes, wheel: Path) -> tuple[str, ...]:
    """Return the files and folders that count, from a module that is not run.

    Raises FormatError unless its functions are those whose result ``_digest`` gives.
    """
    try:
        text = rules.decode()
        tree = ast.parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise _wrong(wheel, f"build_metadata.py is not Python: {error}") from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name, expected in _RULES.items():
        source = ast.get_source_segment(text, functions[name]) if name in functions else ""
        if sha256_bytes(" ".join((source or "").split()).encode()) != expected:
            raise _wrong(wheel, f"computes its fingerprint in a way pe_dvc does not know ({name})")
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATA_BUILD_SURFACE":
            with suppress(ValueError):
                return tuple(map(str, ast.literal_eval(node.value)))
    raise _wrong(wheel, "has no list of DATA_BUILD_SURFACE in build_metadata.py")


def _of_surface(surface: Iterable[str], paths: list[str]) -> Iterator[str]:
    """Yield the files of the surface in the order in which the model takes them."""
    for place in surface:
        if place in paths:
            yield place
            continue
        inside = [path.split("/") for path in paths if path.startswith(f"{place}/")]
        for parts in sorted(inside):
            compiled = parts[-1].endswith((".pyc", ".pyo")) or "__pycache__" in parts
            if parts[-1] and not compiled:
                yield "/".join(parts)


def _digest(archive: ZipFile, module: str, paths: Iterable[str], wheel: Path) -> str:
    digest, size = hashlib.sha256(), 0
    for path in paths:
        digest.update(path.encode() + b"\0")
        with archive.open(f"{module}/{path}") as file:
            while block := file.read(1024 * 1024):
                size += len(block)
                if size > MAX_BYTES:
                    raise _wrong(wheel, f"has more than {MAX_BYTES} bytes")
                digest.update(block)
        digest.update(b"\0")
    return f"sha256:{digest.hexdigest()}"


def _module_name(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


def _load(path: Path, module: str) -> Any:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"_pe_dvc_{module}_build_metadata", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path}")
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def _wrong(wheel: Path, fault: str) -> FormatError:
    return FormatError(
        fault, where=str(wheel), remedy="Download the wheel of the model again, or install it."
    )
