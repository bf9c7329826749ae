"""What the gateway asks of a ledger: no byte leaves before its entry is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pe_dvc.gateway.ledger_entry import LedgerRead


class Ledger(Protocol):
    """Keeps all reads, in the order in which they came."""

    async def append(self, read: LedgerRead) -> int:
        """Return the index of the read's entry, once no crash can lose it.

        Raises LedgerUnavailableError: then the entry may not have been kept, and the read
        must not happen.
        """
        ...
