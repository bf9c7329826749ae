"""``gateway.toml``: which countries a gateway serves, and who says who someone is.

ADR 0036. No secret stands in it.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from pe_dvc.documents.pydantic_reader import StrictRecord, read_strict
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.toml_reader import read_toml

MAX_BYTES = 256 * 1024
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures by a private key alone: what a gateway could make itself proves nothing to it."""


def check_https(url: str) -> str:
    """Return an address whose answers cannot be changed on the way. Raises ValueError."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("should be an address of https without user, query and fragment")
    return url


def _listed(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Address = Annotated[str, AfterValidator(check_https)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Algorithms = Annotated[tuple[Algorithm, ...], BeforeValidator(_listed), Field(min_length=1)]


class Signer(StrictRecord):
    """Who signs tokens or visas: ``issuer`` as it stands in them, and where its keys are.

    Without ``jwks_url`` the keys are found by OIDC discovery at the issuer's address.
    """

    issuer: Address
    jwks_url: Address | None = None
    algorithms: Algorithms = ("RS256", "ES256")


class Issuer(Signer):
    """An OIDC issuer whose tokens say who someone is.

    ``audience`` must be in its tokens. ``person_claim`` is the claim that identifies a person in
    grants, and ``persons`` the patterns of whom the issuer may speak for, and no one else.
    ``passports`` tells that its tokens may hold GA4GH visas.
    """

    audience: Annotated[str, Field(min_length=1)]
    person_claim: Annotated[str, Field(min_length=1)] = "sub"
    persons: Annotated[Texts, Field(min_length=1)]
    passports: bool = False


class Country(StrictRecord):
    """A country that is served: from which ``store``, by the grants in the file ``access``.

    ``how`` is whether bytes come through the gateway, or from the bucket by an address that the
    gateway signs for a minute.
    """

    store: str
    access: str
    how: Literal["stream", "presigned"] = "stream"


class GatewaySettings(StrictRecord):
    """All of ``gateway.toml``. ``tokens`` is the directory of personal access tokens.

    ``ledger`` is a file, or ``postgresql://…``; ``ledger_key`` the file of the key that signs it,
    which is made where there is none. Paths are relative to the gateway.toml.
    """

    countries: Annotated[dict[str, Country], Field(min_length=1)]
    tokens: str
    ledger: str
    ledger_key: str
    issuers: Annotated[tuple[Issuer, ...], BeforeValidator(_listed)] = ()
    visa_issuers: Annotated[tuple[Signer, ...], BeforeValidator(_listed)] = ()


def parse_settings(data: bytes, *, where: str) -> GatewaySettings:
    """Return the settings in the bytes of a gateway.toml. Raises FormatError naming the key."""
    document = read_toml(data, where=where, limit=MAX_BYTES, remedy="Correct the file.")
    found = read_strict(GatewaySettings, document, file=where, path="")
    for country in found.countries:
        check_country(country, where=f"{where}: countries")
    return found
