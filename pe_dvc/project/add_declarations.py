"""Declarations made for files: guessed, tried on the file itself, and written as YAML."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.yaml_edit import flow, scalar
from pe_dvc.adapters.tables.data_file import DataFile
from pe_dvc.documents.declaration import read_declarations
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.primitives.errors import FormatError
from pe_dvc.project.manifest_describe import check_keys, describe_file
from pe_dvc.usecases.checkout.contents import describe_contents
from pe_dvc.usecases.checkout.guess import guesses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.checkout.guess import Meaning

_OPTIONS = (
    "Or give --rows ENTITY, --entity ENTITY=KEY, --reference ENTITY.OTHER=COLUMN, "
    "--column COLUMN=ENTITY or --weight COLUMN."
)


def guessed_meaning(repo: DataRepo, name: str, path: str, given: Meaning) -> dict[str, Any]:
    """Return ``meta.pe`` of a dataset, completed from its file, which fits it.

    Raises FormatError where nothing that can be guessed does.
    """
    rule = repo.settings.disclosure_rule
    file = DataFile(path=repo.root / path, label=path, rule=rule)
    first: FormatError | None = None
    for meaning in guesses(describe_file(file), given, path=path):
        declared = meaning.declared()
        try:
            _try(repo, file, name, declared)
        except FormatError as error:
            first = first or error
        else:
            return declared
    assert first is not None
    raise FormatError(first.message, remedy=f"{first.remedy or ''} {_OPTIONS}".strip())


def _try(repo: DataRepo, file: DataFile, name: str, declared: Mapping[str, Any]) -> None:
    """Describe the file as it will be described. Raises FormatError where it does not fit."""
    artifact = DeclaredArtifact(name=name, path=file.label, meta={"pe": declared}, file=PIPELINE)
    (declaration,) = read_declarations([artifact], country=repo.country)
    hinted = replace(file, hints=declaration.hints)
    contents = describe_contents(declaration, describe_file(hinted))
    check_keys(hinted, declaration, contents)


def declaration_blocks(
    datasets: Mapping[str, tuple[str, dict[str, Any]]], *, desc: str | None
) -> dict[str, str]:
    """Return the entries of ``artifacts`` by their names, for paths and their ``meta.pe``.

    What several are declared alike is written once, and referred to.
    """
    anchors: dict[str, str] = {}
    metas = [flow(pe) for _, pe in datasets.values()]
    blocks = {}
    for name, (path, pe) in datasets.items():
        same = flow(pe)
        if same in anchors:
            meta = f"  meta: *{anchors[same]}\n"
        else:
            anchors[same] = re.sub(r"[^A-Za-z0-9_]", "_", name)
            anchor = f" &{anchors[same]}" if metas.count(same) > 1 else ""
            meta = f"  meta:{anchor}\n    pe:\n{_lines(pe)}"
        about = f"  desc: {scalar(desc)}\n" if desc else ""
        blocks[name] = f"{scalar(name)}:\n  path: {scalar(path)}\n  type: dataset\n{about}{meta}"
    return blocks


def _lines(pe: Mapping[str, Any]) -> str:
    lines = []
    for key, value in pe.items():
        if key == "entities":
            lines += [f"      {key}:\n"]
            lines += [f"        {scalar(name)}: {flow(entity)}\n" for name, entity in value.items()]
        else:
            lines += [f"      {key}: {flow(value)}\n"]
    return "".join(lines)
