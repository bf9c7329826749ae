"""The GitHub workflows that ``pe-dvc init`` writes, for the cloud that the store is in."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pe_dvc.adapters.environment import installed_commit
from pe_dvc.documents.dvc_files import LOCK
from pe_dvc.project.templates import read_template

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.adapters.git.repo import GitRepo
    from pe_dvc.project.file_changes import FileChanges
    from pe_dvc.project.settings import Settings

FOLDER = ".github/workflows"
NAMES = ("publish.yml", "refresh.yml", "stale.yml", "site.yml")
_SITE = "site.yml"
IMPORT = "import.yml"
"""For repos that import releases only."""
_FOLLOWED = "hf://dataset/OWNER/REPO/latest.json"
_PULL = "dvc pull --allow-missing"
_RUNNER = "    runs-on: ubuntu-latest\n"
_TOKEN = """\
    env:
      HF_TOKEN: ${{ secrets.HF_TOKEN }} # not needed for public repos
"""
_STEP = re.compile(r"^      - ", re.MULTILINE)
_GOOGLE = """\
uses: google-github-actions/auth@v2
        with:
          workload_identity_provider: ${{ vars.IDENTITY_PROVIDER }}
          service_account: ${{ vars.PUBLISHER_ROLE }} # the bucket, and the online key
"""


def plan_workflows(
    changes: FileChanges,
    root: Path,
    git: GitRepo,
    settings: Settings,
    store: str,
    follow: str | None = None,
) -> dict[str, str]:
    """Put the workflows where there are none; return why others are left as they are.

    ``changes`` are those of the git repo: GitHub reads workflows at its top only, where those of a
    data repo in a directory are named after it. Its runners reach no store in a directory.
    ``follow`` is the URI of releases to import; without one there is no workflow for that.
    """
    scheme = store.partition("://")[0] if "://" in store else "directory"
    if scheme not in ("s3", "gs"):
        return {FOLDER: "the store is neither on S3 nor on Google Cloud"}
    kept, commit = {}, installed_commit("pe_dvc")
    below = root.relative_to(git.top).as_posix()
    for name in (*NAMES, IMPORT) if follow else NAMES:
        if name == _SITE and root != git.top:
            kept[f"{FOLDER}/{name}"] = "a git repo has one site: write it for all its data repos"
            continue
        text = read_template(f"github-workflows/{name}")
        text = text if follow is None else of_index(text, follow)
        wanted = rendered(text, scheme, settings.branch or git.branch() or "main", commit)
        if root != git.top:
            wanted = _in_directory(wanted, below, settings)
            name = _named(name, below)
        path = f"{FOLDER}/{name}"
        if not changes.exists(path):
            changes.put(path, wanted)
        elif changes.text(path) != wanted:
            kept[path] = "there is one that differs from the starter"
    return kept


def of_index(text: str, follow: str) -> str:
    """Return a starter for a repo that imports what ``follow`` names.

    Files that are not copied into the bucket lie on the hub alone, where DVC does not look.
    """
    if _PULL in text:
        text = text.replace(_PULL, "pe-dvc pull").replace(_RUNNER, _RUNNER + _TOKEN)
    return text.replace(_FOLLOWED, follow)


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


def _named(file: str, below: str) -> str:
    stem, dot, suffix = file.partition(".")
    return f"{stem}-{_word(below)}{dot}{suffix}"


def _word(below: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", below)


def _in_directory(text: str, below: str, settings: Settings) -> str:
    """Return a workflow of a data repo in a directory of the git repo, which may hold others.

    Each has a queue of its own: of jobs that wait in one, GitHub keeps the last. So another's job
    may have pushed to git meanwhile.
    """
    built = (f"{settings.channels}/**", f"{settings.manifests}/**", LOCK)
    paths = json.dumps([f"{below}/**", *(f"!{below}/{path}" for path in built)])
    text = re.sub(r"paths-ignore: \[.*?\]", lambda _: f"paths: {paths}", text)
    text = re.sub(r"^name: .*", lambda name: f"{name[0]} of {_word(below)}", text, flags=re.M)
    text = text.replace("concurrency: channels", f"concurrency: channels-{_word(below)}")
    text = text.replace("enable refresh.yml", f"enable {_named('refresh.yml', below)}")
    text = text.replace(
        "          git push\n", "          git pull --quiet --rebase\n          git push\n"
    )
    place = f"defaults:\n  run:\n    working-directory: {json.dumps(below)}\n"
    return re.sub(r"^jobs:", lambda jobs: place + jobs[0], text, flags=re.M)


def _for_google(step: str) -> str:
    if not step.startswith("uses: aws-actions/"):
        return step
    lines = step.splitlines(keepends=True)
    return _GOOGLE + "".join(line for line in lines if line.lstrip().startswith("#"))
