"""Questions to a ledger: which reads there were, and who used which raw inputs how much.

Entries are read one after the other, so that a report of any length takes the same memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pe_dvc.gateway.edited_rows import other_types
from pe_dvc.gateway.leaf import PERSONAL, decode_leaf, with_names
from pe_dvc.gateway.ledger_tables import ENTRIES
from pe_dvc.gateway.pseudonyms import names_of, pseudonym_of
from pe_dvc.primitives.batches import in_batches
from pe_dvc.primitives.canonical import canonical_json
from pe_dvc.primitives.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pe_dvc.gateway.database import Database
    from pe_dvc.gateway.grants_today import GrantsToday
    from pe_dvc.gateway.leaf import Leaf
    from pe_dvc.gateway.ledger_entry import LedgerRead
    from pe_dvc.gateway.read_filter import ReadFilter

_AT_ONCE = 1000


def matches(asked: ReadFilter, read: LedgerRead) -> bool:
    """Whether a read is asked for. Its person may be a pseudonym, so is not looked at."""
    for name in ("country", "dataset", "project"):
        if getattr(asked, name) not in (None, getattr(read, name)):
            return False
    return (
        (asked.raw_source is None or asked.raw_source in read.raw_sources)
        and (asked.since is None or read.at >= asked.since)
        and (asked.until is None or read.at < asked.until)
        and not (asked.without_grant and read.grant_id)
    )


def _must_have(asked: ReadFilter, pseudonym: str | None) -> list[bytes]:
    """Return what stands in the bytes of every leaf that matches, so that few are parsed."""
    values = {name: getattr(asked, name) for name in ("country", "dataset", "project")}
    values["person"] = pseudonym
    found = [canonical_json({k: v})[1:-1] for k, v in values.items() if v is not None]
    return found + ([canonical_json(asked.raw_source)] if asked.raw_source is not None else [])


@dataclass(frozen=True)
class ReportedRead:
    """One read of a report. Of a person who was erased, what stood for them.

    ``grant_missing`` is whether no grant allowed it. ``differs`` says what of its grant is another
    in the ``access.yaml`` that was given.
    """

    index: int
    read: LedgerRead
    differs: tuple[str, ...] = ()

    @property
    def grant_missing(self) -> bool:
        """Whether no grant allowed it."""
        return not self.read.grant_id

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        from pe_dvc.primitives.result import field_values

        more: dict[str, Any] = {"bytes": self.read.byte_count, "grant_missing": self.grant_missing}
        more["differs"] = list(self.differs)
        return {"index": self.index, **field_values(self.read), **more}


def report(
    database: Database, asked: ReadFilter, today: GrantsToday | None = None
) -> Iterator[ReportedRead]:
    """Yield the reads that are asked for, in the order of the ledger.

    Raises FormatError for an entry that is none, VerificationError for a database that was edited
    so that it cannot be read, LedgerUnavailableError.
    """
    with database.reading() as connection:
        for message in other_types(connection, 1):
            raise VerificationError(
                f"{database.where}: {message}", remedy="Run pe-dvc audit verify: it names all."
            )
        found = None if asked.person is None else pseudonym_of(connection, asked.person)
        if asked.person is not None and found is None:
            return
        for some in in_batches(_leaves(connection, asked, found), _AT_ONCE):
            hidden = {getattr(leaf.read, name) for leaf in some for name in PERSONAL} - {None}
            names = names_of(connection, hidden)
            for leaf in some:
                read = with_names(leaf.read, names)
                yield ReportedRead(leaf.index, read, today.differences(read) if today else ())


def _leaves(connection: Connection, asked: ReadFilter, pseudonym: str | None) -> Iterator[Leaf]:
    needed = _must_have(asked, pseudonym)
    for row in connection.execute(select(ENTRIES.c.idx, ENTRIES.c.leaf).order_by(ENTRIES.c.idx)):
        data = bytes(row.leaf)
        if all(one in data for one in needed):
            leaf = decode_leaf(data, where=f"entry {row.idx} of the ledger")
            if matches(asked, leaf.read) and pseudonym in (None, leaf.read.person):
                yield leaf


@dataclass
class Usage:
    """What one group of reads comes to. ``group`` is what they have in common.

    ``bytes`` is without the reads of which no length is known; ``without_grant`` counts reads,
    ``statements`` what people stated that they deleted, ``stated`` last. ``differing`` reads are
    those whose grant is another today, and ``grant`` says what it is, where the group is a grant:
    both only where an ``access.yaml`` was given.
    """

    group: str
    reads: int = 0
    bytes: int = 0
    without_grant: int = 0
    differing: int = 0
    statements: int = 0
    stated: datetime | None = None
    grant: str = ""
    first: datetime | None = None
    last: datetime | None = None
    people: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    licences: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)

    def take(self, one: ReportedRead) -> None:
        """Count one read."""
        read = one.read
        self.people.add(read.person)
        if not read.is_read:
            self.statements += 1
            self.stated = max(self.stated or read.at, read.at)
            return
        self.reads += 1
        self.bytes += read.byte_count or 0
        self.without_grant += one.grant_missing
        self.differing += bool(one.differs)
        self.first = min(self.first or read.at, read.at)
        self.last = max(self.last or read.at, read.at)
        self.projects.add(read.project)
        self.licences.add(read.licence)
        self.datasets.add(read.dataset)

    @property
    def lacks_statement(self) -> bool:
        """Whether the group is a grant that ended, of which no destruction was stated since."""
        is_over = self.grant != "" and not self.grant.startswith(("live", "begins"))
        is_stated = self.stated is not None and (self.last is None or self.stated >= self.last)
        return is_over and self.reads > 0 and not is_stated

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        from pe_dvc.primitives.result import json_value

        values = vars(self)
        return {
            name: sorted(value) if isinstance(value, set) else json_value(value)
            for name, value in values.items()
        }


NOT_KNOWN = "(not recorded)"
"""The raw source of reads of which none is recorded."""

NO_GRANT = "(no grant)"
"""The grant of reads that none allowed."""

GROUPS: dict[str, Callable[[LedgerRead], Sequence[str]]] = {
    "raw-source": lambda read: read.raw_sources or (NOT_KNOWN,),
    "dataset": lambda read: (f"{read.country}/{read.dataset}",),
    "project": lambda read: (read.project,),
    "person": lambda read: (read.person,),
    "grant": lambda read: (read.grant_id or NO_GRANT,),
}
"""What a usage report may be by."""


def usage(reads: Iterable[ReportedRead], by: str) -> list[Usage]:
    """Return what reads come to by raw source, dataset, project, person or grant, in order.

    A read of data that are made of two raw sources counts for both.
    """
    found: dict[str, Usage] = {}
    for one in reads:
        for group in GROUPS[by](one.read):
            found.setdefault(group, Usage(group)).take(one)
    return [found[group] for group in sorted(found)]
