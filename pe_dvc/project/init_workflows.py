"""The GitHub workflows that ``pe-dvc init`` writes, for the cloud that the store is in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.adapters.environment import installed_commit
from pe_dvc.project.templates import read_template

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.file_changes import FileChanges
    from pe_dvc.project.settings import Settings

FOLDER = ".github/workflows"
NAMES = ("publish.yml", "refresh.yml", "stale.yml")
_STEP = re.compile(r"^      - ", re.MULTILINE)
_GOOGLE = """\
uses: google-github-actions/auth@v2
        with:
          workload_identity_provider: ${{ vars.IDENTITY_PROVIDER }}
          service_account: ${{ vars.PUBLISHER_ROLE }} # the bucket, and the online key
"""


def plan_workflows(
    changes: FileChanges, root: Path, git: GitRepo, settings: Settings, store: str
) -> dict[str, str]:
    """Put the workflows where there are none; return why others are left as they are.

    GitHub reads them at the top of the git repo only, and its runners reach no directory.
    """
    scheme = store.partition("://")[0] if "://" in store else "directory"
    if root != git.top:
        return {FOLDER: f"GitHub reads them in {git.top} only"}
    if scheme not in ("s3", "gs"):
        return {FOLDER: "the store is neither on S3 nor on Google Cloud"}
    kept, commit = {}, installed_commit("pe_dvc")
    for name in NAMES:
        path, text = f"{FOLDER}/{name}", read_template(f"github-workflows/{name}")
        wanted = rendered(text, scheme, settings.branch or git.branch() or "main", commit)
        if not changes.exists(path):
            changes.put(path, wanted)
        elif changes.text(path) != wanted:
            kept[path] = "there is one that differs from the starter"
    return kept


def rendered(text: str, scheme: str, branch: str, commit: str | None) -> str:
    """Return a starter for stores of ``scheme`` (s3 or gs), run for pushes to ``branch``.

    ``commit`` is the one of pe_dvc that it installs, None where that is not known.
    """
    text = text.replace("branches: [main]", f'branches: ["{branch}"]')
    text = text.replace("PE_DVC: the-commit", f"PE_DVC: {commit or 'the-commit'}")
    if scheme == "s3":
        return text
    head, *steps = _STEP.split(text)
    return "      - ".join([head, *map(_for_google, steps)])


def _for_google(step: str) -> str:
    if not step.startswith("uses: aws-actions/"):
        return step
    lines = step.splitlines(keepends=True)
    return _GOOGLE + "".join(line for line in lines if line.lstrip().startswith("#"))
