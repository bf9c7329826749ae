"""The public keys of issuers: found by discovery, kept, and asked for again when they rotate.

A token with a key id that is not known makes the gateway ask the issuer again, but not more often
than once in ``AGAIN`` seconds: else anyone could make it send requests by sending tokens.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.gateway.jose import fitting, usable_keys
from pe_dvc.gateway.settings import check_https
from pe_dvc.primitives.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pe_dvc.gateway.settings import Signer

log = logging.getLogger(__name__)

AGAIN = 60.0
"""Seconds between two requests for an issuer's keys."""
FRESH = 3600.0
"""Seconds after which they are asked for again: a key that an issuer took back is worth nothing."""
STALE = 24 * 3600.0
"""Seconds after which keys are worth nothing while the issuer cannot be reached."""


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: list[Any] = field(default_factory=list)
    fetched: float | None = None
    asked: float | None = None


class IssuerKeys:
    """The keys of issuers, as ``fetch`` gets their documents; ``clock`` counts seconds."""

    def __init__(self, fetch: Callable[[str], Any], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def find(self, signer: Signer, kid: str | None, algorithm: str) -> Any:
        """Return the key of a signer that a token names. Raises CredentialsError."""
        with self._lock:
            kept = self._kept.setdefault(signer.issuer, _Kept())
        with kept.lock:
            now = self._clock()
            age = None if kept.fetched is None else now - kept.fetched
            key = fitting(kept.keys, kid, algorithm)
            may_ask = kept.asked is None or now - kept.asked >= AGAIN
            if may_ask and (key is None or age is None or age >= FRESH):
                kept.asked = now
                try:
                    kept.keys = usable_keys(self._fetch(self._address(signer)))
                    kept.fetched, age = now, 0.0
                except CredentialsError as error:
                    log.warning("keys of %s: %s", signer.issuer, error.message)
                key = fitting(kept.keys, kid, algorithm)
        if key is None or age is None or age >= STALE:
            raise CredentialsError(f"the key of the token is none of {signer.issuer}, or not known")
        return key

    def _address(self, signer: Signer) -> str:
        if signer.jwks_url is not None:
            return signer.jwks_url
        place = f"{signer.issuer.rstrip('/')}/.well-known/openid-configuration"
        document = self._fetch(place)
        found = document if isinstance(document, dict) else {}
        if found.get("issuer") != signer.issuer:
            raise CredentialsError(f"{place} is of another issuer")
        try:
            return check_https(str(found.get("jwks_uri")))
        except ValueError as error:
            raise CredentialsError(f"jwks_uri in {place} {error}") from None
