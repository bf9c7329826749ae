"""What the answers of a hub mean: from a status and the hub's own error code to a family of errors.

Not with the URLs and texts that come along: a URL may hold a signature that is as good as a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    ConflictError,
    MovedError,
    NotFoundError,
    PeDvcError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from pe_dvc.documents.hub_uri import HubPlace

ERROR_CODE = "X-Error-Code"
"""The header with the hub's own word for what is wrong."""
TOKEN = "Set HF_TOKEN to a token of an account that may, or run hf auth login."


def error_of_answer(
    place: HubPlace, operation: str, key: str, *, status: int, code: str | None
) -> PeDvcError:
    """Return the error for an answer that is no success, about ``key`` in the repo at ``place``."""
    what = f"cannot {operation} {key} of {place}"
    if code == "GatedRepo":
        return StorePermissionError(
            f"{what}: the repo is gated, and the account of the token has no access to it",
            operation=operation,
            key=key,
            remedy=f"Ask for access at {place.page}. {TOKEN}",
        )
    if status in (401, 403):
        how = "no account, or none with a valid token" if status == 401 else "this account may not"
        return StorePermissionError(
            f"{what}: the hub refused it ({status}: {how})",
            operation=operation,
            key=key,
            remedy=TOKEN,
        )
    if status == 404 and code in ("RevisionNotFound", "EntryNotFound"):
        return NotFoundError(f"{what}: it has no such {code.removesuffix('NotFound').lower()}")
    if status == 404:
        remedy = f"Check its name. A private repo is not found without a token. {TOKEN}"
        return NotFoundError(f"{what}: there is no such repo", remedy=remedy)
    if status == 409:
        return ConflictError(f"{what}: it is there already")
    if status == 412:
        return MovedError(f"{what}: another commit was first", role=key, remedy="Try again.")
    if status == 429 or status >= 500:
        return unavailable(place, operation, key, f"status {status}")
    return StoreError(f"{what}: the hub answered {status}", operation=operation, key=key)


def unavailable(place: HubPlace, operation: str, key: str, why: str) -> StoreUnavailableError:
    """Return the error for a hub that could not be asked."""
    return StoreUnavailableError(
        f"cannot {operation} {key} of {place}: {why}",
        operation=operation,
        key=key,
        remedy="Try again later; HF_ENDPOINT names another hub.",
    )
