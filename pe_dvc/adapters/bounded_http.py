"""One request over HTTP to a server of others: bounded in bytes and, all in all, in time.

No redirects, no second attempts. Servers that send a little again and again end by the clock.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from pe_dvc.trust.concurrent_queries import within

_BLOCK = 16 * 1024


class TooLongError(Exception):
    """An answer is longer than what is read of it."""


class UnreachableError(Exception):
    """A server cannot be reached, or its answer broke off; the message is urllib3's error."""


class Answer(NamedTuple):
    """An answer; ``kind`` is its media type, as the server says it."""

    status: int
    kind: str
    body: bytes


def ask(
    method: str,
    url: str,
    *,
    seconds: float,
    limit: int,
    body: bytes | None = None,
    accept: str = "*/*",
) -> Answer:
    """Return what a server answers within ``seconds``, of ``limit`` bytes at most.

    Raises TimeoutError, TooLongError, UnreachableError.
    """
    if seconds <= 0:
        raise TimeoutError
    deadline = time.monotonic() + seconds
    return within(seconds, lambda: _request(method, url, deadline, limit, body, accept))


def _request(
    method: str, url: str, deadline: float, limit: int, body: bytes | None, accept: str
) -> Answer:
    import urllib3

    left = max(deadline - time.monotonic(), 0.001)
    headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "pe-dvc"}
    try:
        with urllib3.PoolManager(timeout=urllib3.Timeout(total=left), retries=False) as pool:
            answer = pool.request(
                method, url, body=body, headers=headers, redirect=False, preload_content=False
            )
            try:
                data = b""
                while block := answer.read1(_BLOCK):
                    data += block
                    if len(data) > limit:
                        raise TooLongError
                    if time.monotonic() > deadline:
                        raise TimeoutError
                return Answer(answer.status, answer.headers.get("content-type", ""), data)
            finally:
                answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(type(error).__name__) from None
