"""May this person read this object, for which project, under which grant? Pure: no I/O, no clock.

Several projects of one person are several grants, and a request is for one of them. ADR 0036.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.documents.access import matches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from pe_dvc.documents.access import AccessRules, Terms

MAX_VISAS = 200
"""Visas of one passport that are looked at."""


@dataclass(frozen=True, kw_only=True)
class Visa:
    """A verified visa of a passport: ``issuer`` signed that its bearer may use ``value``."""

    issuer: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a token is good for, beside what its person may do; None is no such limit."""

    country: str | None = None
    project: str | None = None
    datasets: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, as was verified. ``token_id`` names a personal access token, and is no secret."""

    person: str
    scope: Scope = Scope()
    visas: tuple[Visa, ...] = ()
    token_id: str | None = None


@dataclass(frozen=True, kw_only=True, order=True)
class Subject:
    """A dataset that an object belongs to, with the names of its raw inputs."""

    dataset: str
    raw_inputs: tuple[str, ...] = ()
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The read is granted by ``grant``, as one of ``subject``."""

    grant: Terms
    subject: Subject


Why = Literal["no grant", "not yet", "ended", "ambiguous", "token scope"]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The read is refused; ``says`` is for the person, ``projects`` what to choose from."""

    why: Why
    says: str
    projects: tuple[str, ...] = ()


def decide(
    rules: AccessRules,
    caller: Caller,
    subjects: Iterable[Subject],
    *,
    country: str,
    project: str | None,
    now: datetime,
) -> Allowed | Refused:
    """Return whether ``caller`` may read an object that belongs to ``subjects``.

    ``project`` is the one that the request names. ``now`` is an aware time. Bytes that are several
    datasets' may be read by who may read one of them.
    """
    scope, subjects = caller.scope, sorted(subjects)
    if scope.country not in (None, country):
        return _of_scope(f"this token is for {scope.country}, not for {country}")
    if scope.project is not None and project not in (None, scope.project):
        return _of_scope(f"this token is for the project {scope.project}, not for {project}")
    project = project if scope.project is None else scope.project
    if scope.datasets is not None:
        subjects = [one for one in subjects if matches(one.dataset, scope.datasets)]
        if not subjects:
            return _of_scope("this token is for other datasets")
    found = [
        Allowed(grant=grant, subject=one)
        for grant in grants_of(rules, caller)
        for one in subjects
        if grant.covers(one.dataset, one.raw_inputs)
    ]
    return _choose(found, project, now, rules.contact)


def grants_of(rules: AccessRules, caller: Caller) -> list[Terms]:
    """Return all grants of a person, whenever they hold: their own, and those of their visas."""
    visas = {(one.issuer, one.value) for one in caller.visas[:MAX_VISAS]}
    own: list[Terms] = [one for one in rules.grants if one.person == caller.person]
    return own + [one for one in rules.visas if (one.issuer, one.value) in visas]


def _choose(
    found: list[Allowed], project: str | None, now: datetime, contact: str
) -> Allowed | Refused:
    """Return the one grant that counts, of those that cover the object."""
    meant = [one for one in found if project in (None, one.grant.project)]
    live = [one for one in meant if not one.grant.begins_after(now) and not one.grant.ended(now)]
    projects = tuple(sorted({one.grant.project for one in live}))
    if len(projects) > 1:
        named = ", ".join(projects)
        says = f"several of your projects may read this: name one of {named} in X-PE-Project"
        return Refused(why="ambiguous", says=says, projects=projects)
    if live:
        # Of several grants of one project the one that lasts longest, then the first by id.
        return min(live, key=lambda one: (-one.grant.last_day.toordinal(), one.grant.id))
    if ended := [one for one in meant if one.grant.ended(now)]:
        last = max(ended, key=lambda one: (one.grant.last_day, one.grant.id))
        return Refused(why="ended", says=_must_go(last.grant, contact), projects=())
    if later := [one for one in meant if one.grant.begins_after(now)]:
        first: date = min(one.grant.first_day for one in later)
        return Refused(why="not yet", says=f"your grant begins on {first.isoformat()}")
    named = f" for the project {project}" if project else ""
    others = tuple(sorted({one.grant.project for one in found})) if project else ()
    hint = f"; you have grants for {', '.join(others)}" if others else ""
    says = f"you have no grant to read this{named}{hint}. To apply: {contact}"
    return Refused(why="no grant", says=says, projects=others)


def _must_go(grant: Terms, contact: str) -> str:
    """Say that a grant ended, and what of its data must be deleted now."""
    names = [*grant.datasets, *(f"what is made of {one}" for one in grant.raw_sources)]
    return (
        f"your grant {grant.id} for the project {grant.project} ended on "
        f"{grant.last_day.isoformat()}: delete all copies of {', '.join(names)} that you have "
        f"under {grant.licence_text}. pe-dvc cache prune --expired does it here, and states it. "
        f"To renew: {contact}"
    )


def _of_scope(says: str) -> Refused:
    return Refused(why="token scope", says=says)
