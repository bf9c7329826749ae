"""Reads of gated data, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pe_dvc.gateway.ledger_entry import LedgerRead

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_read(n: int = 0, *, person: str = "ann@example.org") -> LedgerRead:
    """Return the read of a second: ``n`` of them apart differ in their time and bytes only."""
    return LedgerRead(
        at=START + timedelta(seconds=n),
        country="uk",
        dataset="frs_2023",
        version="1.4.0",
        object_key="files/md5/12/3456789012345678901234567890aa",
        sha256="ab" * 32,
        kind="payload",
        first_byte=n,
        last_byte=n + 99,
        columns=("income", "region"),
        person=person,
        project="pe-poverty",
        licence="ukds-eul-2024",
        grant_id="g-17",
        how="stream",
        client_address="192.0.2.7",
        token_id="t-1",
        raw_sources=("frs-2023-24",),
    )
