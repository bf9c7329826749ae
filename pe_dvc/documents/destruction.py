"""Statements of destruction: that someone deleted data whose grant has ended. ADR 0041.

An in-toto statement about the deleted artifacts. Reads and writes; it is signed by
``pe_dvc.trust.person_key``, and accepted or refused by ``pe_dvc.gateway.destruction``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pe_dvc.documents.in_toto import STATEMENT
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.result import json_time

PREDICATE = "https://policyengine.org/pe-dvc/destruction/v1"
MAX_BYTES = 8 * 1024 * 1024
"""Of a signed statement: some forty thousand files."""

PLACES = ("cache", "dvc-cache", "workspace")
_HEX = re.compile("[0-9a-f]{64}")
"""Digests and keys have one form, so that one is not taken for two."""
_MOST_LEFT = 2**53
"""Beyond it canonical JSON has no whole numbers."""
_TEXTS = ("country", "person", "grant", "project", "licence", "destroyed", "key", "nonce")
_FIELDS = {*_TEXTS, "left", "no_other_copies"}


@dataclass(frozen=True, kw_only=True, order=True)
class DestroyedFile:
    """An artifact, or a file of one, that was deleted from ``places``, which are of ``PLACES``."""

    dataset: str
    sha256: str
    places: tuple[str, ...] = ("cache",)


@dataclass(frozen=True, kw_only=True)
class Destruction:
    """What one person states of one grant.

    ``destroyed`` is the time as text in UTC. ``left`` is how many copies this machine still had,
    ``no_other_copies`` whether the person says that there are none elsewhere either. ``key`` is the
    public half (hex, ed25519) of the key that signs, ``nonce`` random, so that no list of names and
    files leads to the digest that the ledger keeps for good.
    """

    country: str
    person: str
    grant: str
    project: str
    licence: str
    destroyed: str
    key: str
    nonce: str
    left: int
    no_other_copies: bool
    files: tuple[DestroyedFile, ...]

    @property
    def time(self) -> datetime:
        """When it was, an aware time."""
        return datetime.strptime(self.destroyed, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    def to_bytes(self) -> bytes:
        """Return the statement as canonical JSON."""
        predicate = {name: getattr(self, name) for name in sorted(_FIELDS)}
        subject: list[dict[str, Any]] = [
            {
                "name": one.dataset,
                "digest": {"sha256": one.sha256},
                "annotations": {"places": list(one.places)},
            }
            for one in sorted(self.files)
        ]
        if not subject:  # in-toto asks for one: what was granted, where nothing of it was here
            terms = canonical_json([self.country, self.grant, self.project, self.licence])
            subject = [{"name": f"grant {self.grant}", "digest": {"sha256": sha256_bytes(terms)}}]
        return canonical_json(
            {
                "_type": STATEMENT,
                "subject": subject,
                "predicateType": PREDICATE,
                "predicate": predicate,
            }
        )


def parse_destruction(data: bytes, *, where: str) -> Destruction:
    """Read a statement; no signature is checked. Raises FormatError."""
    document = read_json(data, what="a statement of destruction", where=where, fractions=False)
    is_one = isinstance(document, dict) and document.get("predicateType") == PREDICATE
    predicate = document.get("predicate") if is_one else None
    subjects = document.get("subject") if is_one else None
    if not isinstance(predicate, dict) or not isinstance(subjects, list):
        raise FormatError("it is not a statement of destruction", where=where)
    right = predicate.keys() == _FIELDS and all(type(predicate[n]) is str for n in _TEXTS)
    right = right and type(predicate["left"]) is int and 0 <= predicate["left"] < _MOST_LEFT
    if not right or type(predicate["no_other_copies"]) is not bool:
        raise FormatError("its fields are not those of a statement of destruction", where=where)
    files = tuple(_file(one, where) for one in subjects if _is_file(one))
    found = Destruction(files=files, **predicate)
    try:
        _ = found.time
        if not _HEX.fullmatch(found.key):
            raise ValueError(found.key)
    except ValueError:
        raise FormatError("its time or its key is none", where=where) from None
    if found.to_bytes() != data:  # one form for each statement, so nothing else stands in it
        raise FormatError("it is not in the one form that such a statement has", where=where)
    return found


def _is_file(subject: object) -> bool:
    return isinstance(subject, dict) and "annotations" in subject


def _file(subject: dict[str, Any], where: str) -> DestroyedFile:
    try:
        name, sha256 = subject["name"], subject["digest"]["sha256"]
        places = tuple(subject["annotations"]["places"])
    except (KeyError, TypeError):
        places, name, sha256 = (), None, None
    right = isinstance(name, str) and isinstance(sha256, str) and _HEX.fullmatch(sha256)
    if not right or not places or any(one not in PLACES for one in places):
        raise FormatError("what it says was deleted is no file of a dataset", where=where)
    return DestroyedFile(dataset=name, sha256=sha256, places=places)


def now_text() -> str:
    """Return the time as statements have it."""
    return json_time(datetime.now(UTC))
