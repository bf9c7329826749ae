"""From huggingface_hub's errors to families of ours, without the URLs and texts that they carry."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

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
    from collections.abc import Iterator

    from pe_dvc.documents.hub_uri import HubPlace

_TOKEN = "Set HF_TOKEN to a token of an account that may, or run hf auth login."


@contextmanager
def hub_errors(place: HubPlace, operation: str, key: str) -> Iterator[None]:
    """Raise what huggingface_hub raises of ``key`` in the repo at ``place`` as an error of ours."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    # Of httpx, or of httpx2, by its version.
    transport_error: type[Exception] = cast("type[Exception]", HfHubHTTPError.__bases__[0])

    try:
        yield
    except PeDvcError:
        raise
    except HfHubHTTPError as error:
        raise _of_response(place, operation, key, error) from None
    except LocalEntryNotFoundError as error:
        # What it raises where it could not ask: its reason is the cause.
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise _of_response(place, operation, key, cause) from None
        raise _unavailable(place, operation, key, type(cause).__name__) from None
    except (transport_error, ConnectionError) as error:
        raise _unavailable(place, operation, key, type(error).__name__) from None
    except RuntimeError as error:
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise _of_response(place, operation, key, cause) from None
        raise _unavailable(place, operation, key, type(cause or error).__name__) from None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"cannot {operation} {key} of {place}: {type(error).__name__}: {error}",
            operation=operation,
            key=key,
        ) from None


def _of_response(place: HubPlace, operation: str, key: str, error: Any) -> PeDvcError:
    from huggingface_hub.errors import GatedRepoError

    status = error.response.status_code
    code = error.response.headers.get("X-Error-Code")
    what = f"cannot {operation} {key} of {place}"
    if isinstance(error, GatedRepoError):
        return StorePermissionError(
            f"{what}: the repo is gated, and the account of the token has no access to it",
            operation=operation,
            key=key,
            remedy=f"Ask for access at {place.page}. {_TOKEN}",
        )
    if status in (401, 403):
        how = "no account, or none with a valid token" if status == 401 else "this account may not"
        return StorePermissionError(
            f"{what}: the hub refused it ({status}: {how})",
            operation=operation,
            key=key,
            remedy=_TOKEN,
        )
    if status == 404 and code in ("RevisionNotFound", "EntryNotFound"):
        return NotFoundError(f"{what}: it has no such {code.removesuffix('NotFound').lower()}")
    if status == 404:
        remedy = f"Check its name. A private repo is not found without a token. {_TOKEN}"
        return NotFoundError(f"{what}: there is no such repo", remedy=remedy)
    if status == 409:
        return ConflictError(f"{what}: it is there already")
    if status == 412:
        return MovedError(f"{what}: another commit was first", role=key, remedy="Try again.")
    if status == 429 or status >= 500:
        return _unavailable(place, operation, key, f"status {status}")
    return StoreError(f"{what}: the hub answered {status}", operation=operation, key=key)


def _unavailable(place: HubPlace, operation: str, key: str, why: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"cannot {operation} {key} of {place}: {why}",
        operation=operation,
        key=key,
        remedy="Try again later; HF_ENDPOINT names another hub.",
    )
