"""From an ``Authorization`` header to a person: tokens of our own, of OIDC issuers, passports.

ADR 0036. Nothing here decides what a person may read.
"""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.access import check_person, matches
from pe_dvc.gateway.decision import MAX_VISAS, Caller, Visa
from pe_dvc.gateway.jose import check_audience, peek_issuer, verified_claims
from pe_dvc.gateway.tokens import is_token
from pe_dvc.primitives.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pe_dvc.gateway.jose import KeyFinder
    from pe_dvc.gateway.settings import Issuer, Signer
    from pe_dvc.gateway.tokens import TokenBook

log = logging.getLogger(__name__)

PASSPORT, VISA, CONTROLLED = "ga4gh_passport_v1", "ga4gh_visa_v1", "ControlledAccessGrants"


class Identity:
    """Whose word counts on who someone is."""

    def __init__(
        self,
        tokens: TokenBook,
        issuers: Sequence[Issuer],
        visa_issuers: Sequence[Signer],
        keys: KeyFinder,
    ) -> None:
        self._tokens, self._keys = tokens, keys
        self._issuers = {one.issuer: one for one in issuers}
        self._visa_issuers = {one.issuer: one for one in visa_issuers}

    def caller(self, authorization: str | None, *, now: datetime) -> Caller:
        """Return who asks. Raises CredentialsError; no token is ever shown by it."""
        token = _token_of(authorization)
        if is_token(token):
            return self._tokens.caller(token, now=now)
        return self._of_issuer(token, now)

    def is_live_token(self, authorization: str | None, *, now: datetime) -> bool:
        """Tell whether a header has a personal access token that is worth something now.

        Reads one small file at most: nothing of an issuer is verified or asked for. Raises
        FormatError for a record that cannot be read.
        """
        try:
            token = _token_of(authorization)
            if is_token(token):
                self._tokens.caller(token, now=now)
                return True
        except CredentialsError:
            pass
        return False

    def passport_holder(self, passport: str, *, now: datetime) -> Caller:
        """Return whose passport it is, sent as one, beside no other token.

        Raises CredentialsError for another token: it belongs in the header ``Authorization``.
        """
        if is_token(passport):
            raise CredentialsError("a token of this gateway is no passport: send it as bearer")
        return self._of_issuer(passport, now, passports_only=True)

    @property
    def bearer_issuers(self) -> tuple[str, ...]:
        """Whose tokens say who someone is."""
        return tuple(self._issuers)

    @property
    def visa_issuers(self) -> tuple[str, ...]:
        """Whose visas count; none where no issuer's passports do."""
        counts = any(one.passports for one in self._issuers.values())
        return tuple(self._visa_issuers) if counts else ()

    def _of_issuer(self, token: str, now: datetime, *, passports_only: bool = False) -> Caller:
        issuer = self._issuers.get(peek_issuer(token))
        if issuer is None or (passports_only and not issuer.passports):
            raise CredentialsError("the token is of an issuer that is not trusted here")
        claims = verified_claims(token, issuer, self._keys, now=now)
        check_audience(claims, issuer.audience)
        person = _person(claims, issuer)
        visas = self._visas(claims, now) if issuer.passports else ()
        return Caller(person=person, visas=visas)

    def _visas(self, claims: dict[str, Any], now: datetime) -> tuple[Visa, ...]:
        """Return the visas of a passport that verify; one that does not grants nothing."""
        listed = claims.get(PASSPORT, [])
        if not isinstance(listed, list):
            raise CredentialsError(f"the token's {PASSPORT} is no list")
        found = []
        for one in listed[:MAX_VISAS]:
            try:
                found.append(self._visa(one, claims.get("sub"), now))
            except CredentialsError as error:
                log.info("a visa is passed over: %s", error.message)
        return tuple(one for one in found if one is not None)

    def _visa(self, token: object, subject: object, now: datetime) -> Visa | None:
        """Return a visa, None for one of another type. Raises CredentialsError."""
        if not isinstance(token, str):
            raise CredentialsError("a visa is not a signed token")
        signer = self._visa_issuers.get(peek_issuer(token))
        if signer is None:
            raise CredentialsError("a visa is of an issuer that is not trusted here")
        claims = verified_claims(token, signer, self._keys, now=now)
        visa = claims.get(VISA)
        if not isinstance(visa, dict) or not isinstance(visa.get("value"), str):
            raise CredentialsError(f"a visa has no {VISA} with a value")
        if claims.get("sub") != subject or not isinstance(subject, str):
            raise CredentialsError("a visa is of another person than the passport")
        if visa.get("type") != CONTROLLED:
            return None
        if visa.get("conditions"):
            raise CredentialsError("a visa has conditions, which are not evaluated here")
        asserted = visa.get("asserted")
        if not isinstance(asserted, int) or asserted > now.timestamp() + 60:
            raise CredentialsError("a visa does not say since when it holds")
        return Visa(issuer=signer.issuer, value=visa["value"])


def _token_of(authorization: str | None) -> str:
    """Return the token of a header: a bearer's, or the password of basic authentication."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(rest, validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            raise CredentialsError(
                "the header Authorization is not of basic authentication"
            ) from None
        rest = given.partition(":")[2]
    elif scheme.lower() != "bearer":
        rest = ""
    if not rest:
        raise CredentialsError("this data is for named people: send a token")
    return rest


def _person(claims: dict[str, Any], issuer: Issuer) -> str:
    person = claims.get(issuer.person_claim)
    try:
        if not isinstance(person, str):
            raise ValueError
        check_person(person)
    except ValueError:
        raise CredentialsError(f"the token's {issuer.person_claim} identifies no person") from None
    if issuer.person_claim == "email" and claims.get("email_verified") is not True:
        raise CredentialsError("the token's email was not verified by its issuer")
    if not matches(person, issuer.persons):
        raise CredentialsError("the token is of a person whom its issuer does not speak for here")
    return person
