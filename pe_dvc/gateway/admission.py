"""From a request to what may be done about it: refused, and why, or an object to be read.

Synchronous, as stores are: the server runs it in a thread.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import channel_prefix
from pe_dvc.gateway.decision import Allowed, Refused, decide
from pe_dvc.primitives.errors import CredentialsError, NotFoundError, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pe_dvc.gateway.decision import Caller
    from pe_dvc.gateway.described import Content, Served
    from pe_dvc.gateway.identity import Identity
    from pe_dvc.gateway.served_country import ServedCountry

MOST_SIZES = 100_000
PROJECT = "X-PE-Project"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer without data: its status, what it says, and further fields of its JSON."""

    status: int
    error: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A read that may happen, once the ledger has it."""

    country: ServedCountry
    key: str
    served: Served
    size: int
    caller: Caller
    allowed: Allowed

    @property
    def etag(self) -> str:
        """The etag of the object: keys are written once, so what its bytes must be names them."""
        return f'"{self.served.digest}"'


NOT_FOUND = Refusal(status=404, error="not found", detail="there is no such object")


class Admission:
    """Decides about requests of all countries of a gateway."""

    def __init__(self, countries: Mapping[str, ServedCountry], identity: Identity) -> None:
        self._countries, self._identity = countries, identity
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()

    def of_metadata(self, key: str) -> ServedCountry | None:
        """Return the country whose signed metadata a key is, None for another object."""
        top, _, rest = key.partition("/")
        country = self._countries.get(rest.partition("/")[0])
        is_metadata = country is not None and key.startswith(channel_prefix(country.country))
        return country if is_metadata and top else None

    def callers(
        self, authorization: str | None, passports: Sequence[str] | None, now: datetime
    ) -> tuple[Caller, ...]:
        """Return who asks, by the header or by the passports that verify.

        Raises CredentialsError; of passports, if none verifies.
        """
        if not passports:
            return (self._identity.caller(authorization, now=now),)
        found, refused = [], []
        for one in passports:
            try:
                found.append(self._identity.passport_holder(one, now=now))
            except CredentialsError as error:
                refused.append(error)
        if not found:
            raise refused[0]
        return tuple(found)

    def is_live_token(self, authorization: str | None, now: datetime) -> bool:
        """Tell whether a header has a personal access token that counts. Raises FormatError."""
        return self._identity.is_live_token(authorization, now=now)

    def admit(
        self, key: str, callers: Sequence[Caller], project: str | None, now: datetime
    ) -> Admitted | Refusal:
        """Return what may be read by one of ``callers``, or why it may not. Raises StoreError."""
        country = self._countries.get(key.partition("/")[0])
        if country is None:
            return NOT_FOUND
        index = country.index
        if (revocation := index.gone.get(key)) is not None:
            detail = f"{revocation.text.removesuffix('.')}. {revocation.advice}"
            more = {"tombstone": revocation.to_json()}
            return Refusal(status=410, error="withdrawn", detail=detail, more=more)
        served = index.served.get(key)
        if served is None:
            return NOT_FOUND
        decided = [self._decide(country, served, caller, project, now) for caller in callers]
        for caller, found in zip(callers, decided, strict=True):
            if isinstance(found, Allowed):
                return self._admitted(country, key, served, caller, found)
        refused = decided[0]
        assert isinstance(refused, Refused)
        said = {"projects": list(refused.projects), "contact": country.rules.contact}
        return Refusal(status=403, error=refused.why, detail=refused.says, more=said)

    def content(self, sha256: str) -> Content | None:
        """Return what data a sha256 stands for, of the first country that has it; None for none.

        Raises StoreError where it may be data of a country that cannot be read now.
        """
        away: StoreError | None = None
        for country in self._countries.values():
            try:
                found = country.index.contents.get(sha256)
            except StoreError as error:
                away = error
                continue
            if found is not None:
                return found
        if away is not None:
            raise away
        return None

    @staticmethod
    def _decide(
        country: ServedCountry, served: Served, caller: Caller, project: str | None, now: datetime
    ) -> Allowed | Refused:
        name = country.country
        subjects, project = served.subjects, project or None
        return decide(country.rules, caller, subjects, country=name, project=project, now=now)

    def _admitted(
        self, country: ServedCountry, key: str, served: Served, caller: Caller, allowed: Allowed
    ) -> Admitted | Refusal:
        try:
            size = self._size(country, key)
        except NotFoundError:
            return NOT_FOUND
        return Admitted(
            country=country, key=key, served=served, size=size, caller=caller, allowed=allowed
        )

    def forget_size(self, admitted: Admitted) -> None:
        """Ask for an object's size again next time: it was another one."""
        self._sizes.pop((admitted.country.country, admitted.key), None)

    def _size(self, country: ServedCountry, key: str) -> int:
        """Return the size of an object, asked for once: keys are written once."""
        name = (country.country, key)
        size = self._sizes.get(name)
        if size is None:
            size = self._sizes[name] = country.store.head(key).size
            if len(self._sizes) > MOST_SIZES:
                self._sizes.popitem(last=False)
        return size


def refusal_of(error: CredentialsError | StoreError) -> Refusal:
    """Return the answer to what admission raised. Nothing of the store is told."""
    if isinstance(error, CredentialsError):
        return Refusal(status=401, error="unauthorized", detail=error.message)
    detail = "what may be read cannot be verified now, or the store is away: try again later"
    return Refusal(status=503, error="unavailable", detail=detail)
