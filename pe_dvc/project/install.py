"""The git hooks of a data repo: what pe_dvc does before a commit and a push, after a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.hooks import HookInstaller

if TYPE_CHECKING:
    from pe_dvc.adapters.git.hooks import Hooks
    from pe_dvc.project.repo import DataRepo

BEFORE = {"pre-commit": "pe-dvc check --staged", "pre-push": "pe-dvc push"}
AFTER = {
    "post-checkout": "pe-dvc verify --present --quiet",
    "post-merge": "pe-dvc verify --present --quiet",
}
# git's third argument is 1 for a branch and 0 for files; amid a rebase nothing is settled yet.
CONDITIONS = {
    "post-checkout": '[ "$3" = 1 ] && [ ! -d "$(git rev-parse --git-path rebase-merge)" ]'
}


def install_hooks(repo: DataRepo) -> Hooks:
    """Install the hooks, or write them again. Raises ConflictError (``HookInstaller.install``)."""
    _ = repo.settings  # hooks of a repo that is not set up would only fail
    return _installer(repo).install()


def uninstall_hooks(repo: DataRepo) -> bool:
    """Take the hooks away; return whether they were there."""
    return _installer(repo).uninstall()


def _installer(repo: DataRepo) -> HookInstaller:
    return HookInstaller(repo.root, before=BEFORE, after=AFTER, conditions=CONDITIONS)
