"""One process's work on a ledger of reads: ``python -m benchmarks.ledger WORK PLACE COUNT``.

``append`` has 200 readers wait for their entries at once; ``fill`` appends in large transactions;
``prove`` makes and verifies the proof of entry COUNT.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.ledger_key import LedgerSigner
from pe_dvc.gateway.ledger_proof import prove_entry
from pe_dvc.gateway.ledger_writer import LedgerWriter
from pe_dvc.gateway.sql_ledger import SqlLedger
from pe_dvc.tlog.merkle import leaf_hash
from tests.support.reads import a_read

if TYPE_CHECKING:
    from pe_dvc.gateway.ledger_entry import LedgerRead

READERS, AT_ONCE, PEOPLE = 200, 5000, 500


def read(n: int) -> LedgerRead:
    return a_read(n, person=f"person-{n % PEOPLE}@example.org")


def append(place: str, key: Path, count: int) -> None:
    async def reader(ledger: SqlLedger, first: int) -> None:
        for n in range(first, count, READERS):
            await ledger.append(read(n))

    async def all_readers(ledger: SqlLedger) -> None:
        await asyncio.gather(*[reader(ledger, first) for first in range(READERS)])

    with SqlLedger(place, LedgerSigner.open(key, create=True)) as ledger:
        began = time.perf_counter()
        asyncio.run(all_readers(ledger))
        seconds = time.perf_counter() - began
    print(f"{count / seconds:,.0f} entries a second", file=sys.stderr)


def fill(place: str, key: Path, count: int) -> None:
    database = Database(place, create=True)
    writer = LedgerWriter(database, LedgerSigner.open(key, create=True))
    for first in range(0, count, AT_ONCE):
        writer.append([read(n) for n in range(first, min(first + AT_ONCE, count))])
    writer.checkpoint()
    database.close()


def prove(place: str, key: Path, index: int) -> None:
    database = Database(place)
    proof = prove_entry(database, index)
    database.close()
    assert proof.extra is not None
    began = time.perf_counter()
    proof.verify(
        leaf_hash(proof.extra),
        LedgerSigner.open(key).key(proof.note.signatures[0].name),
        origin=proof.note.signatures[0].name,
    )
    seconds = time.perf_counter() - began
    print(f"a proof of {len(str(proof))} bytes, verified in {seconds:.6f} s", file=sys.stderr)


WORK = {"append": append, "fill": fill, "prove": prove}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("place")
    parser.add_argument("key", type=Path)
    parser.add_argument("count", type=int)
    given = parser.parse_args()
    WORK[given.work](given.place, given.key, given.count)


if __name__ == "__main__":
    main()
