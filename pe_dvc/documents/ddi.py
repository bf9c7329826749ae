"""A dataset as DDI-Codebook 2.6, the XML that social science archives exchange."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from pe_dvc.documents.citation import cite_text
from pe_dvc.documents.dataset import PUBLISHER
from pe_dvc.documents.ddi_statistics import statistics_of
from pe_dvc.primitives.names import country_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.ddi_statistics import Statistic
    from pe_dvc.documents.manifest import Table

NAMESPACE = "ddi:codebook:2_6"
_NO_TEXT = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
"""Controls, which XML has not or archives do not want, and line breaks."""

Element = ElementTree.Element


def to_ddi(dataset: Dataset) -> str:
    """Return the whole document, indented."""
    columns = {id(column): f"V{n}" for n, column in enumerate(dataset.columns, 1)}
    root = Element("codeBook", {"xmlns": NAMESPACE, "version": "2.6"})
    _study(root, dataset)
    _file(root, dataset, columns)
    _data(root, dataset, columns)
    ElementTree.indent(root)
    # In ASCII, so that no character of a label can turn a terminal's text around.
    text = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=False).decode()
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _study(root: Element, dataset: Dataset) -> None:
    study = _add(root, "stdyDscr")
    citation = _add(study, "citation")
    title = _add(citation, "titlStmt")
    _add(title, "titl", dataset.name)
    _add(title, "IDNo", dataset.pin, agency="pe-data")
    _add(_add(citation, "rspStmt"), "AuthEnty", PUBLISHER)
    produced = _add(citation, "prodStmt")
    _add(produced, "producer", PUBLISHER)
    if dataset.built_on:
        _add(produced, "prodDate", dataset.built_on, date=dataset.built_on)
    _software(produced, dataset)
    _add(_add(citation, "distStmt"), "distrbtr", PUBLISHER)
    _add(_add(citation, "verStmt"), "version", dataset.version)
    _add(citation, "biblCit", cite_text(dataset))
    about = _add(study, "stdyInfo")
    _add(about, "abstract", dataset.description)
    _summary(_add(about, "sumDscr"), dataset)
    if dataset.manifest.table.weight:
        collected = _add(_add(study, "method"), "dataColl")
        _add(collected, "weight", f"The variable {dataset.manifest.table.weight} is the weight.")
    _access(study, dataset)


def _software(parent: Element, dataset: Dataset) -> None:
    inputs = dataset.manifest.inputs
    for package in (inputs.model_package, inputs.core_package):
        if package is not None:
            _add(parent, "software", package.name, version=package.version)


def _summary(parent: Element, dataset: Dataset) -> None:
    periods = {p: None for table in dataset.manifest.table.tables for p in table.periods}
    for period in periods or filter(None, [dataset.manifest.table.period]):
        _add(parent, "timePrd", period)
    country = country_code(dataset.manifest.artifact.country)
    _add(parent, "nation", country.upper(), abbr=country.upper())
    for name in dataset.manifest.table.entities:
        _add(parent, "anlyUnit", dataset.codebook.entity(name).label or name)
    _add(parent, "dataKind", dataset.manifest.artifact.kind)


def _access(study: Element, dataset: Dataset) -> None:
    use = _add(_add(study, "dataAccs"), "useStmt")
    if dataset.access == "gated":
        _add(use, "restrctn", "Access is restricted: the licence of the source data applies.")
    about = dataset.manifest.about
    if about is not None and about.citation:
        _add(use, "citReq", about.citation)
    if dataset.licence:
        _add(use, "conditions", dataset.licence)


def _file(root: Element, dataset: Dataset, columns: dict[int, str]) -> None:
    artifact, tables = dataset.manifest.artifact, dataset.manifest.table.tables
    text = _add(_add(root, "fileDscr", ID="F1"), "fileTxt", mimeType=artifact.media_type)
    _add(text, "fileName", dataset.file_name)
    fingerprint = _add(text, "dataFingerprint", type="dataFile")
    _add(fingerprint, "digitalFingerprintValue", artifact.sha256)
    _add(fingerprint, "algorithmSpecification", "SHA-256")
    structure = _add(text, "fileStrc", type="relational" if len(tables) > 1 else "rectangular")
    for number, table in enumerate(tables, 1):
        _record_group(structure, dataset, table, f"R{number}", columns)
    _add(text, "fileType", dataset.manifest.table.format)


def _record_group(
    structure: Element, dataset: Dataset, table: Table, name: str, columns: dict[int, str]
) -> None:
    key, described = dataset.key(table), list(dataset.columns_of(table))
    keyvar = [columns[id(column)] for column in described if column.name == key]
    group = _add(
        structure,
        "recGrp",
        ID=name,
        rectype=table.entity or table.name,
        keyvar=" ".join(keyvar) or None,
    )
    _add(group, "labl", dataset.codebook.entity(table.entity or "").label or table.name)
    size = _add(group, "recDimnsn")
    _add(size, "varQnty", str(len(described)))
    _add(size, "caseQnty", str(table.rows))


def _data(root: Element, dataset: Dataset, columns: dict[int, str]) -> None:
    data = _add(root, "dataDscr")
    groups: dict[str, list[DescribedColumn]] = {}
    for column in dataset.columns:
        groups.setdefault(column.entity or column.table.name, []).append(column)
    for number, (entity, members) in enumerate(groups.items(), 1):
        variables = " ".join(columns[id(column)] for column in members)
        # Entities are no kind of group that DDI names.
        kind = {"type": "other", "otherType": "entity"}
        group = _add(data, "varGrp", ID=f"G{number}", name=entity, var=variables, **kind)
        text = dataset.codebook.entity(entity)
        _add(group, "labl", text.label or entity)
        if text.description:
            _add(group, "txt", text.description)
    weight = dataset.manifest.table.weight
    weights = [columns[id(column)] for column in dataset.columns if column.name == weight]
    for column in dataset.columns:
        _variable(data, dataset, column, columns[id(column)], weights)


def _variable(
    data: Element, dataset: Dataset, column: DescribedColumn, name: str, weights: list[str]
) -> None:
    variable, is_weight = column.variable, name in weights
    found = _add(
        data,
        "var",
        ID=name,
        name=column.name,
        files="F1",
        intrvl="discrete" if variable.values or column.kind == "boolean" else None,
        measUnit=variable.unit,
        **({"wgt": "wgt"} if is_weight else {"wgt-var": " ".join(weights) or None}),
    )
    if variable.label:
        _add(found, "labl", variable.label)
    if column.entity:
        entity = dataset.codebook.entity(column.entity)
        _add(found, "anlysUnit", entity.label or column.entity)
    statistics = statistics_of(dataset, column)
    _add_statistics(found, "sumStat", statistics.summary() if statistics else (), weights)
    if variable.description:
        _add(found, "txt", variable.description)
    labels: dict[str, str | None] = {str(coded.value): coded.label for coded in variable.values}
    if statistics is not None and column.kind in ("string", "boolean"):
        labels = dict.fromkeys(one.value for one in statistics.categories) | labels
    for value, label in labels.items():
        category = _add(found, "catgry")
        _add(category, "catValu", value)
        if label is not None:
            _add(category, "labl", label)
        of_value = statistics.of_category(value) if statistics else ()
        _add_statistics(category, "catStat", of_value, weights)
    numeric = column.kind in ("integer", "number", "boolean")
    kind = "numeric" if numeric else "character"
    _add(found, "varFormat", column.column.type, type=kind, schema="other", otherSchema="arrow")
    for reference in variable.references:
        _add(found, "notes", reference, type="reference")


def _add_statistics(
    parent: Element, tag: str, statistics: Iterable[Statistic], weights: list[str]
) -> None:
    for one in statistics:
        weighted = {"wgtd": "wgtd", "wgt-var": " ".join(weights) or None}
        how = weighted if one.is_weighted else {"wgtd": "not-wgtd"}
        _add(parent, tag, one.text, type=one.kind, **how)


def _add(parent: Element, tag: str, text: str | None = None, **attributes: str | None) -> Element:
    """Add an element, without the attributes that are None."""
    known = {name: _plain(value) for name, value in attributes.items() if value is not None}
    element = ElementTree.SubElement(parent, tag, known)
    element.text = _plain(text) if text is not None else None
    return element


def _plain(text: str) -> str:
    return _NO_TEXT.sub(" ", text)
