"""``pe_dvc.Gateway``: hand out gated data to named people, and note each read."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.project.gateway import GatewayHere, NewToken, Token


class Gateway:
    """The gateway that a file ``gateway.toml`` describes (docs/gateway.md).

    The file is read when it is first needed: every method raises NotFoundError without it, and
    FormatError for what is wrong in it.
    """

    def __init__(self, config: Path | str = "gateway.toml") -> None:
        self._config = Path(config).absolute()

    @cached_property
    def _here(self) -> GatewayHere:
        from pe_dvc.project.gateway import GatewayHere

        return GatewayHere(self._config)

    def create_token(
        self,
        person: str,
        *,
        country: str | None = None,
        project: str | None = None,
        datasets: Sequence[str] = (),
        days: int = 90,
    ) -> NewToken:
        """Make a personal access token; its ``secret`` is returned once, and kept nowhere.

        It lets ``person`` do what ``access.yaml`` grants them, limited to a country, a project and
        patterns of datasets where these are given. Raises FormatError for what no grant can have.
        """
        return self._here.create_token(
            person, country=country, project=project, datasets=datasets, days=days
        )

    def tokens(self) -> list[Token]:
        """Return all tokens that were made, the oldest first, without their secrets."""
        return self._here.tokens()

    def revoke_token(self, token_id: str) -> Token:
        """Let a token be worth nothing from the next request on. Raises NotFoundError."""
        return self._here.revoke_token(token_id)

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        metrics_port: int | None = None,
        proxies: str = "127.0.0.1",
    ) -> None:
        """Serve until SIGINT or SIGTERM; reads that began are finished first.

        ``metrics_port`` of this machine shows figures for Prometheus. ``proxies`` are addresses,
        comma-separated, whose ``X-Forwarded-For`` counts as the reader's. A country that cannot be
        read, such as one whose root is not pinned, is logged, and its reads are refused until it
        can. Raises LedgerUnavailableError, ConflictError for a port that is in use, FormatError
        for an address that is none of this machine.
        """
        self._here.serve(host=host, port=port, metrics_port=metrics_port, proxies=proxies)
