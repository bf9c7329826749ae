"""What must be in git, and what must never be, before a checkout is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.repo import GitRepo
from pe_dvc.primitives.errors import VerificationError

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo


def check_committed(repo: DataRepo) -> None:
    """Refuse to publish what no clone could build upon: files of pe_dvc and DVC not in HEAD.

    Raises VerificationError naming them.
    """
    settings = repo.settings
    own = (settings.manifests, settings.channels, "dvc.lock", "dvc.yaml", "pyproject.toml")
    changed = GitRepo(repo.root).changed(own)
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise VerificationError(
            f"not committed: {', '.join(changed[:3])}{more}; a clone could not build on what "
            "would be published",
            remedy="Nothing was pushed. Commit (git add -A && git commit), then push again; "
            "--uncommitted publishes all the same.",
        )


def check_out_of_git(repo: DataRepo) -> None:
    """Refuse data that git would take in: what DVC tracks belongs to the bucket.

    DVC takes an output out of ``.gitignore`` when a later stage fails and does not always put it
    back, so that the next ``git add -A`` commits the data. Raises VerificationError.
    """
    exposed = exposed_outputs(repo)
    if exposed:
        raise VerificationError(
            f"git holds, or would take in, {', '.join(exposed[:3])}, which DVC keeps in the bucket",
            remedy="Nothing was pushed. " + exposure_remedy(exposed[0]),
        )


def exposed_outputs(repo: DataRepo) -> list[str]:
    """Return the outputs that DVC caches and that git tracks or does not ignore."""
    git = GitRepo(repo.root)
    cached = (output.path for output in repo.dvc.outputs.values() if output.cached)
    return sorted(path for path in cached if git.tracks(path) or not git.ignores(path))


def exposure_remedy(path: str) -> str:
    """Return what to run so that git lets go of an output."""
    return (
        f"Run: echo /{path} >> .gitignore && git rm -r --cached --quiet --ignore-unmatch {path}, "
        "and commit. If it was pushed to a public place already, remove it from the history."
    )
