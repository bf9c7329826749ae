"""Answers about grants that ended: what must be deleted, and that it was. ADR 0041."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pe_dvc.documents.destruction import MAX_BYTES
from pe_dvc.gateway.access_control import client_of
from pe_dvc.gateway.admission import NOT_FOUND, Refusal
from pe_dvc.gateway.answers import AWAY, NO_LEDGER, NO_QUERY, SECURITY, answer
from pe_dvc.gateway.bodies import TooLongError, read_body
from pe_dvc.gateway.destruction import entry_of
from pe_dvc.gateway.grant_status import grant_status
from pe_dvc.gateway.monitoring import keep_entry
from pe_dvc.primitives.errors import LedgerUnavailableError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from pe_dvc.gateway.access_control import AccessControl
    from pe_dvc.gateway.decision import Caller
    from pe_dvc.gateway.served_country import ServedCountry

log = logging.getLogger(__name__)

ACCESS, STATEMENTS = "access", "statements"
"""What paths begin with that are no keys: no country has such a name."""
BODY_SECONDS = 60.0
TOO_LARGE = Refusal(
    status=413, error="too large", detail=f"a statement has {MAX_BYTES} bytes at most"
)
SLOW = Refusal(status=408, error="too slow", detail="the statement did not come in time")


class EndedRoutes:
    """Answers for a gateway, by its own grants, limits and ledger."""

    def __init__(self, control: AccessControl, countries: Mapping[str, ServedCountry]) -> None:
        self._control, self._countries = control, countries

    def routes(self) -> list[Route]:
        """Return the routes, which come before that of keys."""
        return [
            Route(f"/{ACCESS}/{{country}}", self._access, methods=["GET"]),
            Route(f"/{STATEMENTS}/{{country}}", self._state, methods=["POST"]),
        ]

    async def _access(self, request: Request) -> Response:
        found = await self._asked(request)
        if isinstance(found, Response):
            return found
        country, caller = found
        try:
            said = await to_thread.run_sync(
                grant_status, country.rules, caller, country.index, datetime.now(UTC)
            )
        except PeDvcError as error:
            log.error("cannot say what ended: %s", error.message)
            return answer(AWAY)
        return JSONResponse({"country": country.country, **said}, headers=SECURITY)

    async def _state(self, request: Request) -> Response:
        found = await self._asked(request)
        if isinstance(found, Response):
            return found
        country, caller = found
        data = await _body(request)
        if isinstance(data, Refusal):
            return answer(data)
        address = client_of(request)
        try:
            read = await to_thread.run_sync(  # a second for a long one: others are answered
                lambda: entry_of(
                    data,
                    caller,
                    country.rules,
                    country=country.country,
                    address=address,
                    now=datetime.now(UTC),
                )
            )
            if isinstance(read, Refusal):
                return answer(read)
            entry = await self._control.ledger.append(read, data)
        except LedgerUnavailableError as error:
            log.error("a statement could not be kept: %s", error.message)
            return answer(NO_LEDGER)
        except PeDvcError as error:
            log.error("cannot take a statement: %s", error.message)
            return answer(AWAY)
        keep_entry(request.scope, entry)
        said = {"entry": entry, "sha256": read.sha256}
        return JSONResponse(said, 201, headers=SECURITY)

    async def _asked(self, request: Request) -> tuple[ServedCountry, Caller] | Response:
        """Return the country and the person, or the answer to who is none."""
        if request.scope.get("query_string"):
            return answer(NO_QUERY)
        caller = await self._control.caller(request)
        if isinstance(caller, Refusal):
            return answer(caller)
        country = self._countries.get(request.path_params["country"])
        if country is None or caller.scope.country not in (None, country.country):
            return answer(NOT_FOUND)
        if (refusal := self._control.count(caller.person)) is not None:
            return answer(refusal)
        return country, caller


async def _body(request: Request) -> bytes | Refusal:
    """Return what was sent, if it is neither too much nor too slow."""
    try:
        return await read_body(request, limit=MAX_BYTES, seconds=BODY_SECONDS)
    except TooLongError:
        return TOO_LARGE
    except (TimeoutError, ClientDisconnect):
        return SLOW
