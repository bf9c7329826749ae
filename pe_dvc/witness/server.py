"""A witness as a process, with the limits that a gateway has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.gateway.server import server_for
from pe_dvc.witness.app import witness_app

if TYPE_CHECKING:
    import uvicorn

    from pe_dvc.witness.cosigner import Witness


def server_of(witness: Witness, *, host: str, port: int) -> uvicorn.Server:
    """Return the server, which is not started yet."""
    return server_for(witness_app(witness), host=host, port=port)
