"""A read-only view of a gateway's data by GA4GH's Data Repository Service 1.5. ADR 0040.

It passes the same access control as every other read: whatever holds data, or an address of data,
has an entry in the ledger.
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import JSONResponse
from starlette.routing import Route

from pe_dvc.documents.keys import LISTING_LIMIT
from pe_dvc.documents.members import Members
from pe_dvc.gateway.access_control import failed_read
from pe_dvc.gateway.admission import NOT_FOUND, Refusal
from pe_dvc.gateway.answers import AWAY, SECURITY, answer
from pe_dvc.gateway.drs_documents import (
    PREFIX,
    PRESIGNED,
    Ways,
    bulk,
    drs_bundle,
    drs_file,
    is_id,
    service_info,
)
from pe_dvc.gateway.drs_requests import Asked, NotAskedError, address_of, asked, expands
from pe_dvc.primitives.digest import check_promised
from pe_dvc.primitives.errors import PeDvcError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from pe_dvc.gateway.access_control import AccessControl
    from pe_dvc.gateway.admission import Admitted
    from pe_dvc.gateway.described import Content
    from pe_dvc.gateway.drs_documents import Address
    from pe_dvc.gateway.identity import Identity

log = logging.getLogger(__name__)

IDS, ACCESSES = "bulk_object_ids", "bulk_object_access_ids"


class _Readable(NamedTuple):
    """An object of which the request may be told."""

    sha256: str
    content: Content
    found: Admitted


class Drs:
    """The DRS endpoints of a gateway."""

    def __init__(self, control: AccessControl, identity: Identity) -> None:
        self._control = control
        self._ways = Ways(identity.bearer_issuers, identity.visa_issuers)

    def routes(self) -> list[Route]:
        """Return the routes, to stand before those of keys."""
        one, access = "/objects/{object_id}", "/objects/{object_id}/access/{access_id}"
        table: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
            ("/service-info", "GET", self._service_info),
            ("/objects", "POST", self._objects),
            ("/objects", "OPTIONS", self._objects_options),
            ("/objects/access", "POST", self._accesses),
            (one, "GET", self._object),
            (one, "POST", self._object),
            (one, "OPTIONS", self._options),
            (access, "GET", self._access),
            (access, "POST", self._access),
        ]
        return [Route(PREFIX + path, _told(do), methods=[method]) for path, method, do in table]

    async def _service_info(self, request: Request) -> Response:
        return _json(service_info(address_of(request), version("pe_dvc")))

    async def _options(self, request: Request) -> Response:
        sha256 = request.path_params["object_id"]
        return _json(self._ways.document(sha256)) if is_id(sha256) else _refused(NOT_FOUND)

    async def _objects_options(self, request: Request) -> Response:
        ids = [sha256 for sha256, _ in (await asked(request, IDS)).pairs]
        found = [self._ways.document(one) for one in ids if is_id(one)]
        missing = [one for one in ids if not is_id(one)]
        return _json(bulk(found, {404: missing} if missing else {}, "resolved_drs_object"))

    async def _object(self, request: Request) -> Response:
        given = await asked(request) if request.method == "POST" else Asked()
        expand = expands(request) or given.expand
        answers = await self._authorize(request, [request.path_params["object_id"]], given)
        found = answers if isinstance(answers, Refusal) else answers[0]
        if not isinstance(found, Refusal):
            said = await self._said(request, found, address_of(request), expand=expand)
            return _refused(said) if isinstance(said, Refusal) else _json(said)
        return _refused(found)

    async def _access(self, request: Request) -> Response:
        given = await asked(request) if request.method == "POST" else Asked()
        expands(request)
        answers = await self._authorize(request, [request.path_params["object_id"]], given)
        found = answers if isinstance(answers, Refusal) else answers[0]
        if not isinstance(found, Refusal):
            place = await self._place(request, found, request.path_params["access_id"])
            return _refused(place) if isinstance(place, Refusal) else _json({"url": place})
        return _refused(found)

    async def _objects(self, request: Request) -> Response:
        given, address = await asked(request, IDS), address_of(request)
        expand = expands(request) or given.expand

        async def said(readable: _Readable, _: str) -> dict[str, Any] | Refusal:
            return await self._said(request, readable, address, expand=expand)

        return await self._each(request, given, said, "resolved_drs_object")

    async def _accesses(self, request: Request) -> Response:
        given = await asked(request, ACCESSES)

        async def said(readable: _Readable, access_id: str) -> dict[str, Any] | Refusal:
            place = await self._place(request, readable, access_id)
            if isinstance(place, Refusal):
                return place
            return {"drs_object_id": readable.sha256, "drs_access_id": access_id, "url": place}

        return await self._each(request, given, said, "resolved_drs_object_access_urls")

    async def _each(
        self,
        request: Request,
        given: Asked,
        say: Callable[[_Readable, str], Awaitable[dict[str, Any] | Refusal]],
        name: str,
    ) -> Response:
        """Answer about many objects, one after the other."""
        answers = await self._authorize(request, [sha256 for sha256, _ in given.pairs], given)
        if isinstance(answers, Refusal):
            return _refused(answers)
        resolved, missing = [], dict[int, list[str]]()
        for (sha256, access_id), found in zip(given.pairs, answers, strict=True):
            said = found if isinstance(found, Refusal) else await say(found, access_id)
            if isinstance(said, Refusal):
                missing.setdefault(said.status, []).append(sha256)
            else:
                resolved.append(said)
        return _json(bulk(resolved, missing, name))

    async def _authorize(
        self, request: Request, ids: Sequence[str], given: Asked
    ) -> Refusal | list[_Readable | Refusal]:
        """Return the objects that the request may be told of, each or its refusal."""
        try:
            contents = [self._control.admission.content(one) for one in ids]
        except StoreError as error:
            log.error("cannot decide: %s", error.message)
            return AWAY
        keys = [content.key if content else "" for content in contents]
        answers = await self._control.authorize(request, keys, given.passports)
        if isinstance(answers, Refusal):
            return answers
        found: list[_Readable | Refusal] = []
        for sha256, content, one in zip(ids, contents, answers, strict=True):
            if isinstance(one, Refusal):
                found.append(one)
            else:
                found.append(NOT_FOUND if content is None else _Readable(sha256, content, one))
        return found

    async def _said(
        self, request: Request, readable: _Readable, address: Address, *, expand: bool
    ) -> dict[str, Any] | Refusal:
        """Return the object. What is in a directory is gated data: it is noted."""
        if readable.content.inside is None:
            return drs_file(readable.sha256, readable.content, readable.found, address, self._ways)
        try:
            members = await self._control.in_thread(_members, readable.found)
        except PeDvcError as error:
            return failed_read(error, readable.found.key)
        if (refusal := await self._control.note(request, readable.found, None)) is not None:
            return refusal
        return drs_bundle(*readable, address, members, expand=expand)

    async def _place(self, request: Request, readable: _Readable, access_id: str) -> str | Refusal:
        if access_id != PRESIGNED or readable.content.inside is not None:
            return NOT_FOUND
        return await self._control.signed_address(request, readable.found)


def _members(found: Admitted) -> Members:
    """Return the list of a directory's files, as its manifest names it. Raises StoreError."""
    data, _ = found.country.store.read(found.key, limit=LISTING_LIMIT)
    promised = found.served.digest
    check_promised(data, promised, what="the list of members", source=found.key)
    return Members(data, where=found.key)


def _json(value: Any) -> Response:
    return JSONResponse(value, headers=SECURITY)


def _refused(refusal: Refusal) -> Response:
    """Return a refusal with the fields of a DRS error beside ours."""
    more = {"msg": refusal.detail, "status_code": refusal.status}
    return answer(refusal, more=more)


def _told(do: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def told(request: Request) -> Response:
        try:
            return await do(request)
        except NotAskedError as error:
            return _refused(error.refusal)

    return told
