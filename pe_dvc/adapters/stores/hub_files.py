"""The files of one commit on Hugging Face's hub, as payloads are read: whole, or by ranges.

What comes is as little trusted as what comes from a bucket: who reads it, verifies it.
"""

from __future__ import annotations

import logging
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pe_dvc.adapters.stores import hub_access
from pe_dvc.adapters.stores.http_ranges import PAST_END, HttpRange, ProcessPools
from pe_dvc.adapters.stores.parallel_file import fill_file
from pe_dvc.adapters.stores.range_blocks import range_blocks
from pe_dvc.documents.hub_answers import ERROR_CODE, error_of_answer, unavailable
from pe_dvc.documents.hub_uri import DATASET
from pe_dvc.primitives.errors import StoreError
from pe_dvc.store.checks import check_length, too_long
from pe_dvc.store.port import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pe_dvc.documents.hub_uri import HubPlace
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.primitives.errors import PeDvcError
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import Progress

log = logging.getLogger(__name__)

MIB = 1024 * 1024
RANGE_SIZE = 16 * MIB
"""Bytes of one request: each is sent on to another host, which costs a round trip."""
RANGES_IN_FLIGHT = 8


class HubFiles:
    """The files of a commit, or of another revision: an ``ObjectSource`` whose keys are paths.

    Safe for threads.
    """

    def __init__(self, place: HubPlace, revision: str) -> None:
        self.place, self._revision = place, revision
        self.url = f"{place.uri}@{revision}"
        self._pools = ProcessPools(lambda: self._endpoint)

    def head(self, key: str) -> ObjectInfo:
        """See ObjectSource.head."""
        with self._ask("read", key, 0, 1) as answer:
            return ObjectInfo(key=key, size=answer.total, etag=answer.etag)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See ObjectSource.read."""
        data = self.read_range(key, 0, limit + 1)
        if len(data) > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, ObjectInfo(key=key, size=len(data), etag="")

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See ObjectSource.read_range."""
        return b"".join(self._blocks("read", key, start, length))

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See ObjectSource.download."""
        actual = self.head(key).size
        check_length(key, expected=size, actual=actual, source=self.url)
        return fill_file(
            path,
            size,
            lambda start, length: self._blocks("download", key, start, length),
            range_size=RANGE_SIZE,
            in_flight=RANGES_IN_FLIGHT,
            progress=progress,
        )

    def _blocks(self, operation: str, key: str, start: int, length: int) -> Iterator[bytes]:
        ask = partial(self._ask, operation, key)
        return range_blocks(ask, start, length, partial(unavailable, self.place, operation, key))

    def _ask(self, operation: str, key: str, start: int, length: int) -> HttpRange:
        """Request a range. Raises NotFoundError and StoreError."""
        from urllib3.exceptions import HTTPError

        headers = {
            "Range": f"bytes={start}-{start + length - 1}",
            "Accept-Encoding": "identity",
            "User-Agent": "pe_dvc",
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        log.debug("read %s/%s [%d+%d]", self.url, key, start, length)
        try:
            response = self._pools.request("GET", self._address(key), headers=headers)
        except HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise unavailable(self.place, operation, key, type(reason).__name__) from None
        if response.status in (200, 206, PAST_END):
            try:
                return HttpRange(response, start)
            except ValueError:
                raise StoreError(
                    f"cannot {operation} {key} of {self.place}: the hub answered with no such "
                    "range",
                    operation=operation,
                    key=key,
                ) from None
        response.close()
        raise self._refused(operation, key, response)

    def _refused(self, operation: str, key: str, response: Any) -> PeDvcError:
        status, code = response.status, response.headers.get(ERROR_CODE)
        answered = urlsplit(response.url or "").hostname
        if answered not in (None, urlsplit(self._endpoint).hostname):
            why = f"the host that the hub named for its bytes answered {status}"
            return unavailable(self.place, operation, key, why)
        return error_of_answer(self.place, operation, key, status=status, code=code)

    def _address(self, key: str) -> str:
        prefix = "datasets/" if self.place.repo_type == DATASET else ""
        repo = f"{self._endpoint}/{prefix}{self.place.repo_id}"
        return f"{repo}/resolve/{quote(self._revision, safe='')}/{quote(key)}"

    @cached_property
    def _endpoint(self) -> str:
        return hub_access.endpoint()

    @cached_property
    def _token(self) -> str | None:
        return hub_access.token()
