"""SLSA provenance v1 in an in-toto statement: bare, in a DSSE envelope, or in a Sigstore bundle.

The signature of an envelope is not verified: which key may speak for a builder is for the
person who adds the file to say. https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.statement import (
    Statement,
    digest,
    exact,
    input_file,
    moment,
    not_a_statement,
    text,
)
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator

PREDICATE = "https://slsa.dev/provenance/v1"
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_HOSTED = ("https://github.com/", "https://gitlab.com/", "https://cloudbuild.googleapis.com/")
_PYPI = "pkg:pypi/"


def statements_in(data: bytes, *, where: str) -> list[dict[str, Any]] | None:
    """Return the in-toto statements in a file: one, or one a line. None where there are none.

    Raises FormatError for an envelope whose payload is none.
    """
    try:
        documents = [read_json(data, what="a statement", where=where)]
    except FormatError:
        lines = [line for line in data.splitlines() if line.strip()]
        documents = [read_json(line, what="a statement", where=where) for line in lines]
    opened = [_opened(document, where) for document in documents]
    return [found for found in opened if found is not None] or None


def read_slsa(statements: list[dict[str, Any]], *, where: str) -> Statement:
    """Return what the first SLSA provenance among in-toto statements states."""
    fitting = [found for found in statements if found.get("predicateType") == PREDICATE]
    if not fitting:
        kinds = ", ".join(sorted({str(s.get("predicateType")) for s in statements}))
        raise not_a_statement(f"its predicate is {kinds}, expected {PREDICATE}", where)
    subjects = tuple(s for found in fitting for s in _subjects(found))
    predicate = _section(fitting[0], "predicate")
    definition, details = _section(predicate, "buildDefinition"), _section(predicate, "runDetails")
    materials = [m for m in _list(definition, "resolvedDependencies") if isinstance(m, dict)]
    named = [(str(m.get("name") or m.get("uri") or "unnamed"), m) for m in materials]
    packages = dict(filter(None, (_package(m) for m in materials)))
    source = next((m for m in materials if _commit(m)), {})
    files = [(name, input_file(name, _section(m, "digest").get("sha256"))) for name, m in named]
    known = [name for name, m in named if _commit(m) or _package(m)]
    metadata, builder = _section(details, "metadata"), text(_section(details, "builder").get("id"))
    return Statement(
        format="slsa-provenance-v1",
        subjects=subjects,
        python_version=packages.pop("python", None),
        packages=packages,
        raw_inputs=tuple(file for name, file in files if file and name not in known),
        params={
            name: exact(definition[name])
            for name in ("externalParameters", "internalParameters")
            if definition.get(name)
        },
        repository=_repository(source),
        git_commit=_commit(source),
        built_at=moment(metadata.get("finishedOn") or metadata.get("startedOn")),
        built_in="ci" if builder and builder.startswith(_HOSTED) else None,
        builder=builder,
        build_id=text(metadata.get("invocationId")),
        unstated=tuple(redact_text(n) for n, file in files if file is None and n not in known),
    )


def _opened(document: Any, where: str) -> dict[str, Any] | None:
    if not isinstance(document, dict):
        return None
    envelope = document.get("dsseEnvelope", document)
    if isinstance(envelope, dict) and isinstance(envelope.get("payload"), str):
        try:
            payload = base64.b64decode(envelope["payload"], validate=True)
        except (binascii.Error, ValueError):
            raise not_a_statement("the payload of its envelope is not base64", where) from None
        document = read_json(payload, what="a statement", where=where)
    is_one = isinstance(document, dict) and document.get("_type") in _STATEMENTS
    return document if is_one else None


def _section(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _subjects(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for subject in _list(statement, "subject"):
        found = subject if isinstance(subject, dict) else {}
        sha256 = digest(_section(found, "digest").get("sha256"))
        if sha256:
            yield str(found.get("name") or ""), sha256


def _commit(material: dict[str, Any]) -> str | None:
    digests, uri = _section(material, "digest"), str(material.get("uri") or "")
    sha1 = digests.get("sha1") if uri.startswith("git+") else None
    return digest(digests.get("gitCommit") or sha1, "40 64")


def _repository(material: dict[str, Any]) -> str | None:
    return text(str(material.get("uri") or "").removeprefix("git+").partition("@refs/")[0])


def _package(material: dict[str, Any]) -> tuple[str, str] | None:
    """Return the Python package that a package URL names, and its version."""
    uri = str(material.get("uri") or "")
    name, _, version = uri.removeprefix(_PYPI).partition("?")[0].partition("@")
    if not uri.startswith(_PYPI) or not version:
        return None
    return name.replace("_", "-").replace(".", "-").lower(), version
