"""When and where a build ran: the section ``build`` of manifests."""

from __future__ import annotations

import os
import posixpath
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pe_dvc.documents.provenance import Build, utc_time

if TYPE_CHECKING:
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.settings import Settings

_OF_GIT = (".gitignore", ".gitattributes", ".dvcignore")


def observed_build(git: GitRepo, dvc: DvcFiles, settings: Settings) -> Build:
    """Return the build of a stage that ran here, now."""
    commit = git.commit()
    in_ci = os.environ.get("CI", "").lower() in ("1", "true", "yes")
    return Build(
        git_commit=commit,
        git_dirty=bool(unrecorded_changes(git, dvc, settings)),
        built_at=utc_time(datetime.now(UTC)),
        built_in="ci" if in_ci else "local",
    )


def unrecorded_changes(git: GitRepo, dvc: DvcFiles, settings: Settings) -> list[str]:
    """Return the files that differ from HEAD and of which no manifest records what they are.

    Recorded are the files that stages depend on (a manifest has their sha256, and the values of
    parameters), the lock file and the calibration snapshot; and what ``push`` wants committed with
    the manifests: DVC's files, the settings, manifests and channels. What stages wrote is no input.
    """
    named: set[str | None] = {
        settings.lockfile,
        settings.calibration.path if settings.calibration else None,
    }
    for artifact in dvc.artifacts:
        named.add(artifact.noted)
        statement = artifact.meta["pe"].get("provenance") if artifact.declares else None
        named.add(posixpath.join(posixpath.dirname(artifact.file), statement or ""))
    for stage in dvc.stages:
        named |= {*stage.deps, *stage.params, *(out.path for out in stage.outs)}
    known = {*filter(None, named), *dvc.outputs}

    def counts(path: str) -> bool:
        if posixpath.basename(path) in _OF_GIT or settings.is_own(path):
            return False
        places = (path, *_folders(path))
        return not any(place in known for place in places)

    return git.changed_anywhere(counts)


def _folders(path: str) -> list[str]:
    return ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
