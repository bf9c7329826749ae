"""Proofs that an entry is in a ledger, verified without the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.gateway.database import Database
from pe_dvc.gateway.leaf import decode_leaf
from pe_dvc.gateway.ledger_proof import prove_entry
from pe_dvc.primitives.errors import NotFoundError, VerificationError
from pe_dvc.tlog.merkle import leaf_hash
from pe_dvc.tlog.proof import parse_proof
from tests.support.reads import a_read

if TYPE_CHECKING:
    from tests.support.ledgers import Bench

COUNT = 21


@pytest.fixture
def filled(bench: Bench) -> Bench:
    bench.fill([a_read(n) for n in range(COUNT)])
    return bench


def test_every_entry_is_proved_to_who_has_the_key_only(filled: Bench) -> None:
    with filled.open() as ledger:
        key = ledger.key
    database = Database(filled.place)
    for index in range(COUNT):
        proof = parse_proof(str(prove_entry(database, index)).encode(), where="the proof")
        assert proof.extra is not None
        assert proof.verify(leaf_hash(proof.extra), key, origin=key.name).size == COUNT
        assert decode_leaf(proof.extra, where="it").read.at == a_read(index).at
        with pytest.raises(VerificationError):
            proof.verify(leaf_hash(proof.extra + b" "), key, origin=key.name)
    with pytest.raises(NotFoundError, match="21 entries"):
        prove_entry(database, COUNT)
    database.close()


def test_an_entry_that_was_edited_cannot_be_proved(filled: Bench) -> None:
    with filled.open() as ledger:
        key = ledger.key
    filled.edit("UPDATE ledger_entries SET leaf = substr(leaf, 2) WHERE idx = 7")
    database = Database(filled.place)
    proof = prove_entry(database, 7)
    database.close()
    assert proof.extra is not None
    with pytest.raises(VerificationError):
        proof.verify(leaf_hash(proof.extra), key, origin=key.name)
