"""What ``pe-dvc init`` writes into files that may be there: each keeps what it says already."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.primitives.errors import ConflictError, FormatError, PeDvcError
from pe_dvc.primitives.names import check_country, country_code
from pe_dvc.project.directories import DEFAULT_STORE
from pe_dvc.project.gitattributes import FILE as ATTRIBUTES
from pe_dvc.project.gitattributes import with_line_endings_kept
from pe_dvc.project.root import FILE, TABLE
from pe_dvc.project.settings import parse_settings
from pe_dvc.project.templates import read_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.adapters.dvc.config import DvcConfig
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.file_changes import FileChanges
    from pe_dvc.project.settings import Settings

Ask: TypeAlias = Callable[[str, str | None], str]
"""Asks for ``country`` or ``store``, with a default; returns the answer."""

CONFIG = ".dvc/config"
REMOTE = "policyengine"
_STAGES = {"manifests": "pe-dvc manifest write", "channel": "pe-dvc channel update latest"}
_LOCK_FILES = ("uv.lock", "pylock.toml", "requirements.lock")
_TABLE = re.compile(r"^\s*\[tool\.pe_dvc[\].]", re.MULTILINE)
_OTHER_CODES = {"usa": "us", "gb": "uk", "gbr": "uk", "can": "ca", "nga": "ng", "isr": "il"}
"""Codes of ISO 3166 that people type for the countries of PolicyEngine."""
_LISTED_ONE_BY_ONE = 3
"""Files of one suffix in one folder that .gitignore lists by name."""


def plan_settings(
    changes: FileChanges, root: Path, country: str | None, contact: str | None, ask: Ask | None
) -> Settings:
    """Put ``[tool.pe_dvc]`` into pyproject.toml where it is not there; return the settings.

    Raises ConflictError where it is of another country.
    """
    where, there = str(root / FILE), changes.text(FILE)
    if _TABLE.search(there):
        settings = parse_settings(there.encode(), where=where)
        if country is not None and country != settings.country:
            raise ConflictError(
                f"{where}: {TABLE}.country is {settings.country!r}, and --country says {country!r}",
                remedy="A data repo is of one country: leave out --country. If nothing was "
                "published yet: correct the file, remove channels and manifests, run this again.",
            )
        return settings
    chosen = country or _asked("country", _likely_country(root), ask)
    check_country(chosen, where="--country")
    _check_code(chosen)
    text = read_template("pyproject-pe_dvc.toml")
    for key, value in {"country": chosen, "contact": contact, **_environment(root, chosen)}.items():
        text = _with_setting(text, key, value) if value else text
    changes.put(FILE, f"{there.rstrip()}\n\n{text}" if there.strip() else text)
    return parse_settings(changes.text(FILE).encode(), where=where)


def plan_remote(
    changes: FileChanges, root: Path, settings: Settings, store: str | None, ask: Ask | None
) -> str:
    """Put a DVC remote into the store into .dvc/config where none is; return the store's address.

    Raises ConflictError where the remote lies elsewhere.
    """
    from pe_dvc.adapters.dvc.config import read_config
    from pe_dvc.adapters.dvc.ini import with_remote

    config = read_config(root) if (root / ".dvc").is_dir() else None
    given = _address(store, root, settings.country) if store else None
    name = settings.remote or (config.default_remote if config else None)
    if config is not None and name is not None:
        return _store_of(config, name, settings, given)
    likely = settings.store or os.environ.get("PE_DVC_STORE") or DEFAULT_STORE
    chosen = given or _address(_asked("store", likely, ask), root, settings.country)
    url, there = f"{chosen}/{settings.country}", changes.text(CONFIG)
    if there.strip():
        changes.put(CONFIG, with_remote(there, REMOTE, {"url": url, "verify": "true"}))
    else:
        starter = read_template("dvc-config").replace("s3://policyengine-data/us", url)
        changes.put(CONFIG, starter)
    return chosen


def plan_pipeline(changes: FileChanges, root: Path, dvc: DvcFiles) -> None:
    """Put the two stages into dvc.yaml, unless some dvc.yaml of the repo has them.

    Raises ConflictError where a stage of that name does something else.
    """
    from pe_dvc.adapters.dvc.yaml import read_yaml
    from pe_dvc.adapters.dvc.yaml_edit import add_entries, entries_of

    there, template, where = changes.text(PIPELINE), read_template(PIPELINE), str(root / PIPELINE)
    missing = {name for name, cmd in _STAGES.items() if not dvc.stages_calling(cmd)}
    for name in missing & (read_yaml(there.encode(), where).get("stages") or {}).keys():
        raise ConflictError(
            f"{where}: stages.{name} is there, and does not run {_STAGES[name]}",
            remedy=f"Rename that stage; pe_dvc adds one of that name with cmd: {_STAGES[name]}.",
        )
    entries = {k: v for k, v in entries_of(template, "stages").items() if k in missing}
    if entries:
        fresh = not there.strip() and missing == _STAGES.keys()
        text = template if fresh else add_entries(there, "stages", entries, name=where)
        changes.put(PIPELINE, text)


def plan_ignored(
    changes: FileChanges, git: GitRepo, settings: Settings, data: Sequence[str]
) -> None:
    """Keep ``data`` files out of git, and git from rewriting what is signed."""
    changes.put(ATTRIBUTES, with_line_endings_kept(changes.text(ATTRIBUTES), settings))
    with git.ignore_rules() as ignored:
        ignore_files(changes, [path for path in data if not ignored(path)])


def ignore_files(changes: FileChanges, paths: Sequence[str]) -> None:
    """Add files to .gitignore; of many in one folder a pattern."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in paths:
        groups[path.rpartition("/")[0], Path(path).suffix].append(path)
    wanted = []
    for (folder, suffix), members in groups.items():
        many = len(members) > _LISTED_ONE_BY_ONE
        wanted += [f"{folder}/*{suffix}".lstrip("/")] if many else members
    there = changes.text(".gitignore")
    lines = [f"/{path}" for path in wanted if f"/{path}" not in there.splitlines()]
    if lines:
        start = f"{there.rstrip()}\n\n" if there.strip() else ""
        head = "# Data: DVC keeps it, not git.\n"
        changes.put(".gitignore", start + head + "".join(f"{line}\n" for line in lines))


