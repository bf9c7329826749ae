"""``pe_dvc.Ledger``: who read which gated data, and whether the answer was altered."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from pe_dvc.gateway.import_reads import ImportedReads
    from pe_dvc.gateway.report import ReportedRead, Usage
    from pe_dvc.gateway.verify_ledger import LedgerVerdict


class Ledger:
    """The ledger of reads that a gateway keeps, in an SQLite file or in PostgreSQL.

    ``place`` is a path or ``postgresql://…``; default: ``PE_DVC_LEDGER``. All methods raise
    NotFoundError if there is none, LedgerUnavailableError if it cannot be used.
    """

    def __init__(self, place: str | Path | None = None) -> None:
        self._place = place

    def verify(self, *, key: str | Path, checkpoints: Sequence[Path] = ()) -> LedgerVerdict:
        """Return whether all entries are what was signed, and what is wrong.

        ``key`` is the gateway's public key as text, or its key file; ``checkpoints`` are files
        that were kept elsewhere. Raises FormatError, SignatureError for one of another key.
        """
        from pe_dvc.project.ledger import open_ledger, verify

        with closing(open_ledger(self._place)) as database:
            return verify(database, key, checkpoints)

    def report(
        self,
        *,
        country: str | None = None,
        dataset: str | None = None,
        person: str | None = None,
        project: str | None = None,
        raw_source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        without_grant: bool = False,
    ) -> Iterator[ReportedRead]:
        """Yield the reads that are asked for, in the order of the ledger, in flat memory."""
        from pe_dvc.project.ledger import open_ledger, report

        asked = (country, dataset, person, project, raw_source, since, until, without_grant)
        with closing(open_ledger(self._place)) as database:
            yield from report(database, *asked)

    def usage(
        self,
        by: str = "raw-source",
        *,
        country: str | None = None,
        dataset: str | None = None,
        person: str | None = None,
        project: str | None = None,
        raw_source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        without_grant: bool = False,
    ) -> list[Usage]:
        """Return what the reads come to ``by`` raw-source, dataset, project or person."""
        from pe_dvc.project.ledger import usage

        reads = self.report(
            country=country,
            dataset=dataset,
            person=person,
            project=project,
            raw_source=raw_source,
            since=since,
            until=until,
            without_grant=without_grant,
        )
        return usage(reads, by)

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint, to be kept where no one of the gateway can write.

        It is what ``verify`` takes as one of ``checkpoints``.
        """
        from pe_dvc.project.ledger import newest_checkpoint, open_ledger

        with closing(open_ledger(self._place)) as database:
            return newest_checkpoint(database)

    def forget(self, person: str) -> int:
        """Erase a person's name, addresses and tokens; return how many values that were.

        Entries stay, under a pseudonym that leads to no name, and verify as before.
        """
        from pe_dvc.project.ledger import forget, open_ledger

        with closing(open_ledger(self._place)) as database:
            return forget(database, person)

    def import_(
        self,
        files: Sequence[Path],
        *,
        key: Path,
        country: str,
        manifests: Path | None = None,
    ) -> ImportedReads:
        """Take the reads of CloudTrail files and S3 access logs into the ledger, each once.

        The ledger and its ``key`` file are made if there are none. ``manifests`` is a directory of
        a data repo, whose manifests say which dataset an object is. Raises FormatError for a file
        that is neither log.
        """
        from pe_dvc.project.ledger import import_logs

        return import_logs(self._place, files, key=key, country=country, manifests=manifests)
