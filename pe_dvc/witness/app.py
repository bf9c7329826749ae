"""A witness over HTTP: an ASGI application of three addresses, bounded in bytes and seconds."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pe_dvc.gateway.bodies import TooLongError, read_body
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.tlog.witness import REQUEST_LIMIT, SIZE_TYPE, parse_add_checkpoint
from pe_dvc.witness.cosigner import BAD_REQUEST, UNKNOWN, refusal
from pe_dvc.witness.records import origin_hash

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from pe_dvc.witness.cosigner import Witness

log = logging.getLogger(__name__)

BODY_SECONDS = 10.0
_HASH = re.compile(r"[0-9a-f]{64}")
TOO_SLOW, TOO_LARGE, AWAY = 408, 413, 503


def witness_app(witness: Witness) -> ASGIApp:
    """Return the application."""
    origins = {origin_hash(origin): origin for origin in witness.logs}

    async def add_checkpoint(request: Request) -> Response:
        try:
            body = await read_body(request, limit=REQUEST_LIMIT, seconds=BODY_SECONDS)
        except TimeoutError:
            return PlainTextResponse("the request came too slowly\n", TOO_SLOW)
        except ClientDisconnect:
            return PlainTextResponse("the request did not come whole\n", BAD_REQUEST)
        except TooLongError:
            return PlainTextResponse(f"more than {REQUEST_LIMIT} bytes\n", TOO_LARGE)
        return await to_thread.run_sync(_answer, witness, body)

    async def checkpoint(request: Request) -> Response:
        name = request.path_params["hash"]
        origin = origins.get(name) if _HASH.fullmatch(name) else None
        data = await to_thread.run_sync(witness.records.read, origin) if origin else None
        if data is None:
            return PlainTextResponse("nothing of that log was cosigned\n", UNKNOWN)
        return Response(data, media_type="text/plain; charset=utf-8")

    async def healthz(_: Request) -> Response:
        ok = await to_thread.run_sync(_is_well, witness)
        return JSONResponse({"status": "ok" if ok else "unavailable"}, 200 if ok else AWAY)

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/{hash}/checkpoint", checkpoint, methods=["GET"]),
        ]
    )


def _answer(witness: Witness, body: bytes) -> Response:
    try:
        request = parse_add_checkpoint(body, where="the request")
    except FormatError as error:
        return PlainTextResponse(f"{error.message}\n", BAD_REQUEST)
    try:
        cosignature = witness.add(request)
    except PeDvcError as error:
        return _refused(error) or _away(error)
    except OSError as error:
        return _away(error)
    log.info("cosigned %s, %d entries", request.checkpoint.origin, request.checkpoint.size)
    return Response(str(cosignature), media_type="text/plain; charset=utf-8")


def _refused(error: PeDvcError) -> Response | None:
    refused = refusal(error)
    if refused is None:
        return None
    status, size = refused
    log.warning("refused, %d: %s", status, error.message)
    if size is not None:
        return Response(f"{size}\n", status, headers={"content-type": SIZE_TYPE})
    return PlainTextResponse(f"{error.message}\n", status)


def _away(error: Exception) -> Response:
    log.error("cannot keep what is signed, so nothing is signed: %s", error)
    return PlainTextResponse("this witness cannot sign at present\n", AWAY)


def _is_well(witness: Witness) -> bool:
    """Tell whether every record can be read."""
    try:
        for origin in witness.logs:
            witness.records.last(origin)
    except (PeDvcError, OSError) as error:
        log.error("a record cannot be read: %s", error)
        return False
    return True
