"""The gateway's answers: an ASGI application over admission, stores and the ledger.

The order is the promise: the entry of a read is durable in the ledger, then its first byte leaves.
"""

from __future__ import annotations

import json
import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from pe_dvc.documents.keys import MANIFEST_LIMIT
from pe_dvc.gateway.access_control import AccessControl, failed_read
from pe_dvc.gateway.admission import NOT_FOUND, Admission, Admitted, Refusal
from pe_dvc.gateway.answers import AWAY, NO_QUERY, READ_ONLY, SECURITY, answer
from pe_dvc.gateway.drs import Drs
from pe_dvc.gateway.ended_app import EndedRoutes
from pe_dvc.gateway.monitoring import Metrics
from pe_dvc.gateway.openapi import openapi
from pe_dvc.gateway.requests import Bytes, key_of, names_etag, wanted_bytes
from pe_dvc.gateway.timed import Timed
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from pe_dvc.gateway.identity import Identity
    from pe_dvc.gateway.ledger import Ledger
    from pe_dvc.gateway.served_country import ServedCountry

log = logging.getLogger(__name__)

BLOCK = 4 * 1024 * 1024
"""Bytes that are read from the store at once, of which each reader may have two in memory."""
PART = 256 * 1024
REFRESH = 60.0


class Gateway:
    """What the application needs: who is asked, and where a read is noted."""

    def __init__(
        self, countries: Mapping[str, ServedCountry], identity: Identity, ledger: Ledger
    ) -> None:
        self.countries, self.figures = countries, Metrics()
        self.admission = Admission(countries, identity)
        self.access_control = AccessControl(self.admission, ledger, self.figures)
        self._drs = Drs(self.access_control, identity)
        self._ended = EndedRoutes(self.access_control, countries)

    def app(self) -> ASGIApp:
        """Return the application."""
        routes = [
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
            *self._drs.routes(),
            *self._ended.routes(),
            Route("/{path:path}", self._read, methods=["GET"]),
        ]
        told: Any = {404: _no_route, 405: _no_route}
        app = Starlette(routes=routes, lifespan=self._lifespan, exception_handlers=told)
        return Timed(app, self.figures)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Make the indexes before the first request is taken, and again every minute."""
        self.access_control.open()
        await self._refresh()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._refresh_forever)
            yield
            tasks.cancel_scope.cancel()

    async def _refresh_forever(self) -> None:
        while True:
            await anyio.sleep(REFRESH)
            await self._refresh()

    async def _refresh(self) -> None:
        for country in self.countries.values():
            await to_thread.run_sync(country.refresh)
        self._ready()

    def _ready(self) -> bool:
        """Tell whether all countries can be read, and set their gauges."""
        ready = []
        for name, country in self.countries.items():
            try:
                _ = country.index, country.rules
                ready.append(True)
            except PeDvcError:
                ready.append(False)
            self.figures.ready.labels(name).set(ready[-1])
        return all(ready)

    async def _healthz(self, _: Request) -> Response:
        ok = await to_thread.run_sync(self._ready)
        return JSONResponse({"status": "ok" if ok else "unavailable"}, 200 if ok else 503)

    async def _openapi(self, _: Request) -> Response:
        return JSONResponse(openapi(sorted(self.countries)))

    async def _read(self, request: Request) -> Response:
        raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
        if request.scope.get("query_string"):
            return answer(NO_QUERY)
        key = key_of(raw_path)
        if key is None:
            return answer(NOT_FOUND)
        if (country := self.admission.of_metadata(key)) is not None:
            return await self._metadata(country, key)
        answers = await self.access_control.authorize(request, [key])
        found = answers if isinstance(answers, Refusal) else answers[0]
        return answer(found) if isinstance(found, Refusal) else await self._object(found, request)

    async def _metadata(self, country: ServedCountry, key: str) -> Response:
        """Answer with signed metadata, which holds no microdata and is for everyone."""
        try:
            read = partial(country.store.read, key, limit=MANIFEST_LIMIT)
            data, info = await self.access_control.in_thread(read)
        except (NotFoundError, FormatError):  # FormatError: it can be no key, or is no metadata
            return answer(NOT_FOUND)
        except PeDvcError as error:
            log.warning("cannot read %s: %s", key, error.message)
            return answer(AWAY)
        etag = json.dumps(info.etag) if info.etag else None
        headers = {"Cache-Control": "no-cache"} | ({"ETag": etag} if etag else {})
        return Response(data, headers=headers, media_type="application/json")

    async def _object(self, found: Admitted, request: Request) -> Response:
        if names_etag(request.headers.get("if-none-match"), found.etag):
            return Response(status_code=304, headers={"ETag": found.etag, **SECURITY})
        asked = request.headers.get("range")
        if (condition := request.headers.get("if-range")) and condition != found.etag:
            asked = None
        try:
            part = wanted_bytes(asked, found.size)
        except ValueError as error:
            no_range = Refusal(status=416, error="range not satisfiable", detail=str(error))
            return answer(no_range, {"Content-Range": f"bytes */{found.size}"})
        whole = Bytes(0, found.size - 1)
        first, last = part or whole
        headers = {
            "ETag": found.etag,
            "Accept-Ranges": "bytes",
            "Content-Length": str(last - first + 1),
            **SECURITY,
        }
        if part is not None:
            headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
        status = 200 if part is None else 206
        media_type = "application/octet-stream"
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=media_type)
        if found.country.source.sign is not None:
            place = await self.access_control.signed_address(request, found)
            if isinstance(place, Refusal):
                return answer(place)
            return Response(status_code=307, headers={"Location": place, **SECURITY})
        try:
            # Before the entry: a read that the store fails is none.
            block = await self._block(found, first, last)
        except PeDvcError as error:
            return answer(failed_read(error, found.key))
        if (refusal := await self.access_control.note(request, found, part)) is not None:
            return answer(refusal)
        body = self._body(found, block, first, last)
        return StreamingResponse(body, status, headers=headers, media_type=media_type)

    async def _body(
        self, found: Admitted, block: bytes, first: int, last: int
    ) -> AsyncIterator[bytes]:
        """Yield the bytes; an object that is shorter than it was ends the connection."""
        while True:
            # In parts, each of which a slow line takes within SEND_SECONDS: at 5 KB/s.
            for start in range(0, len(block), PART):
                part = block[start : start + PART]
                self.figures.bytes.inc(len(part))
                yield part
            first += len(block)
            if first > last:
                return
            block = await self._block(found, first, last)

    async def _block(self, found: Admitted, first: int, last: int) -> bytes:
        length = min(BLOCK, last - first + 1)
        if length <= 0:
            return b""
        block: bytes = await self.access_control.in_thread(
            found.country.store.read_range, found.key, first, length
        )
        if len(block) != length:
            self.admission.forget_size(found)
            raise NotFoundError(f"{found.key} is shorter than it was")
        return block


async def _no_route(_: Request, error: HTTPException) -> Response:
    """Answer what is no route, or is none for a method, in the form of every refusal."""
    return answer(NOT_FOUND if error.status_code == 404 else READ_ONLY, error.headers or {})
