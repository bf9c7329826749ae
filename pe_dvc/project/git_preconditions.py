"""What git says of a checkout that is to be published, for ``usecases.publish.preconditions``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.project.seen import is_seen

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo


def uncommitted_files(repo: DataRepo) -> list[str]:
    """Return the files of pe_dvc and DVC that differ from HEAD, by path.

    What the last push wrote down for new readers may wait for the next commit.
    """
    settings = repo.settings
    return repo.git.changed(
        lambda path: settings.is_own(path) and not is_seen(path, settings.channels)
    )


def conflicting_files(repo: DataRepo) -> list[str]:
    """Return the files of pe_dvc and DVC in which a merge that goes on has a conflict, by path."""
    return [path for path in repo.git.unmerged() if repo.settings.is_own(path)]


def exposed_outputs(repo: DataRepo) -> list[str]:
    """Return the outputs that DVC caches and that git tracks or does not ignore, by path."""
    git = repo.git
    cached = [output.path for output in repo.dvc.outputs.values() if output.cached]
    with git.ignore_rules() as rules:
        ignored = rules.among(cached)
    return sorted(path for path in cached if path not in ignored or git.tracks(path))
