"""What a request for data passes: authentication, authorization, and the entry in the ledger."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread

from pe_dvc.gateway.admission import NOT_FOUND, PROJECT, Admitted, Refusal, refusal_of
from pe_dvc.gateway.answers import AWAY, NO_LEDGER, slower
from pe_dvc.gateway.ledger_entry import LedgerRead
from pe_dvc.gateway.limits import Rate
from pe_dvc.gateway.monitoring import keep_entry
from pe_dvc.gateway.touched import TouchedColumns
from pe_dvc.primitives.errors import (
    CredentialsError,
    LedgerUnavailableError,
    NotFoundError,
    PeDvcError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from pe_dvc.gateway.admission import Admission
    from pe_dvc.gateway.decision import Caller
    from pe_dvc.gateway.ledger import Ledger
    from pe_dvc.gateway.ledger_entry import How
    from pe_dvc.gateway.monitoring import Metrics
    from pe_dvc.gateway.requests import Bytes

log = logging.getLogger(__name__)

T = TypeVar("T")

THREADS = 64
THREADS_SLOWED = 2
"""For all tokens that are looked up while their address is slowed, so that others do not wait."""


class AccessControl:
    """Authorizes requests, and records in the ledger what they read."""

    def __init__(self, admission: Admission, ledger: Ledger, figures: Metrics) -> None:
        self.admission, self.ledger, self._figures = admission, ledger, figures
        self.failures = Rate(30, 0.5, time.monotonic)
        self.requests = Rate(2000, 200, time.monotonic)
        self._touched = TouchedColumns()
        self._threads: anyio.CapacityLimiter | None = None
        self._threads_slowed: anyio.CapacityLimiter | None = None

    def open(self) -> None:
        """Begin, in the event loop that serves."""
        self._threads = anyio.CapacityLimiter(THREADS)
        self._threads_slowed = anyio.CapacityLimiter(THREADS_SLOWED)

    async def authorize(
        self, request: Request, keys: Sequence[str], passports: Sequence[str] | None = None
    ) -> Refusal | list[Admitted | Refusal]:
        """Return for each key what the caller may read, or a refusal; one refusal if unknown here.

        ``passports`` are those of the request's body.
        """
        found = await self._known(
            request, partial(self._admit, request, keys, passports), passports
        )
        if isinstance(found, Refusal):
            return found
        return [one if isinstance(one, Refusal) else self._counted(one) for one in found]

    async def caller(self, request: Request) -> Refusal | Caller:
        """Return the caller, or a refusal if no credentials of the request are known here."""
        found = await self._known(request, partial(self._callers, request, None))
        return found if isinstance(found, Refusal) else found[0]

    def count(self, person: str) -> Refusal | None:
        """Count a request of a person; return a refusal if there were too many."""
        if wait := self.requests.wait(person):
            return slower(wait)
        self.requests.take(person)
        return None

    async def _known(
        self, request: Request, ask: Callable[[], T], passports: Sequence[str] | None = None
    ) -> T | Refusal:
        """Return what ``ask`` finds, or a refusal where the caller cannot be identified."""
        try:
            if (slowed := await self._slowed(request, passports)) is not None:
                return slowed
            found: T = await self.in_thread(ask)
        except CredentialsError as error:
            if passports or "authorization" in request.headers:  # who sends none guesses nothing
                self.failures.take(client_of(request))
            return refusal_of(error)
        except PeDvcError as error:
            log.error("cannot decide: %s", error.message)
            return AWAY
        return found

    async def _slowed(
        self, request: Request, passports: Sequence[str] | None = None
    ) -> Refusal | None:
        """Return the refusal of an address from which too many logins failed; None if it may ask.

        A valid personal token is always let through: people behind one router share its address.
        An invalid one gets the same answer as every other request from there. Raises
        FormatError for a record of a token that cannot be read.
        """
        wait = self.failures.wait(client_of(request))
        if not wait:
            return None
        header = request.headers.get("authorization")
        # Passports count before the header does, and to verify one is work.
        if header is None or passports:
            return slower(wait)
        known = partial(self.admission.is_live_token, header, datetime.now(UTC))
        counts = await to_thread.run_sync(known, limiter=self._threads_slowed)
        return None if counts else slower(wait)

    def _admit(
        self, request: Request, keys: Sequence[str], passports: Sequence[str] | None
    ) -> list[Admitted | Refusal]:
        now, project = datetime.now(UTC), request.headers.get(PROJECT)
        callers = self._callers(request, passports)
        return [self.admission.admit(key, callers, project, now) for key in keys]

    def _callers(self, request: Request, passports: Sequence[str] | None) -> tuple[Caller, ...]:
        header = request.headers.get("authorization")
        return self.admission.callers(header, passports, datetime.now(UTC))

    def _counted(self, found: Admitted) -> Admitted | Refusal:
        return self.count(found.caller.person) or found

    async def signed_address(self, request: Request, found: Admitted) -> str | Refusal:
        """Return a signed URL of the object in the bucket, once the ledger has an entry of it."""
        sign = found.country.source.sign
        if sign is None:
            return NOT_FOUND
        try:
            place: str = await self.in_thread(sign, found.key)
        except PeDvcError as error:
            return failed_read(error, found.key)
        # A signed URL gives all of the object.
        refusal = await self.note(request, found, None, how="presigned")
        return place if refusal is None else refusal

    async def note(
        self, request: Request, found: Admitted, part: Bytes | None, how: How = "stream"
    ) -> Refusal | None:
        """Append the read of ``part``, or of the whole, to the ledger; None once it is durable.

        The entry of a part of a parquet file names the columns in it.
        """
        subject, grant = found.allowed.subject, found.allowed.grant
        columns = () if part is None else self._touched.known(found, part)
        if part is not None and columns is None:
            columns = await self.in_thread(self._touched.read, found, part)
        read = LedgerRead(
            at=datetime.now(UTC),
            country=found.country.country,
            dataset=subject.dataset,
            version=subject.version,
            object_key=found.key,
            sha256=found.served.sha256,
            kind=found.served.kind,
            first_byte=part.first if part else 0,
            last_byte=part.last if part else None,
            columns=columns or (),
            person=found.caller.person,
            project=grant.project,
            licence=grant.licence_text,
            grant_id=grant.id,
            how=how,
            client_address=client_of(request),
            token_id=found.caller.token_id,
            raw_sources=subject.raw_inputs,
            length=found.size,
        )
        try:
            with self._figures.ledger_seconds.time():
                entry = await self.ledger.append(read)
        except LedgerUnavailableError as error:
            log.error("nothing is served without the ledger: %s", error.message)
            return NO_LEDGER
        self._figures.entries.inc()
        request.scope["pe_dvc.kind"] = found.served.kind
        keep_entry(request.scope, entry)
        return None

    async def in_thread(self, work: Any, *given: Any) -> Any:
        """Run ``work``, which may wait for a store, in a thread; return its result."""
        return await to_thread.run_sync(work, *given, limiter=self._threads)


def client_of(request: Request) -> str:
    """Return the client's address, which trusted proxies may have set."""
    return request.client.host if request.client else ""


def failed_read(error: PeDvcError, key: str) -> Refusal:
    """Return the answer to a read that failed in the store. It says nothing of the store."""
    log.warning("cannot read %s: %s", key, error.message)
    return NOT_FOUND if isinstance(error, NotFoundError) else AWAY
