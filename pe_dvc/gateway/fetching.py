"""Small JSON documents of issuers over HTTPS: no redirects, bounded in bytes and in time."""

from __future__ import annotations

import time
from typing import Any

from pe_dvc.gateway.settings import check_https
from pe_dvc.primitives.errors import CredentialsError, FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.trust.at_once import within

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
        data = within(SECONDS, lambda: _fetched(url))
    except TimeoutError:
        raise CredentialsError(f"{url} took more than {SECONDS:g} seconds") from None
    try:
        return read_json(data, what="an issuer's document", where=url)
    except FormatError as error:
        raise CredentialsError(error.message) from None


def _fetched(url: str) -> bytes:
    import urllib3

    deadline = time.monotonic() + SECONDS
    try:
        with urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=SECONDS, read=SECONDS), retries=False
        ) as pool:
            answer = pool.request(
                "GET",
                url,
                redirect=False,
                preload_content=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            )
            try:
                if answer.status != 200:
                    raise CredentialsError(f"{url} answered {answer.status}")
                return _body(answer, url, deadline)
            finally:
                answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise CredentialsError(f"{url} cannot be read: {type(error).__name__}") from None


def _body(answer: Any, url: str, deadline: float) -> bytes:
    data = b""
    while block := answer.read1(16 * 1024):
        data += block
        if len(data) > MAX_BYTES:
            raise CredentialsError(f"{url} has more than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise CredentialsError(f"{url} took more than {SECONDS:g} seconds")
    return data
