"""What the gateway asks of a ledger: no byte leaves before its entry is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pe_dvc.gateway.ledger_entry import LedgerRead


class Ledger(Protocol):
    """Keeps all reads, in the order in which they came."""

    async def append(self, read: LedgerRead, statement: bytes | None = None) -> int:
        """Return the index of the read's entry, once no crash can lose it.

        ``statement`` is what someone signed, of which ``read`` is the entry: it is kept as well,
        and where it was before, the index is that of the entry there is.

        Raises LedgerUnavailableError: then the entry may not have been kept, and the read
        must not happen.
        """
        ...
