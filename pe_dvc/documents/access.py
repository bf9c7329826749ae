"""``access.yaml`` of a data repo: who may read gated data, for which project, until when.

It is reviewed as code is, by pull request, and the gateway reads it. ADR 0036. What it grants is
decided in ``pe_dvc.gateway.decision``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pe_dvc.documents.key_errors import not_a_mapping
from pe_dvc.documents.pydantic_reader import StrictRecord, read_strict
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.wildcards import fits

FILE = "access.yaml"
MAX_BYTES = 4 * 1024 * 1024
"""Most bytes of an access.yaml: some ten thousand grants."""

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_PERSON = re.compile(r"[\x21-\x7e]{1,256}")
_PATTERN = re.compile(r"[A-Za-z0-9*_/.-]{1,256}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_project(text: str) -> str:
    """Return ``text`` if it can be a project's or a grant's id. Raises ValueError."""
    if not _ID.fullmatch(text):
        raise ValueError("should be letters, digits, '.', '_' and '-', 64 at most")
    return text


def check_person(text: str) -> str:
    """Return ``text`` if it can identify a person or an issuer. Raises ValueError."""
    if not _PERSON.fullmatch(text):
        raise ValueError("should be what identifies a person, such as ada@example.org, no spaces")
    return text


def check_pattern(text: str) -> str:
    """Return ``text`` if it can be a pattern of names. Raises ValueError."""
    if not _PATTERN.fullmatch(text):
        raise ValueError("should be a name, in which * stands for anything, such as frs_*")
    return text


def _listed(value: object) -> object:
    """Return a list as the tuple that it becomes; a text alone is one pattern."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _day(value: object) -> object:
    """Return the date in a text: YAML 1.2, as it is read here, has none of its own."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("should be a date such as 2026-12-31")


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("should be one line of text")
    return text


Id = Annotated[str, AfterValidator(check_project)]
Day = Annotated[date, BeforeValidator(_day)]
Line = Annotated[str, Field(max_length=500), AfterValidator(_line)]
Pattern = Annotated[str, AfterValidator(check_pattern)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_listed)]


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a name is one that ``patterns`` mean, in which ``*`` stands for anything."""
    return any(fits(name, pattern.split("*")) for pattern in patterns)


def covers(
    dataset: str,
    raw_inputs: Collection[str],
    *,
    datasets: tuple[str, ...],
    raw_sources: tuple[str, ...],
) -> bool:
    """Tell whether a dataset, made of such raw inputs, is one that patterns mean.

    A dataset of which no raw input is known is meant by its own name only.
    """
    by_source = bool(raw_inputs) and all(matches(one, raw_sources) for one in raw_inputs)
    return by_source or matches(dataset, datasets)


class Terms(StrictRecord):
    """What is granted: which datasets, for which project, under which licence, and when.

    ``datasets`` are names of datasets. ``raw_sources`` are names of raw inputs, and mean the
    datasets that are made of these alone. ``from`` is the first day and ``until`` the last one,
    both in UTC.
    """

    id: Id
    project: Id
    datasets: Patterns = ()
    raw_sources: Patterns = ()
    licence: Line
    licence_version: Annotated[str, Field(max_length=64), AfterValidator(_line)]
    first_day: Annotated[Day, Field(alias="from")]
    last_day: Annotated[Day, Field(alias="until")]

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if not self.datasets and not self.raw_sources:
            raise ValueError(f"the grant {self.id} should name datasets or raw_sources")
        if self.last_day < self.first_day:
            raise ValueError(f"the grant {self.id} should not end before it begins")
        return self

    def covers(self, dataset: str, raw_inputs: tuple[str, ...]) -> bool:
        """Tell whether a dataset, made of such raw inputs, is one that it grants."""
        mine = {"datasets": self.datasets, "raw_sources": self.raw_sources}
        return covers(dataset, raw_inputs, **mine)

    def begins_after(self, now: datetime) -> bool:
        """Tell whether its first day has not come; ``now`` is an aware time."""
        return now < _midnight(self.first_day)

    def ended(self, now: datetime) -> bool:
        """Tell whether its last day is over; ``now`` is an aware time."""
        # Not the next day's date, which the last day of the calendar has not.
        return now - _midnight(self.last_day) >= timedelta(days=1)

    @property
    def licence_text(self) -> str:
        """The licence with its version, as the ledger notes it."""
        return f"{self.licence}, version {self.licence_version}"


class Grant(Terms):
    """What one person may read: ``person`` is as the gateway verified them: ADR 0036."""

    person: Annotated[str, AfterValidator(check_person)]


class VisaGrant(Terms):
    """What everyone may read whose GA4GH passport has a visa of that ``value`` by ``issuer``."""

    issuer: Annotated[str, AfterValidator(check_person)]
    value: Annotated[str, AfterValidator(check_person)]


class AccessRules(StrictRecord):
    """All of ``access.yaml``. ``contact`` is whom to ask for access."""

    contact: Line
    grants: Annotated[tuple[Grant, ...], BeforeValidator(_listed)] = ()
    visas: Annotated[tuple[VisaGrant, ...], BeforeValidator(_listed)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for one in (*self.grants, *self.visas):
            if one.id in seen:
                raise ValueError(
                    f"the id {one.id} is given twice, and the ledger names grants by it"
                )
            seen.add(one.id)
        return self


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def access_rules(document: Any, *, file: str = FILE) -> AccessRules:
    """Return the rules in what an ``access.yaml`` holds. Raises FormatError naming the key."""
    if not isinstance(document, Mapping):
        raise not_a_mapping(document, ["contact", "grants"], file=file, path="document")
    try:
        return read_strict(AccessRules, document, file=file, path="")
    except RecursionError:
        raise FormatError("is nested too deeply", where=file) from None
