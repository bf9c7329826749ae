"""Find: which columns of the datasets of a channel are about something, by name or meaning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.reference import Reference
from pe_dvc.primitives.result import Result
from pe_dvc.usecases.parallel import TRANSFERS, run_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pe_dvc.documents.dataset import Dataset, DescribedColumn
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.usecases.read.describe import Description

_EXACT, _NAME, _LABEL, _DESCRIPTION = range(4)


@dataclass(frozen=True, kw_only=True)
class FoundColumn(Result):
    """A column that is about what was asked for, and the datasets that have it with one meaning."""

    name: str
    entity: str | None
    label: str | None
    unit: str | None
    description: str | None
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Findings(Result):
    """The columns that were found, best first.

    ``problems`` says, by reference, what was not looked at and why.
    """

    columns: tuple[FoundColumn, ...]
    problems: dict[str, str] = field(default_factory=dict)


def find_columns(
    text: str,
    country: str,
    channel: ChannelName,
    pointers: Sequence[Pointer],
    describe: Callable[[Pointer], Description],
) -> Findings:
    """Return the columns whose name, label, description or values have every word of ``text``.

    Upper and lower case are alike, and ``_`` is a space. A dataset that ``describe`` cannot read is
    among the problems.
    """
    words = _words(text)
    problems: dict[str, str] = {}

    def look(pointer: Pointer) -> list[tuple[int, FoundColumn]]:
        reference = str(Reference(country=country, name=pointer.name, channel=channel))
        try:
            found = describe(pointer)
        except PeDvcError as error:
            problems[reference] = error.message
            return []
        if found.codebook_unread:
            problems[reference] = "its codebook was never read here: by the names of columns only"
        return list(_matches(words, found.dataset, reference))

    with Pool(TRANSFERS) as pool:
        found = [one for each in run_all(pool, look, pointers) for one in each]
    return Findings(columns=_merged(found), problems=dict(sorted(problems.items())))


def together(found: Sequence[Findings]) -> Findings:
    """Return the findings of several countries as one, in their order."""
    problems = {reference: text for each in found for reference, text in each.problems.items()}
    columns = tuple(column for each in found for column in each.columns)
    return Findings(columns=columns, problems=problems)


def _matches(
    words: list[str], dataset: Dataset, reference: str
) -> Iterator[tuple[int, FoundColumn]]:
    seen = set()
    for column in dataset.columns:
        rank = _rank(words, column)
        if rank is not None and column.name not in seen:
            seen.add(column.name)
            variable = column.variable
            yield (
                rank,
                FoundColumn(
                    name=column.name,
                    entity=column.entity,
                    label=variable.label,
                    unit=variable.unit,
                    description=variable.description,
                    references=(reference,),
                ),
            )


def _rank(words: list[str], column: DescribedColumn) -> int | None:
    """Return how well a column fits, 0 best; None if it does not."""
    variable = column.variable
    coded = " ".join(f"{each.value} {each.label}" for each in variable.values)
    parts = [_plain(column.name), _plain(variable.label), _plain(f"{variable.description} {coded}")]
    if parts[0] == " ".join(words):
        return _EXACT
    for rank, part in ((_NAME, parts[0]), (_LABEL, parts[1]), (_DESCRIPTION, " ".join(parts))):
        if words and all(word in part for word in words):
            return rank
    return None


def _merged(found: list[tuple[int, FoundColumn]]) -> tuple[FoundColumn, ...]:
    """Return each column once, with all datasets that have it with one meaning."""
    by_meaning: dict[FoundColumn, tuple[int, list[str]]] = {}
    for rank, column in found:
        meaning = replace(column, references=())
        by_meaning.setdefault(meaning, (rank, []))[1].extend(column.references)
    ordered = sorted(by_meaning.items(), key=lambda item: (item[1][0], item[0].name))
    return tuple(replace(one, references=tuple(names)) for one, (_, names) in ordered)


def _words(text: str) -> list[str]:
    return _plain(text).split()


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().replace("_", " ").split())
