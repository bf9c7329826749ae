"""Gates that judge by profiles: tails, columns that vanish, categories, drift.

They need no payload where the profiles are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.disclosure import Finding, Named, Total
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.sizes import figure_text
from pe_dvc.usecases.channel.gate_results import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pe_dvc.documents.gates import RequiredEvidence, Tail
    from pe_dvc.documents.profile import ColumnProfile, Profile, TableProfile
    from pe_dvc.usecases.channel.nomination import Nomination

MANY = 1_000_000
"""Rows that a figure rests on which was held to the rule before."""
ALL = "*"
"""The columns that ``drift`` names none of its own for."""


def zero(nomination: Nomination, _: bool) -> Iterator[Measured]:
    """No column becomes all zero, or all missing."""
    before, after = nomination.profiles.before(), nomination.profiles.known()
    if before is None or after is None:
        return
    lost = [
        (table, name)
        for table in after.tables
        for name, column in table.columns.items()
        if column.carriers == 0 and _carried(before, table, name)
    ]
    for table, name in lost:
        yield Measured(
            gate="zero",
            of=_named(name, table, after),
            value="all zero or missing",
            bound="values, as before",
            passed=False,
        )
    if not lost:
        yield Measured(gate="zero", of=None, value="", bound="", passed=True)


def _carried(before: Profile, table: TableProfile, name: str) -> bool:
    found = [one for one in before.tables if one.name == table.name]
    same = [one for one in found if one.period == table.period] or found
    # Where it is not said how many carriers there were, there were some.
    columns = [one.columns[name] for one in same if name in one.columns]
    return any(column.carriers != 0 for column in columns)


def periods(nomination: Nomination, _: bool) -> Iterator[Measured]:
    """No period is without rows."""
    for table in nomination.after.table.tables:
        for period, rows in table.periods.items():
            if rows == 0:
                yield Measured(
                    gate="periods",
                    of=f"{table.name}/{period}",
                    value="no rows",
                    bound="rows in every period",
                    passed=False,
                )


def tail(nomination: Nomination, bounds: Mapping[str, Tail]) -> Iterator[Measured]:
    """Few hold no more of a column's total than their bound."""
    if not bounds:
        return
    after = nomination.profiles.after()
    for name, bound in bounds.items():
        for table, column in found_columns(after, name, nomination, "tail"):
            for field, most in (("top_100", bound.top_100), ("top_weight", bound.top_weight)):
                if most is not None:
                    of = f"{_named(name, table, after)} {field}"
                    share = getattr(column, field)
                    yield _at_most("tail", of, share, most, column)


def n_eff(nomination: Nomination, least: float) -> Iterator[Measured]:
    """The effective number of rows of each table that is weighted reaches its floor."""
    weights = [(t, t.weight) for t in nomination.profiles.after().tables if t.weight is not None]
    if not weights:
        raise FormatError(
            f"no table of {nomination.name} is weighted",
            where=f"meta.pe.gates.n_eff of {nomination.name}",
            remedy="Declare the weight, or remove n_eff from the gates.",
        )
    for table, weight in weights:
        found = weight.n_eff
        said = "not said" if found is None else Finding.alike(Total(found, carriers=table.rows))
        yield Measured(
            gate="n_eff",
            of=table.name if table.period is None else f"{table.name}/{table.period}",
            value=said,
            bound=f"at least {figure_text(least)}",
            passed=found is not None and found >= least,
        )


def categories(nomination: Nomination, columns: Sequence[str]) -> Iterator[Measured]:
    """No category appears, and none goes."""
    before = nomination.profiles.before()
    if before is None or not columns:
        return
    after = nomination.profiles.after()
    for name in columns:
        for table, column in found_columns(after, name, nomination, "categories"):
            was = [one for one, _ in _pairs(before, name, table.period)]
            if not was:
                continue
            known = column.categories is not None and was[0].categories is not None
            now, then = _rows_by_value(column), _rows_by_value(was[0])
            changed = now.keys() != then.keys()
            same = f"{len(now)}, as before" if known else "not said"
            yield Measured(
                gate="categories",
                of=_named(name, table, after),
                value=_changes(now, then) if changed else same,
                bound="the same as before",
                passed=known and not changed,
            )


