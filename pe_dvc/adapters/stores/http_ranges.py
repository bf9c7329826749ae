"""Ranges of objects over HTTP: one answer of a server, and the connections of a process."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores import hub_access
from pe_dvc.primitives.turns import blocking_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAST_END = 416
BLOCK = 64 * 1024
_RANGE = re.compile(r"bytes (?:(?P<first>[0-9]+)-[0-9]+|\*)/(?P<total>[0-9]+)")


class HttpRange:
    """The answer to a request of a range from ``start`` on: see ``RangeAnswer``.

    A server may answer with the whole object, or that the range lies behind its end. Raises
    ValueError for what is an answer to no such request. Left, it gives back its connection, or
    closes it where more is to come.
    """

    def __init__(self, response: Any, start: int) -> None:
        self._response, self._skip = response, 0
        self.etag: str = response.headers.get("ETag") or ""
        found = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
        length = response.headers.get("Content-Length") or ""
        if response.status == 200 and length.isascii() and length.isdigit():
            self.total, self._skip = int(length), start
        elif response.status == PAST_END:
            self.total = min(int(found["total"]), start) if found else start
        elif response.status == 206 and found and found["first"] == str(start):
            self.total = int(found["total"])
        else:
            response.close()
            raise ValueError("no such range")

    def __enter__(self) -> HttpRange:
        return self

    def __exit__(self, *_: object) -> None:
        if self._response.status == PAST_END:  # what it says of that is short
            self._response.read(BLOCK)
        if self._response.length_remaining == 0:
            self._response.release_conn()
        else:
            self._response.close()

    def blocks(self, length: int) -> Iterator[bytes]:
        """Yield the first ``length`` bytes of the range, fewer where the answer ends."""
        while length > 0:
            block = self._response.read(min(BLOCK, self._skip or length))
            if not block:
                return
            if self._skip:
                self._skip -= len(block)
            else:
                length -= len(block)
                yield block


class ProcessPools:
    """urllib3's connections to the address that ``address`` returns, of each process its own.

    Of a connection that a fork left to two, each would read parts.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._pools: dict[int, Any] = {}

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Return a server's answer, whose body is still to be read; raises urllib3's HTTPError."""
        process = os.getpid()
        if process not in self._pools:
            self._pools[process] = hub_access.connect(self._address())
        with blocking_wait():
            return self._pools[process].request(method, url, preload_content=False, **options)
