"""How a dataset is cited: as text and for BibTeX, by the pin that always means the same bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.documents.dataset import PUBLISHER

if TYPE_CHECKING:
    from pe_dvc.documents.dataset import Dataset

_ESCAPED = {c: f"\\{c}" for c in "{}%&#_$"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def cite_text(dataset: Dataset) -> str:
    """Return a citation in one paragraph; what the repo declares as its citation comes first."""
    own = dataset.manifest.about.citation if dataset.manifest.about else None
    head = _sentence(own) if own else f"{PUBLISHER} ({dataset.year or 'n.d.'})."
    built = f" Built {dataset.built_on}." if dataset.built_on else ""
    return f"{head} {dataset.name} [Data set]. {_sentence(_version(dataset))}{built} {dataset.pin}"


def cite_bibtex(dataset: Dataset) -> str:
    """Return an entry of the type ``misc``, which every style of BibTeX knows."""
    own = dataset.manifest.about.citation if dataset.manifest.about else None
    fields = {
        "author": f"{{{PUBLISHER}}}",
        "title": f"{{{_tex(dataset.name)}}}",
        "year": dataset.year,
        "version": _tex(dataset.release) if dataset.release else "",
        "howpublished": f"Data set, \\url{{{dataset.pin}}}",
        "note": _tex(_sentence(own)) if own else "",
    }
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
    return "\n".join([f"@misc{{{_key(dataset)},", *lines, "}"])


def _version(dataset: Dataset) -> str:
    return f"Release {dataset.release}" if dataset.release else f"Version {dataset.sha256[:12]}"


def _key(dataset: Dataset) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", f"{dataset.manifest.artifact.country}_{dataset.name}")
    return f"{plain}_{dataset.sha256[:8]}"


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _tex(text: str) -> str:
    return "".join(_ESCAPED.get(c, c) for c in text)
