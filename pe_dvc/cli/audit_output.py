"""What ``pe-dvc audit`` prints of reads: lines, CSV or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.cli.audit_csv import csv_line
from pe_dvc.cli.output import echo, print_json, print_list, say
from pe_dvc.primitives.sizes import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.gateway.ledger_entry import LedgerRead
    from pe_dvc.gateway.report import ReportedRead, Usage

_NONE = "the ledger has no such read"


def read_line(read: LedgerRead) -> str:
    """Return a read as one line: when, who, for what, what, how much, from where."""
    size = "all" if read.byte_count is None else bytes_text(read.byte_count)
    what = f"{read.country}/{read.dataset}" if read.dataset else read.object_key
    made_from = f"  from {', '.join(read.raw_sources)}" if read.raw_sources else ""
    return (
        f"{read.at:%Y-%m-%dT%H:%M:%SZ}  {read.person}  {read.project or '-'}  "
        f"{read.licence or '-'}  {what}"
        f"{f'@{read.version}' if read.version else ''}  {read.kind}  {size}  "
        f"{read.client_address}{made_from}"
    )


def print_reads(reads: Iterable[ReportedRead], as_csv: bool, as_json: bool) -> None:
    """Print each read."""
    if as_json:
        print_list(reads)
        return
    number = -1
    for number, one in enumerate(reads):
        if as_csv:
            values = one.to_json()
            if number == 0:
                echo(csv_line(list(values)))
            echo(csv_line(list(values.values())))
            continue
        said = f"  TODAY: {'; '.join(one.differs)}" if one.differs else ""
        said = f"  NO GRANT{said}" if one.grant_missing else said
        echo(f"{one.index}  {read_line(one.read)}{said}")
    if number < 0:
        say(_NONE)


def print_usage(rows: list[Usage], as_csv: bool, as_json: bool) -> None:
    """Print what groups of reads come to."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        say(_NONE)
    for number, row in enumerate(rows):
        if as_csv:
            values = row.to_json()
            if number == 0:
                echo(csv_line(list(values)))
            echo(csv_line(list(values.values())))
            continue
        echo(f"{row.group}: {counted(row.reads, 'read')}, {bytes_text(row.bytes)}")
        if row.first is not None:
            echo(f"  from {row.first:%Y-%m-%d} to {row.last:%Y-%m-%d}")
        for name in ("people", "projects", "licences", "datasets"):
            echo(f"  {name}: {', '.join(sorted(getattr(row, name) - {''})) or '-'}")
        if row.grant:
            echo(f"  in access.yaml: {row.grant}")
        if row.statements:
            last = f"{row.stated:%Y-%m-%d}"
            echo(f"  {counted(row.statements, 'statement')} of destruction, the last on {last}")
        if row.lacks_statement:
            echo("  NO STATEMENT OF DESTRUCTION since the last read")
        if row.differing:
            echo(f"  {counted(row.differing, 'read')} whose grant is another in access.yaml")
        if row.without_grant:
            echo(f"  NO GRANT: {counted(row.without_grant, 'read')}")
