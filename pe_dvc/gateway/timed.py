"""Each request, noted once it is over; and readers who take nothing, let go."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import anyio

from pe_dvc.gateway.monitoring import note_request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pe_dvc.gateway.monitoring import Metrics

log = logging.getLogger(__name__)

SEND_SECONDS = 60.0
"""After which a reader who takes nothing is let go."""


class Timed:
    """Notes each request, and lets go of readers who take nothing."""

    def __init__(self, app: ASGIApp, figures: Metrics) -> None:
        self._app, self._figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, sent = time.monotonic(), 0, 0

        async def counted(message: Message) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            with anyio.fail_after(SEND_SECONDS):
                await send(message)

        try:
            await self._app(scope, receive, counted)
        except TimeoutError:
            log.info("a reader who took nothing was let go")
            raise
        finally:
            method = scope["method"] if scope["method"] in ("GET", "HEAD") else "other"
            kind = scope.get("pe_dvc.kind", "none")
            self._figures.requests.labels(method, str(status), kind).inc()
            seconds = time.monotonic() - began
            note_request(scope, method=method, status=status, seconds=seconds, sent=sent)
