"""The git hooks of a data repo: what pe_dvc does around a commit, a push and a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.hook_scripts import HookPart
from pe_dvc.adapters.git.hooks import HookInstaller

if TYPE_CHECKING:
    from pe_dvc.adapters.git.hooks import Hooks
    from pe_dvc.project.repo import DataRepo

_VERIFY = "pe-dvc git-hook verify"
# git's third argument is 1 for a branch and 0 for files; amid a rebase nothing is settled yet.
_BRANCH_CHANGED = '[ "$3" = 1 ] && [ ! -d "$(git rev-parse --git-path rebase-merge)" ]'
# Of the three states of each update of refs only the last, and only while a push is under way.
_PUSH_ACCEPTED = '[ "$1" = committed ] && [ -e "$ours/pushing" ]'

PARTS = {
    "pre-commit": HookPart(command="pe-dvc check --staged", before=True),
    "pre-push": HookPart(
        command='pe-dvc git-hook pre-push --process "$PPID" -- "$@"', before=True, reads=True
    ),
    "reference-transaction": HookPart(
        command='pe-dvc git-hook reference-transaction --process "$PPID"',
        condition=_PUSH_ACCEPTED,
        reads=True,
    ),
    "post-checkout": HookPart(command=_VERIFY, condition=_BRANCH_CHANGED),
    "post-merge": HookPart(command=_VERIFY),
}


def install_hooks(repo: DataRepo) -> Hooks:
    """Install the hooks, or write them again. Raises ConflictError (``HookInstaller.install``)."""
    _ = repo.settings  # hooks of a repo that is not set up would only fail
    return HookInstaller(repo.root, PARTS).install()


def hooks_are_installed(repo: DataRepo) -> bool:
    """Tell whether ``install_hooks`` would change nothing."""
    return HookInstaller(repo.root, PARTS).is_current()


def uninstall_hooks(repo: DataRepo) -> bool:
    """Take the hooks away; return whether they were there."""
    return HookInstaller(repo.root, PARTS).uninstall()