def _asked(name: str, likely: str | None, ask: Ask | None) -> str:
    if ask is None:
        raise FormatError(f"{name} is neither given nor known", remedy=f"Give {name}.")
    return ask(name, likely).strip()


def _check_code(country: str) -> None:
    """Refuse another code of a country whose data is gated, or has a model, by its code here."""
    code, _, producer = country.partition("-")
    if meant := _OTHER_CODES.get(code):
        named = f"{meant}-{producer}" if producer else meant
        raise FormatError(
            f"--country: {country!r} is {named!r} at PolicyEngine, and rules of disclosure and "
            "models go by that",
            remedy=f"Run it again with --country {named}.",
        )


def _likely_country(root: Path) -> str | None:
    match = re.search(r"(?:^|[-_])(us|uk|be|ca|ng|nz|il)(?:[-_]|$)", root.name.lower())
    return match[1] if match else None


def _environment(root: Path, country: str) -> dict[str, str | None]:
    """Return the settings of the build's environment, as far as they can be seen to hold."""
    from pe_dvc.adapters.environment import describe_package

    lockfile = next((name for name in _LOCK_FILES if (root / name).is_file()), None)
    path = root / lockfile if lockfile else None
    found: dict[str, str | None] = {"lockfile": lockfile}
    names = {
        "model_package": f"policyengine-{country_code(country)}",
        "core_package": "policyengine-core",
    }
    for key, package in names.items():
        try:
            describe_package(package, lockfile=path, key=key)
        except PeDvcError:
            continue
        found[key] = package
    return found


def _with_setting(text: str, key: str, value: str) -> str:
    """Return the starter's text with one of its keys set, whether it is commented out or not."""
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    lines = text.splitlines(keepends=True)
    starts = (f"{key} = ", f"# {key} = ")
    return "".join(f"{line}\n" if each.startswith(starts) else each for each in lines)


def _address(store: str, root: Path, country: str) -> str:
    """Return the address of a store; that of a directory is absolute. Raises FormatError."""
    from pe_dvc.project.stores import open_offline
    from pe_dvc.store.home import expand_home

    store = store.removeprefix("file://").rstrip("/")
    if store.rpartition("/")[2] in (country, country_code(country)):
        raise FormatError(
            f"{store!r} is the place of one country: a store holds that of each",
            where="--store",
            remedy=f"Name what is above it: {store.rpartition('/')[0] or '..'}",
        )
    if "://" in store:
        open_offline(store)
        return store
    place = Path(os.path.abspath(expand_home(store)))  # noqa: PTH100 (links stay as given)
    if not store or place.resolve().is_relative_to(root):
        raise FormatError(
            f"{store!r} is in the repo {root}: a store lies outside, where readers reach it",
            where="--store",
            remedy="Name a bucket such as s3://policyengine-data, or a directory elsewhere.",
        )
    return str(place)


def _store_of(config: DvcConfig, name: str, settings: Settings, given: str | None) -> str:
    """Return the store that the DVC remote ``name`` lies in. Raises ConflictError."""
    from pe_dvc.project.stores import split_remote_url

    url = config.remote(name).url
    try:
        found = settings.store or split_remote_url(url, settings.country)
    except FormatError:
        place = shlex.quote(f"{given or 's3://bucket'}/{settings.country}")
        raise ConflictError(
            f"the DVC remote {name!r} is {url}, and a country's data lie at "
            f"<bucket>/{settings.country}",
            remedy="Add another one for it, beside that one, and run this again:\n"
            f"  dvc remote add --default {REMOTE} {place}\n"
            f"  dvc remote modify {REMOTE} verify true",
        ) from None
    if given is not None and given != found.rstrip("/"):
        raise ConflictError(
            f"the DVC remote {name!r} lies in {found}, and --store says {given}",
            remedy=f"Leave out --store; or run dvc remote modify {name} url "
            f"{given}/{settings.country}.",
        )
    return found.rstrip("/")
