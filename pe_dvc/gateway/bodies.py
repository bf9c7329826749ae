"""The bodies of requests, bounded in bytes and, all in all, in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from starlette.requests import Request


class TooLongError(Exception):
    """A body is longer than what is read of it."""


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """Return what was sent: at most ``limit`` bytes, which come within ``seconds``.

    Raises TooLongError, TimeoutError, and Starlette's ClientDisconnect.
    """
    found = bytearray()
    with anyio.fail_after(seconds):
        async for part in request.stream():
            found += part
            if len(found) > limit:
                raise TooLongError
    return bytes(found)
