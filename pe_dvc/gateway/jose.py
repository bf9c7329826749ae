"""Signed tokens (JWT) of issuers that are trusted: the only module that knows joserfc.

What a token says of how to verify it is believed in two points, both checked against what the
issuer was configured with: which of the issuer's keys (``kid``), and which of its algorithms.
Addresses and keys in a header (``jku``, ``jwk``, ``x5c``) are never followed.
"""

from __future__ import annotations

import base64
import binascii
import warnings
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.primitives.errors import CredentialsError, FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pe_dvc.gateway.settings import Signer

MAX_BYTES = 96 * 1024
"""Characters of a token: a passport with some twenty visas."""
LEEWAY = 60
"""Seconds by which clocks may differ."""
MAX_KEYS = 64
MIN_RSA_BITS = 2048
_TYPES = ("", "jwt", "at+jwt", "vnd.ga4gh.passport+jwt", "vnd.ga4gh.visa+jwt")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class KeyFinder(Protocol):
    """The keys of a signer, by their id."""

    def find(self, signer: Signer, kid: str | None, algorithm: str) -> Any:
        """Return the key. Raises CredentialsError."""
        ...


def peek_issuer(token: str) -> str:
    """Return the issuer that a token names, of which nothing is verified yet.

    Raises CredentialsError for what is no token.
    """
    issuer = _unverified(token)[1].get("iss")
    if not isinstance(issuer, str):
        raise CredentialsError("the token names no issuer")
    return issuer


def verified_claims(
    token: str, signer: Signer, keys: KeyFinder, *, now: datetime
) -> dict[str, Any]:
    """Return the claims of a token that ``signer`` made, and that is valid ``now``.

    It must say when it expires. Raises CredentialsError, which never shows the token.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    header, _ = _unverified(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in signer.algorithms:
        allowed = ", ".join(signer.algorithms)
        raise CredentialsError(f"the token is not signed by {allowed}")
    if "crit" in header or "b64" in header:
        raise CredentialsError("the token asks for extensions of JOSE that are not known")
    if str(header.get("typ", "")).lower().removeprefix("application/") not in _TYPES:
        raise CredentialsError("the token is of another type than those that tell who someone is")
    if kid is not None and not isinstance(kid, str):
        raise CredentialsError("the token's key id is not text")
    key = keys.find(signer, kid, algorithm)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        found = jws.deserialize_compact(token, key, algorithms=[algorithm], registry=registry)
    except (JoseError, ValueError, TypeError):
        raise CredentialsError("the token's signature is not valid") from None
    claims = _json(found.payload or b"")
    if claims.get("iss") != signer.issuer:
        raise CredentialsError("the token is of another issuer")
    _check_times(claims, now.timestamp())
    return claims


def check_audience(claims: dict[str, Any], audience: str) -> None:
    """Raise CredentialsError unless a token was made for ``audience``."""
    named = claims.get("aud")
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list) or audience not in listed:
        raise CredentialsError("the token was made for another service: its audience is another")


def usable_keys(document: Any) -> list[Any]:
    """Return the public keys of a JWKS that can verify signatures; others are passed over.

    Secrets that are shared (``oct``) are no keys of an issuer: with one, who verifies could sign.
    Raises CredentialsError for what is no JWKS.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey

    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise CredentialsError(f"the issuer's keys are no list of at most {MAX_KEYS}")
    kinds: dict[Any, Any] = {"RSA": RSAKey, "EC": ECKey}
    found = []
    for one in listed:
        kty = one.get("kty") if isinstance(one, dict) else None
        kind = kinds.get(kty) if isinstance(kty, str) else None
        if kind is None or one.get("use", "sig") != "sig" or "d" in one:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of short keys, which are passed over below
                key = kind.import_key(one)
            if one["kty"] == "RSA" and key.raw_value.key_size < MIN_RSA_BITS:
                continue
        except (JoseError, ValueError, TypeError, AttributeError, KeyError):
            continue
        found.append(key)
    return found


def fitting(keys: Sequence[Any], kid: str | None, algorithm: str) -> Any | None:
    """Return the key of that id for an algorithm; without an id the only one that fits."""
    found = [one for one in keys if _fits(one, algorithm) and kid in (None, one.kid)]
    return found[0] if found and (kid is not None or len(found) == 1) else None


def _fits(key: Any, algorithm: str) -> bool:
    """Tell whether a key is of the kind that an algorithm takes, and was not made for another."""
    if key.get("alg") not in (None, algorithm):
        return False
    if algorithm in _CURVES:
        return bool(key.key_type == "EC" and key.get("crv") == _CURVES[algorithm])
    return bool(key.key_type == "RSA")


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > MAX_BYTES:
        raise CredentialsError(f"the token is longer than {MAX_BYTES} characters")
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise CredentialsError("this is not a signed token (JWT)")
    return _json(_decoded(parts[0])), _json(_decoded(parts[1]))


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CredentialsError("this is not a signed token (JWT)") from None


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = read_json(data, what="a token")
    except FormatError:
        raise CredentialsError("this is not a signed token (JWT)") from None
    if not isinstance(found, dict):
        raise CredentialsError("this is not a signed token (JWT)")
    return found


def _check_times(claims: dict[str, Any], now: float) -> None:
    times = {}
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CredentialsError(f"the token's {name} is no time")
        times[name] = value
    if "exp" not in times:
        raise CredentialsError("the token does not say when it expires")
    if not now < times["exp"] + LEEWAY:
        raise CredentialsError("the token has expired: sign in again")
    for name in ("nbf", "iat"):
        if name in times and not times[name] <= now + LEEWAY:
            raise CredentialsError("the token is not valid yet")
