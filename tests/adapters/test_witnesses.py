"""Witnesses that mean no good, as a publisher asks them over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pe_dvc.adapters.witnesses import WitnessFiles, WitnessServer
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.tlog.note import COSIGNATURE, VerifierKey
from tests.support.dripping import CHUNK, HEADER, dripping
from tests.support.servers import answering
from tests.support.witnessed import TestLog

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = VerifierKey("witness.example.org/one", bytes(32), COSIGNATURE)
NOTE = TestLog().grow(3).note()


def no_proof(size: int) -> list[bytes]:
    return []


@pytest.mark.parametrize("begin", [HEADER, CHUNK], ids=["header", "chunk"])
@pytest.mark.parametrize("kind", [WitnessServer, WitnessFiles])
def test_attack_an_answer_that_drips_for_ever(
    begin: bytes, kind: Callable[[VerifierKey, str, float], WitnessServer | WitnessFiles]
) -> None:
    """It would hold up a push: each byte comes before a socket's time-out."""
    with (
        dripping(begin) as url,
        pytest.raises(StoreUnavailableError, match="took too long"),
    ):
        kind(KEY, url, 0.3).cosignatures(NOTE, 0, no_proof)


@pytest.mark.parametrize(
    ("status", "body", "match"),
    [(302, b"", "answered 302"), (200, b"x" * 70_000, "too long")],
)
def test_attack_elsewhere_and_too_much(status: int, body: bytes, match: str) -> None:
    with answering(status, body) as server:
        witness = WitnessServer(KEY, f"http://127.0.0.1:{server.server_port}", 5)
        with pytest.raises(StoreUnavailableError, match=match):
            witness.cosignatures(NOTE, 0, no_proof)
