"""From huggingface_hub's errors to families of ours, without the URLs and texts that they carry."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from pe_dvc.documents.hub_answers import ERROR_CODE, error_of_answer, unavailable
from pe_dvc.primitives.errors import PeDvcError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.hub_uri import HubPlace


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
        raise unavailable(place, operation, key, type(cause).__name__) from None
    except (transport_error, ConnectionError) as error:
        raise unavailable(place, operation, key, type(error).__name__) from None
    except RuntimeError as error:
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise _of_response(place, operation, key, cause) from None
        raise unavailable(place, operation, key, type(cause or error).__name__) from None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"cannot {operation} {key} of {place}: {type(error).__name__}: {error}",
            operation=operation,
            key=key,
        ) from None


def _of_response(place: HubPlace, operation: str, key: str, error: Any) -> PeDvcError:
    response = error.response
    return error_of_answer(
        place,
        operation,
        key,
        status=response.status_code,
        code=response.headers.get(ERROR_CODE),
    )
