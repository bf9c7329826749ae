"""``pe-dvc gateway``: settings, stores, keys and tokens of a gateway, opened on this machine."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from pe_dvc.gateway.decision import Scope
from pe_dvc.gateway.settings import MAX_BYTES, GatewaySettings, parse_settings
from pe_dvc.gateway.tokens import TokenBook
from pe_dvc.primitives.errors import FormatError, NotPublishedError
from pe_dvc.primitives.result import Result
from pe_dvc.project.config_file import ConfigFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.gateway.served_country import Source
    from pe_dvc.gateway.tokens import TokenRecord
    from pe_dvc.store.port import ReadableStore

VERIFYING = "pe_dvc.trust.client"
"""Who logs each role of a channel that was verified."""
LONGEST_DAYS = 366
"""Of a token: then its person is asked again whether they still need it."""


@dataclass(frozen=True, kw_only=True)
class Token(Result):
    """A personal access token, without its secret. ``state`` is live, expired or revoked.

    Times are text in UTC. ``country``, ``project`` and ``datasets`` limit it; None does not.
    """

    id: str
    person: str
    state: str
    created: str
    expires: str
    revoked: str | None
    country: str | None
    project: str | None
    datasets: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class NewToken(Result):
    """A token that was made: ``secret`` is shown this once, and kept nowhere."""

    secret: str
    token: Token


class GatewayHere:
    """The gateway that the file ``config`` describes; paths in it are relative to that file."""

    def __init__(self, config: Path) -> None:
        self._file = ConfigFile(config, page="docs/gateway.md", limit=MAX_BYTES)
        self.settings: GatewaySettings = parse_settings(self._file.data, where=str(config))

    def create_token(
        self,
        person: str,
        *,
        country: str | None,
        project: str | None,
        datasets: Sequence[str],
        days: int,
    ) -> NewToken:
        """Make a token. Raises FormatError for what no grant can have."""
        if not 1 <= days <= LONGEST_DAYS:
            raise FormatError(f"expected 1 to {LONGEST_DAYS} days, got {days}", where="days")
        if country is not None and country not in self.settings.countries:
            raise FormatError(f"{country} is not served by this gateway", where="country")
        now = datetime.now(UTC)
        scope = Scope(country=country, project=project, datasets=tuple(datasets) or None)
        secret, record = self._book.create(
            person, now=now, expires=now + timedelta(days=days), scope=scope
        )
        return NewToken(secret=secret, token=_shown(record))

    def tokens(self) -> list[Token]:
        """Return all tokens that were made, the oldest first."""
        return [_shown(one) for one in self._book.records()]

    def revoke_token(self, name: str) -> Token:
        """Let a token be worth nothing from the next request on. Raises NotFoundError."""
        return _shown(self._book.revoke(name, now=datetime.now(UTC)))

    def serve(self, *, host: str, port: int, metrics_port: int | None, proxies: str) -> None:
        """Serve until SIGINT or SIGTERM; reads that began are finished first."""
        import time

        from pe_dvc.gateway.app import Gateway
        from pe_dvc.gateway.fetching import fetch_json
        from pe_dvc.gateway.identity import Identity
        from pe_dvc.gateway.jwks import IssuerKeys
        from pe_dvc.gateway.ledger_key import LedgerSigner
        from pe_dvc.gateway.monitoring import only_news
        from pe_dvc.gateway.served_country import ServedCountry
        from pe_dvc.gateway.server import serve
        from pe_dvc.gateway.sql_ledger import SqlLedger

        settings = self.settings
        keys = IssuerKeys(fetch_json, time.monotonic)
        identity = Identity(self._book, settings.issuers, settings.visa_issuers, keys)
        countries = {name: ServedCountry(self._source(name)) for name in settings.countries}
        signer = LedgerSigner.open(self._file.path(settings.ledger_key), create=True)
        with SqlLedger(self._ledger_place(), signer) as ledger:
            gateway = Gateway(countries, identity, ledger)
            # uvicorn hears of signals itself, and reads that began take longer than other commands.
            signal.set_wakeup_fd(-1)
            with (
                suppress(KeyboardInterrupt),
                only_news(VERIFYING),
            ):  # raised once more, after all that began was served
                serve(gateway, host=host, port=port, metrics_port=metrics_port, proxies=proxies)

    @property
    def _book(self) -> TokenBook:
        return TokenBook(self._file.path(self.settings.tokens))

    def _ledger_place(self) -> str | Path:
        place = self.settings.ledger
        return place if "://" in place else self._file.path(place)

    def _source(self, country: str) -> Source:
        from pe_dvc.adapters.stores.presigned import signer_of
        from pe_dvc.gateway.served_country import Source
        from pe_dvc.project.stores import open_store

        declared = self.settings.countries[country]
        store = open_store(self._file.address(declared.store))
        return Source(
            country=country,
            store=store,
            access=self._file.path(declared.access),
            verify=partial(_verified_root, store, country),
            sign=signer_of(store) if declared.how == "presigned" else None,
        )


def _verified_root(store: ReadableStore, country: str) -> bytes:
    """Return the pinned root once what the store shows now verifies from it."""
    from pe_dvc.project.reader_trust import channels_from, trusted_root

    channels = channels_from(store, country, None)
    try:
        channels.revocations_version()
    except NotPublishedError:  # a country of an older pe_dvc
        channels.channel_version("latest")
    return trusted_root(country, None)


def _shown(record: TokenRecord) -> Token:
    return Token(
        id=record.id,
        person=record.person,
        state=record.state(datetime.now(UTC)),
        created=record.created,
        expires=record.expires,
        revoked=record.revoked,
        country=record.country,
        project=record.project,
        datasets=record.datasets,
    )
