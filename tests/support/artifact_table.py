"""The table of docs/formats.md: what becomes of each artifact that PolicyEngine publishes.

``python -m tests.support.artifact_table`` makes them, adds them all to scratch repos by the
commands that people type, runs ``dvc repro``, and writes the table.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.country_repos import CountryRepo
from tests.support.paths import BIN, ROOT
from tests.support.their_artifacts import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.their_artifacts import TheirArtifact

PAGE = ROOT / "docs/formats.md"
BEGIN, END = "<!-- artifacts -->\n", "<!-- end of artifacts -->\n"
HEAD = "| producer | artifact | layout | described as | manifest, bytes |\n|---|---|---|---|---|\n"


def rows(base: Path) -> Iterator[tuple[TheirArtifact, dict[str, Any], int]]:
    """Yield each artifact with its manifest and how many bytes that has; all are published."""
    for country in sorted({one.country for one in ARTIFACTS}, reverse=True):
        own = [one for one in ARTIFACTS if one.country == country]
        repo = CountryRepo(base / country, country, str(base / "bucket"), base / "home", {})
        repo.root.mkdir(parents=True)
        repo.run("git", "init", "--quiet")
        repo.create("--no-hooks")
        _add(repo, own)
        repo.publish("Take over what is published")
        files = (repo.root / "manifests").rglob("*.json")
        written = [path.read_bytes() for path in files if "." not in path.stem]  # no sidecars
        by_path = {json.loads(data)["artifact"]["path"]: data for data in written}
        for one in own:
            data = by_path[f"data/{one.path}"]
            yield one, json.loads(data), len(data)


def _add(repo: CountryRepo, artifacts: list[TheirArtifact]) -> None:
    """Make the files and declare them, as many as are alike by one command."""
    alike: dict[str | None, list[str]] = defaultdict(list)
    for one in artifacts:
        path = repo.root / "data" / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        one.make(path)
        alike[one.kind].append(f"data/{one.path}")
    for kind, paths in alike.items():
        repo.run("pe-dvc", "add", *paths, *(("--kind", kind) if kind else ()))


def table(base: Path) -> str:
    """Return the lines of the table."""
    lines = []
    for one, manifest, size in rows(base):
        kind = manifest["artifact"]["kind"]
        described = f"{kind}: {'; '.join(_described(manifest['table']))}"
        lines.append(f"| {one.producer} | `{one.path}` | {one.layout} | {described} | {size:,} |\n")
    return HEAD + "".join(lines)


def _described(contents: dict[str, Any]) -> Iterator[str]:
    yield contents["format"]
    for one in contents["tables"]:
        periods = one.get("periods") or {}
        years = f", {len(periods)} periods" if len(periods) > 1 else ""
        yield f"{one['name']} {one['rows']} × {len(one['columns'])}{years}"
    if contents.get("period"):
        yield f"period {contents['period']}"
    yield from _members(contents.get("members") or [])


def _members(members: list[dict[str, Any]]) -> Iterator[str]:
    shown = 4
    for one in members[:shown]:
        shape = "×".join(map(str, one.get("shape") or ()))
        kind = (one.get("type") or "").replace("|", "\\|")
        yield " ".join(filter(None, (f"`{one['name']}`", kind, shape)))
    if len(members) > shown:
        yield f"{len(members) - shown} more members"


def page_with(lines: str) -> str:
    """Return the page with these lines as its table."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    return f"{head}{BEGIN}\n{lines}\n{END}{rest.partition(END)[2]}"


def written() -> str:
    """Return the table that the page has."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip() + "\n"


if __name__ == "__main__":
    os.environ["PATH"] = os.pathsep.join([str(BIN), os.environ["PATH"]])
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page_with(table(Path(folder))))
