"""``pe_dvc.Ledger``: who read which gated data, and whether the answer was altered."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pe_dvc.gateway.read_filter import ReadFilter as ReadFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pe_dvc.gateway.import_reads import ImportedReads
    from pe_dvc.gateway.ledger_proof import ProvedEntry
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
        self, asked: ReadFilter | None = None, *, access: Path | None = None
    ) -> Iterator[ReportedRead]:
        """Yield the reads that are ``asked`` for, all by default, in the order of the ledger.

        In flat memory, however many there are. With the ``access.yaml`` of today, ``access``,
        each says what of its grant is another there. Raises FormatError for one that is none.
        """
        from pe_dvc.gateway.report import report
        from pe_dvc.project.ledger import grants_today, open_ledger

        today = grants_today(access)
        with closing(open_ledger(self._place)) as database:
            yield from report(database, asked or ReadFilter(), today)

    def usage(
        self,
        by: str = "raw-source",
        asked: ReadFilter | None = None,
        *,
        access: Path | None = None,
    ) -> list[Usage]:
        """Return what the reads ``asked`` for come to.

        ``by`` is raw-source, dataset, project, person or grant. Of grants, ``access``, an
        ``access.yaml``, says which ended, and so which lack a statement of destruction. Raises
        FormatError for another ``by``.
        """
        from pe_dvc.project.ledger import usage

        return usage(self.report(asked, access=access), by, access)

    def prove(self, index: int) -> str:
        """Return a proof that entry ``index`` is in the ledger, as a text of C2SP's tlog-proof.

        Who has it and the gateway's public key needs no ledger to verify it (``verify_proof``).
        Raises NotFoundError for an entry that is not there.
        """
        from pe_dvc.project.ledger import open_ledger, prove

        with closing(open_ledger(self._place)) as database:
            return prove(database, index)

    def verify_proof(self, proof: Path, *, key: str | Path) -> ProvedEntry:
        """Return the entry that the file ``proof`` proves, once it verifies, without the ledger.

        ``key`` is the gateway's public key as text, or its key file. Raises SignatureError,
        VerificationError, FormatError.
        """
        from pe_dvc.project.ledger import verify_proof

        return verify_proof(proof, key)

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
