"""DVC's configuration, read as DVC reads it but without importing it.

Importing ``dvc.config`` takes longer than most commands of pe_dvc; its files are INI as
``configobj`` knows it, and stable. ``tests/adapters/dvc/test_config.py`` compares with DVC's own.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pe_dvc.adapters.dvc.ini import read_ini
from pe_dvc.primitives.errors import FormatError, NotFoundError, StorePermissionError

_REMOTE_SECTION = re.compile(r'remote\s*"(.*)"')
_SCHEME = re.compile(r"\w+://")
_REFERENCE = re.compile(r"remote://([^/]+)/?(.*)")
_PATHS = ("url", "credentialpath", "configpath")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A DVC remote: its name, its URL or absolute path, and its other options as written.

    ``said_by`` has for each option the files that give it the value it has.
    """

    name: str
    url: str = field(repr=False)  # may hold a password, as the options may
    options: dict[str, str] = field(repr=False)
    said_by: dict[str, tuple[Path, ...]] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DvcConfig:
    """What pe_dvc asks of DVC's configuration.

    ``default_remote`` is the name in ``core.remote``, None where there is none; ``cache_dir`` the
    directory of DVC's cache; ``cache_types`` the ways in which a file may get from there into the
    workspace; ``cache_shared`` whether the group may write to it; ``cache_file`` and
    ``shared_file`` the files that set the directory and the group, None where none does; ``file``
    the repo's configuration file; ``layers`` the remotes that each file has, by file.
    """

    file: Path
    cache_file: Path | None = None
    shared_file: Path | None = None
    default_remote: str | None
    cache_dir: Path
    cache_types: tuple[str, ...] = ("reflink", "copy")
    cache_shared: bool = False
    remotes: dict[str, dict[str, str]] = field(repr=False)
    layers: dict[Path, dict[str, dict[str, str]]] = field(repr=False, default_factory=dict)

    def remote(self, name: str) -> Remote:
        """Return a remote; one whose url is ``remote://other/path`` inherits from the other.

        Raises NotFoundError if it is not configured, FormatError if it has no url or if its
        references run in a circle.
        """
        return self._remote(name.lower(), ())

    def _remote(self, name: str, seen: tuple[str, ...]) -> Remote:
        where = f"{self.file}: remote {name!r}"
        if name not in self.remotes:
            raise NotFoundError(
                f"{self.file} configures no remote {name!r}",
                remedy="See `dvc remote list`; add it by `dvc remote add`.",
            )
        options = dict(self.remotes[name])
        said_by = {option: self._said_by(name, option) for option in options}
        url = options.pop("url", "")
        if not url or name in seen:
            fault = "its remote:// references run in a circle" if url else "it has no url"
            raise FormatError(fault, where=where, remedy=f"Set `dvc remote modify {name} url …`.")
        if match := _REFERENCE.fullmatch(url):
            base = self._remote(match[1].lower(), (*seen, name))
            joined = posixpath.join(base.url, match[2]) if match[2] else base.url
            options, said_by = {**base.options, **options}, {**base.said_by, **said_by}
            return Remote(name=name, url=joined, options=options, said_by=said_by)
        return Remote(name=name, url=url, options=options, said_by=said_by)

    def _said_by(self, remote: str, option: str) -> tuple[Path, ...]:
        value = self.remotes[remote][option]
        return tuple(
            file
            for file, remotes in self.layers.items()
            if remotes.get(remote, {}).get(option) == value
        )


def read_config(root: Path) -> DvcConfig:
    """Read the configuration of the DVC repo at ``root``: system, global, repo, local.

    Raises FormatError for a file that is not INI, NotFoundError if ``root`` is no DVC repo.
    """
    directory = root.absolute() / ".dvc"
    if not directory.is_dir():
        raise NotFoundError(f"{root} is not a DVC repo", remedy="Run `dvc init` there.")
    merged: dict[str, Any] = {}
    layers, cache_file, shared_file = {}, None, None
    for file in (*_shared_files(), directory / "config", directory / "config.local"):
        found = _read_file(file)
        cache_file = file if found.get("cache", {}).get("dir") else cache_file
        shared_file = file if found.get("cache", {}).get("shared") else shared_file
        layers[file] = found.get("remote", {})
        _merge(merged, found)
    default = merged.get("core", {}).get("remote")
    cache = merged.get("cache", {})
    return DvcConfig(
        file=directory / "config",
        default_remote=default.lower() if default else None,
        cache_file=cache_file,
        shared_file=shared_file,
        cache_dir=Path(cache.get("dir") or directory / "cache"),
        cache_types=_cache_types(cache),
        cache_shared=cache.get("shared") == "group",
        remotes=merged.get("remote", {}),
        layers=layers,
    )


def _cache_types(cache: dict[str, str]) -> tuple[str, ...]:
    named = tuple(name.strip() for name in cache.get("type", "").lower().split(",") if name.strip())
    return named or DvcConfig.cache_types


def _shared_files() -> tuple[Path, Path]:
    """Return the files of the machine and of the user, where DVC looks for them."""
    import platformdirs

    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR")
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR")
    return (
        Path(system or platformdirs.site_config_dir("dvc", "iterative")) / "config",
        Path(user or platformdirs.user_config_dir("dvc", "iterative")) / "config",
    )


def _read_file(file: Path) -> dict[str, Any]:
    """Return a file's sections; of a file that does not exist, none."""
    try:
        sections = read_ini(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        raise StorePermissionError(
            f"cannot read {file}: permission denied", operation="read", key=str(file)
        ) from error
    return _resolved(_sections(sections, file), file)


def _sections(raw: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return the sections that matter here, names in lower case; remotes by their name."""
    found: dict[str, Any] = {}
    for title, options in raw.items():
        section = title.strip().lower()
        match = _REMOTE_SECTION.fullmatch(section)
        if not match and section not in ("core", "cache"):
            continue
        if not isinstance(options, dict):
            raise FormatError(f"expected a section, got an option named {title}", where=str(file))
        parent = found.setdefault("remote", {}) if match else found
        parent[match[1] if match else section] = _options(options, f"{file}: [{title}]")
    return found


def _options(options: dict[str, Any], where: str) -> dict[str, str]:
    if isinstance(options.get("type"), list):
        options["type"] = ",".join(options["type"])  # of the cache: the one list that DVC has
    for name, value in options.items():
        if not isinstance(value, str):
            raise FormatError(
                f"expected one value for {name}, got {type(value).__name__}",
                where=where,
                remedy="Put a value that holds a comma into quotes.",
            )
    return {name.lower(): value for name, value in options.items()}


def _resolved(sections: dict[str, Any], file: Path) -> dict[str, Any]:
    """Make paths absolute: relative ones count from the directory of the file they stand in."""
    holders: list[tuple[dict[str, str], tuple[str, ...]]]
    holders = [(sections.get("cache", {}), ("dir",))]
    holders += [(remote, _PATHS) for remote in sections.get("remote", {}).values()]
    for options, names in holders:
        for name in names:
            value = options.get(name)
            if value and not _SCHEME.match(value):
                options[name] = _absolute(value, file.parent)
    return sections


def _absolute(path: str, directory: Path) -> str:
    # os.path and not pathlib: DVC keeps an absolute path as written, and ".." goes but links stay.
    home = os.path.expanduser(path)  # noqa: PTH111
    return home if os.path.isabs(home) else os.path.abspath(directory / path)  # noqa: PTH100, PTH117


def _merge(into: dict[str, Any], update: dict[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value
