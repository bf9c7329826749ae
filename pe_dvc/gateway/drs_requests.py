"""What a request to the DRS view asks for: hostile text has another form, and a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.gateway.admission import Refusal
from pe_dvc.gateway.answers import NO_QUERY
from pe_dvc.gateway.bodies import TooLongError, read_body
from pe_dvc.gateway.drs_documents import MOST_AT_ONCE, Address
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY = 512 * 1024
"""Bytes: a few passports."""
BODY_SECONDS = 10.0
MOST_PASSPORTS = 8


class Asked(NamedTuple):
    """What a body asks for. ``pairs`` are ids of objects, each with an access_id or ''."""

    passports: tuple[str, ...] = ()
    expand: bool = False
    pairs: tuple[tuple[str, str], ...] = ()


class NotAskedError(Exception):
    """A request that is none; ``refusal`` says what is wrong with it."""

    def __init__(self, detail: str, *, status: int = 400, error: str = "bad request") -> None:
        super().__init__(detail)
        self.refusal = Refusal(status=status, error=error, detail=detail)


def address_of(request: Request) -> Address:
    """Return where the gateway was asked. Raises NotAskedError."""
    try:
        return Address(request.scope["scheme"], request.headers.get("host", ""))
    except ValueError as error:
        raise NotAskedError(str(error)) from None


def expands(request: Request) -> bool:
    """Return what the query says of ``expand``, which may stand there. Raises NotAskedError."""
    query: bytes = request.scope.get("query_string") or b""
    if query in (b"", b"expand=false", b"expand=true"):
        return query == b"expand=true"
    raise NotAskedError(f"only expand=true and expand=false can be asked; {NO_QUERY.detail}")


async def asked(request: Request, field: str | None = None) -> Asked:
    """Return what a body asks for; ``field`` is that of the objects. Raises NotAskedError."""
    value = _document(await _body(request))
    passports = value.get("passports", [])
    if not _texts(passports) or len(passports) > MOST_PASSPORTS:
        raise NotAskedError(f"passports should be a list of {MOST_PASSPORTS} tokens at most")
    expand = value.get("expand", False)
    if not isinstance(expand, bool):
        raise NotAskedError("expand should be true or false")
    pairs = () if field is None else _pairs(value.get(field), field)
    if len(pairs) > MOST_AT_ONCE:
        detail = f"of {MOST_AT_ONCE} objects at most can be asked at once"
        raise NotAskedError(detail, status=413, error="too large")
    return Asked(tuple(passports), expand, pairs)


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, limit=MAX_BODY, seconds=BODY_SECONDS)
    except TooLongError:
        detail = f"a body has {MAX_BODY} bytes at most"
        raise NotAskedError(detail, status=413, error="too large") from None
    except TimeoutError:
        detail = f"a body should come within {BODY_SECONDS:g} seconds"
        raise NotAskedError(detail, status=408, error="too slow") from None


def _document(data: bytes) -> dict[str, Any]:
    try:
        value = read_json(data, what="a request")
    except FormatError as error:
        raise NotAskedError(error.message) from None
    if not isinstance(value, dict):
        raise NotAskedError("a request should be a JSON object")
    return value


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _pairs(listed: object, field: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(listed, list) or not listed:
        raise NotAskedError(f"{field} should be a list of objects that are asked for")
    found: list[tuple[str, str]] = []
    for one in listed:
        if isinstance(one, str) and field == "bulk_object_ids":
            found.append((one, ""))
            continue
        of = one.get("bulk_object_id") if isinstance(one, dict) else None
        ids = one.get("bulk_access_ids") if isinstance(one, dict) else None
        if field == "bulk_object_ids" or not isinstance(of, str) or not _texts(ids):
            raise NotAskedError(f"{field} is not of the form that DRS gives it")
        found += [(of, each) for each in ids or ()]
    return tuple(found)