def _changes(now: Mapping[str, int], then: Mapping[str, int]) -> Finding:
    """Return which categories are new and which are gone; what few rows have is not signed."""
    said: list[str | Named] = []
    for word, those, others in (("new", now, then), ("gone", then, now)):
        lists = ", ", f"; {word}: " if said else f"{word}: "
        for number, value in enumerate(sorted(those.keys() - others.keys())[:5]):
            said += [lists[number == 0], Named(value, rows=those[value])]
    return Finding.alike(*said)


def drift(nomination: Nomination, tolerances: Mapping[str, float]) -> Iterator[Measured]:
    """Weighted totals move within their tolerance, against each earlier state that is known."""
    if not tolerances:
        return
    after = nomination.profiles.after()
    for name in tolerances:
        if name != ALL:
            found_columns(after, name, nomination, "drift")
    for label, before in nomination.profiles.earlier().items():
        if before is None:
            said = f"not compared with {label}, which cannot be read"
            yield Measured(gate="drift", of=None, value=said, bound="", passed=True)
            continue
        moved = list(_moved(after, before, label, tolerances))
        named = [one for one in moved if not one.passed or one.of in tolerances]
        yield from named
        others = len(moved) - len(named)
        if others:
            value = f"{others} more totals moved less"
            yield Measured(gate="drift", of=None, value=value, bound=f"as in {label}", passed=True)


def _moved(
    after: Profile, before: Profile, label: str, tolerances: Mapping[str, float]
) -> Iterator[Measured]:
    for table in after.tables:
        for name, column in table.columns.items():
            tolerance = tolerances.get(name, tolerances.get(ALL))
            if tolerance is None:
                continue
            for was, _ in _pairs(before, name, table.period):
                if was.total is None:
                    continue
                now, had = column.total, figure_said(was.total, was)
                passed = now is not None and abs(now - was.total) <= abs(was.total) * tolerance
                yield Measured(
                    gate="drift",
                    of=_named(name, table, after),
                    value="not said" if now is None else figure_said(now, column),
                    bound=Finding.alike(f"within {tolerance:.4g} of {label}: ", *had.counts),
                    passed=passed,
                )


def evidence(nomination: Nomination, required: Sequence[RequiredEvidence]) -> Iterator[Measured]:
    """Other datasets say what they must."""
    for one in required:
        found = nomination.document(one.artifact) if nomination.document else None
        for part in one.require.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                found = found.get(key) if isinstance(found, dict) else None
        said = "true" if found is True else "false" if found is False else "not true or false"
        of = f"{one.artifact} {one.require}"
        yield Measured(gate="evidence", of=of, value=said, bound="true", passed=found is True)


def _at_most(
    gate: str, of: str, share: float | None, most: float, column: ColumnProfile
) -> Measured:
    said = "not said" if share is None else figure_said(share, column)
    passed = share is not None and share <= most
    return Measured(gate=gate, of=of, value=said, bound=f"at most {most:.4g}", passed=passed)


def figure_said(number: float, column: ColumnProfile) -> Finding:
    """Return a figure of a profile, as it may be said."""
    return Finding.alike(Total(number, carriers=rests_on(column)))


def rests_on(column: ColumnProfile) -> int:
    """Return on how many rows figures rest. Where that is not said, the figures are by the rule."""
    return column.carriers if column.carriers is not None else MANY


def _rows_by_value(column: ColumnProfile) -> dict[str, int]:
    return {one.value: one.rows for one in column.categories or ()}


def _pairs(
    profile: Profile, name: str, period: str | None
) -> list[tuple[ColumnProfile, TableProfile]]:
    """Return a column of a period; of the only one there is, where the other had none."""
    found = [(column, table) for table, column in profile.find(name)]
    same = [one for one in found if one[1].period == period]
    return same or (found if len(found) == 1 else [])


def found_columns(
    profile: Profile, name: str, nomination: Nomination, gate: str
) -> list[tuple[TableProfile, ColumnProfile]]:
    """Return a column in every period. Raises FormatError for one that is not there."""
    found = list(profile.find(name))
    if not found:
        raise FormatError(
            f"{nomination.name} has no column {name!r}",
            where=f"meta.pe.gates.{gate} of {nomination.name}",
            remedy="Correct the name, or remove it from the gates.",
        )
    return found


def _named(name: str, table: TableProfile, profile: Profile) -> str:
    several = sum(1 for _ in profile.find(name)) > 1
    return f"{name}/{table.period}" if several and table.period else name
