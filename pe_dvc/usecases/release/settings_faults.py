"""Whether ``[tool.pe_dvc.release]`` and the artifacts of a release fit together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.documents.keys import RELEASE_FILES
from pe_dvc.documents.release_layout import (
    RELEASE_SCOPED,
    hub_path,
    is_safe_id,
    release_id,
)
from pe_dvc.documents.release_tag import check_tag
from pe_dvc.primitives.names import COMPARED_NAMES
from pe_dvc.primitives.wildcards import fits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pe_dvc.documents.release import ReleaseManifest
    from pe_dvc.documents.release_settings import ReleaseSettings

_SHOWN = 5
_PLACEHOLDER = re.compile(r"\{\w++\}")


def directory_id(settings: ReleaseSettings, release: ReleaseManifest) -> str:
    """Return what names the directory of a release on a hub: its id, else its tag."""
    own = release_id(settings, check_tag(release.tag), release.build.metadata.git_commit)
    return own or release.tag


def fault_of_settings(
    settings: ReleaseSettings, release: ReleaseManifest, declared: Collection[str]
) -> str | None:
    """Return the first thing that is wrong, None if nothing is; ``declared`` are all datasets.

    A tag of one dataset has not all that the settings name.
    """
    whole = check_tag(release.tag).dataset is None
    return (
        (_defaults(settings, release) if whole else None)
        or (_unknown(settings.publish_as, "publish_as", declared) if whole else None)
        or (_unknown(settings.without, "without", declared) if whole else None)
        or _directory(settings, release)
        or _overlap(settings, release)
    )


def _defaults(settings: ReleaseSettings, release: ReleaseManifest) -> str | None:
    defaults = settings.default_datasets
    if settings.is_default is False and defaults:
        return f"is_default is false, but default_datasets names {_listed(defaults.values())}"
    if settings.is_default is not False and "national" not in defaults:
        how = "a release that is no default, such as a regional one, says is_default = false"
        return f"default_datasets names no national dataset ({how})"
    if fault := _unknown(defaults.values(), "default_datasets", release.artifacts):
        return fault
    paths = [artifact.path for artifact in release.artifacts.values()]
    templates = [region.path_template for region in settings.region_datasets.values()]
    empty = [template for template in templates if not _matches(template, paths)]
    return f"no dataset's path is of the template {_listed(empty)}" if empty else None


def _unknown(names: Iterable[str], key: str, known: Collection[str]) -> str | None:
    if not (unknown := sorted(set(names) - set(known))):
        return None
    import difflib

    meant = difflib.get_close_matches(unknown[0], list(known)[:COMPARED_NAMES], n=1)
    hint = f" (did you mean {meant[0]}?)" if meant else ""
    return f"{key} names what is no dataset: {_listed(unknown)}{hint}"


def _directory(settings: ReleaseSettings, release: ReleaseManifest) -> str | None:
    name = directory_id(settings, release)
    if settings.id is None or is_safe_id(name):
        return None
    return f"its id {name!r} is not the name of a directory"


def _overlap(settings: ReleaseSettings, release: ReleaseManifest) -> str | None:
    """Say which files would lie one over the other, in an export or on a hub."""
    directory = directory_id(settings, release)
    documents = [hub_path(directory, RELEASE_SCOPED[0], file) for file in RELEASE_FILES]
    taken = dict.fromkeys((*RELEASE_FILES, *documents), "the release's own document")
    for name, artifact in release.artifacts.items():
        for path in (artifact.path, hub_path(directory, artifact.kind, artifact.path)):
            other = taken.setdefault(path, name)
            if other != name:
                return f"{name} and {other} are both {path}"
    return None


def _matches(template: str, paths: Collection[str]) -> bool:
    """Tell whether a path has the form of a template; what stands for ``{name}`` has no slash."""
    wanted = [_PLACEHOLDER.split(part) for part in template.split("/")]
    return any(
        len(parts) == len(wanted)
        and all(fits(part, one, least=1) for part, one in zip(parts, wanted, strict=True))
        for parts in (path.split("/") for path in paths)
    )


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"
