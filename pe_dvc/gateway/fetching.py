"""Small JSON documents of issuers over HTTPS: no redirects, bounded in bytes and in time."""

from __future__ import annotations

from typing import Any

from pe_dvc.adapters.bounded_http import TooLongError, UnreachableError, ask
from pe_dvc.gateway.settings import check_https
from pe_dvc.primitives.errors import CredentialsError, FormatError
from pe_dvc.primitives.json_reader import read_json

MAX_BYTES = 256 * 1024
SECONDS = 5.0


def fetch_json(url: str) -> Any:
    """Return the JSON document at ``url``.

    Raises CredentialsError: without the issuer's documents its tokens cannot be verified.
    """
    try:
        check_https(url)
    except ValueError as error:
        raise CredentialsError(f"{url} {error}") from None
    try:
        answer = ask("GET", url, seconds=SECONDS, limit=MAX_BYTES, accept="application/json")
    except TimeoutError:
        raise CredentialsError(f"{url} took more than {SECONDS:g} seconds") from None
    except TooLongError:
        raise CredentialsError(f"{url} has more than {MAX_BYTES} bytes") from None
    except UnreachableError as error:
        raise CredentialsError(f"{url} cannot be read: {error}") from None
    if answer.status != 200:
        raise CredentialsError(f"{url} answered {answer.status}")
    try:
        return read_json(answer.body, what="an issuer's document", where=url)
    except FormatError as error:
        raise CredentialsError(error.message) from None
