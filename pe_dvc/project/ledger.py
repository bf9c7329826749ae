"""Opening a ledger of reads and what is asked of it: its place, keys and files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, LedgerUnavailableError, NotFoundError
from pe_dvc.primitives.printable import brief
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pe_dvc.gateway.access_logs import Logged
    from pe_dvc.gateway.database import Database
    from pe_dvc.gateway.grants_today import GrantsToday
    from pe_dvc.gateway.import_reads import ImportedReads, KnownObject
    from pe_dvc.gateway.ledger_proof import ProvedEntry
    from pe_dvc.gateway.report import ReportedRead, Usage
    from pe_dvc.gateway.verify_ledger import LedgerVerdict

MANIFEST_SUFFIX = ".json"
VARIABLE = "PE_DVC_LEDGER"


def ledger_place(place: str | Path | None) -> str | Path:
    """Return where the ledger is: as given, else ``PE_DVC_LEDGER``. Raises NotFoundError."""
    found = place or os.environ.get(VARIABLE)
    if not found:
        raise NotFoundError(
            "it is not said where the ledger is",
            remedy=f"Give its SQLite file or postgresql://… by --ledger or {VARIABLE}.",
        )
    return found


def open_ledger(place: str | Path | None) -> Database:
    """Open the ledger for questions. Raises NotFoundError, FormatError, LedgerUnavailableError."""
    from pe_dvc.gateway.database import Database

    return Database(ledger_place(place))


def verify(database: Database, key: str | Path, checkpoints: Sequence[Path]) -> LedgerVerdict:
    """Compare a ledger with what ``key`` signed: of it, and of ``checkpoints``, kept elsewhere."""
    from pe_dvc.gateway.verify_ledger import verify_ledger

    origin, public = public_key(key)
    kept = [(str(path), read_document(path)) for path in checkpoints]
    return verify_ledger(database, public, kept=kept, origin=origin)


def public_key(key: str | Path) -> tuple[str, bytes]:
    """Return the log's name, if the key says it, and the key: of a text, or of a key file."""
    from pe_dvc.gateway.ledger_key import LedgerSigner
    from pe_dvc.tlog.note import VerifierKey

    path = Path(key)
    if isinstance(key, Path) or (len(key) < 1024 and path.is_file()):
        return "", LedgerSigner.open(path).public
    try:
        found = VerifierKey.parse(key.strip())
    except FormatError as error:
        said = error.message if "+" in key else f"there is no file {brief(key)}"
        raise FormatError(
            f"{said}: it is neither a key file nor the text of a public key",
            where="--key",
            remedy="With the gateway's key file, `pe-dvc audit verify` prints it: NAME+ID+KEY.",
        ) from error
    return found.name, found.public


def prove(database: Database, index: int) -> str:
    """Return the proof that entry ``index`` is in the ledger. Raises NotFoundError."""
    from pe_dvc.gateway.ledger_proof import prove_entry

    return str(prove_entry(database, index))


def verify_proof(proof: Path, key: str | Path) -> ProvedEntry:
    """Return the entry in a file of a proof that ``key`` signed, without its ledger."""
    from pe_dvc.gateway.ledger_proof import MOST_BYTES, proved_entry

    origin, public = public_key(key)
    return proved_entry(read_document(proof, limit=MOST_BYTES), public, origin, where=str(proof))


def grants_today(access: Path | None) -> GrantsToday | None:
    """Return the grants of an ``access.yaml``. Raises FormatError, NotFoundError."""
    from pe_dvc.adapters.dvc.yaml import read_yaml
    from pe_dvc.documents.access import MAX_BYTES, access_rules
    from pe_dvc.gateway import grants_today as today

    if access is None:
        return None
    document = read_yaml(read_document(access, limit=MAX_BYTES), str(access))
    return today.GrantsToday(access_rules(document, file=str(access)))


def usage(reads: Iterable[ReportedRead], by: str, access: Path | None = None) -> list[Usage]:
    """Return what reads come to. Raises FormatError for what reads cannot be summed up by."""
    from pe_dvc.gateway.report import GROUPS, NO_GRANT
    from pe_dvc.gateway.report import usage as summed

    if by not in GROUPS:
        raise FormatError(f"reads are summed up by {', '.join(GROUPS)}, not by {by[:100]!r}")
    rows, today = summed(reads, by), grants_today(access)
    for row in rows:
        if by == "grant" and today is not None and row.group != NO_GRANT:
            row.grant = today.state(row.group, datetime.now(UTC))
    return rows


def newest_checkpoint(database: Database) -> str:
    """Return the newest signed checkpoint, which is not verified."""
    from pe_dvc.gateway.verify_ledger import newest_note

    return newest_note(database)


def forget(database: Database, person: str) -> int:
    """Erase a person, and return how many values that were. Raises NotFoundError."""
    from pe_dvc.gateway.pseudonyms import forget as erase

    with database.writing() as connection:
        gone = erase(connection, person)
    if gone == 0:
        raise NotFoundError(
            "the ledger knows no such person", remedy="`pe-dvc audit report` lists who it knows."
        )
    database.tidy()
    return gone


def import_logs(
    place: str | Path | None,
    files: Sequence[Path],
    *,
    key: Path,
    country: str,
    manifests: Path | None,
) -> ImportedReads:
    """Take reads of access logs into the ledger, which is made if there is none."""
    from contextlib import closing, suppress
    from io import BufferedReader
    from itertools import chain

    from pe_dvc.gateway.access_logs import read_access_log
    from pe_dvc.gateway.database import Database
    from pe_dvc.gateway.import_reads import import_reads, naming
    from pe_dvc.gateway.ledger_key import LedgerSigner
    from pe_dvc.gateway.ledger_writer import LedgerWriter
    from pe_dvc.primitives.names import check_country
    from pe_dvc.store.plain_files import open_to_read

    check_country(country)
    objects = {} if manifests is None else known_objects(manifests)

    def requests(path: Path) -> Iterator[Logged]:
        with BufferedReader(open_to_read(path)) as file:
            yield from read_access_log(file, country=country, named=str(path))

    signer = LedgerSigner.open(key, create=True)
    with closing(Database(ledger_place(place), create=True)) as database:
        writer = LedgerWriter(database, signer)
        logged = chain.from_iterable(requests(path) for path in files)
        try:
            return import_reads(writer, logged, naming(objects))
        finally:
            with suppress(LedgerUnavailableError):  # what is kept was signed in any case
                writer.checkpoint()


def known_objects(directory: Path) -> dict[str, KnownObject]:
    """Return what the manifests in a directory say of objects of the bucket, by digest."""
    from pe_dvc.documents.dvc_hash import bare_md5
    from pe_dvc.documents.manifest import ManifestHead
    from pe_dvc.gateway.import_reads import KnownObject

    found = {}
    for path in sorted(directory.rglob(f"*{MANIFEST_SUFFIX}")):
        head = ManifestHead.from_bytes(read_document(path), where=str(path))
        artifact = head.artifact
        known = KnownObject(
            artifact.name,
            artifact.sha256,
            None,
            tuple(one.name for one in head.inputs.raw_inputs),
        )
        found[artifact.sha256] = found[bare_md5(artifact.dvc.md5)] = known
    if not found:
        raise NotFoundError(
            f"there is no manifest in {directory}",
            remedy="Give the directory of manifests of a data repo's checkout.",
        )
    return found
