"""The answers of a gateway that carry no data: what happened, and what to do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from pe_dvc.gateway.admission import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

SECURITY = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Authorization, X-PE-Project",
}
"""Headers of every answer about gated data."""

NO_QUERY = Refusal(
    status=400,
    error="bad request",
    detail="addresses here have no query. A token belongs in the header Authorization: one that "
    "was sent in an address is in logs now, so revoke it",
)
READ_ONLY = Refusal(
    status=405,
    error="not allowed",
    detail="data are read here, and nothing is written: see the header Allow",
)
AWAY = Refusal(
    status=503,
    error="unavailable",
    detail="what may be read cannot be verified now, or the store is away: try again later",
)
NO_LEDGER = Refusal(
    status=503, error="unavailable", detail="the read cannot be noted now: try again later"
)


def slower(wait: float) -> Refusal:
    """Return the answer to who may ask again after ``wait`` seconds."""
    more = {"retry_after": math.ceil(wait)}
    return Refusal(status=429, error="too many requests", detail="ask more slowly", more=more)


def answer(
    refusal: Refusal,
    headers: Mapping[str, str] = SECURITY,
    *,
    more: Mapping[str, object] | None = None,
) -> Response:
    """Return the answer that says why there is no data, with ``more`` fields."""
    given = {**SECURITY, **headers}
    if refusal.status == 401:
        given["WWW-Authenticate"] = 'Bearer realm="pe-dvc gateway", Basic realm="pe-dvc gateway"'
    if refusal.status in (408, 413):  # the rest of what is being sent is not read
        given["Connection"] = "close"
    if refusal.status in (429, 503):
        given["Retry-After"] = str(refusal.more.get("retry_after", 10))
    body = {"error": refusal.error, "detail": refusal.detail, **refusal.more, **(more or {})}
    return JSONResponse(body, refusal.status, headers=given)
