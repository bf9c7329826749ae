"""``pe-dvc manifest``: the stage that writes manifests, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.group import Group
from pe_dvc.cli.output import json_option, print_json, say, store_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOTHING_DECLARED = """no dataset is declared. pe-dvc add FILE declares one. Or add to dvc.yaml:
  artifacts:
    NAME:
      path: data/NAME.parquet
      type: dataset
      meta:
        pe:
          entities:
            household: {key: household_id}  # each kind of unit in it, and the column of its key
          weight: household_weight          # if it has one
then run pe-dvc manifest write again"""

WORDS = {"changed": "written", "unchanged": "unchanged", "removed": "removed"}


@click.group("manifest", cls=Group)
def command() -> None:
    """Write and check the manifests of a data repo."""


@command.command("write")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
def write(names: tuple[str, ...], as_json: bool) -> None:
    """Write the manifest of every dataset that dvc.yaml declares, or of these.

    Also its profile (weighted statistics) and codebook (labels of columns), in files beside it.
    Made to be the command of a stage of `dvc repro`. A manifest stays while the dataset's bytes
    and its declaration do; what codebook.yaml says by then is named.
    """
    from pe_dvc import Repo

    written = Repo().manifest.write(names)
    if as_json:
        print_json(written)
        return
    for w in written:
        if w.change != "skipped":
            say(f"{WORDS[w.change]:<9} {w.name}")
    if all(w.change in ("removed", "skipped") for w in written):
        for line in NOTHING_DECLARED.splitlines():
            say(line)
    for note in _shared(note for w in written for note in w.notes):
        say(f"note: {note}")
    redacted = sorted({place for w in written for place in w.redacted})
    if redacted:
        say(
            f"left out as secret: {', '.join(redacted)}; to keep them, list them in allowed_params "
            "of [tool.pe_dvc]"
        )
    outdated = [w for w in written if w.outdated]
    if outdated:
        texts = ", ".join(dict.fromkeys(text for w in outdated for text in w.outdated))
        of = ", ".join(w.name for w in outdated)
        say(
            f"not in the manifest yet: {texts} of {of}. A manifest stays while the "
            "dataset's bytes do; the next build with other bytes has it. To have it now, if this "
            "manifest was never pushed: remove it from manifests, and run dvc repro --force "
            "--single-item manifests channel."
        )
    skipped = [w.name for w in written if w.change == "skipped"]
    if skipped:
        say(f"no manifest of {', '.join(skipped)}: type: dataset, and no meta: pe: in dvc.yaml")


def _shared(notes: Iterable[str]) -> Iterator[str]:
    """Yield notes, those that say the same of several datasets once: 51 states are one line."""
    named: dict[str, list[str]] = {}
    for note in notes:
        name, _, text = note.partition(": ")
        named.setdefault(text, []).append(name)
    for text, names in named.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{more}: {text}" if text else names[0]


@command.command("adopt")
@click.argument("name")
@store_option
def adopt(name: str, store: str | None) -> None:
    """Replace a manifest by the one published for the same bytes.

    The manifest that was published first stays. Then run `dvc commit --force manifests` and
    `dvc repro`, and commit.
    """
    from pe_dvc import Repo

    path = Repo().manifest.adopt(name, store=store)
    say(f"Took over {path}. Next: dvc commit --force manifests && dvc repro, then commit.")
