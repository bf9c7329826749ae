"""A gateway as a store to read from: HTTP, a token, and nothing that writes or lists.

ADR 0036. Each object is one request, so that the gateway's ledger has one entry for it.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlsplit

from pe_dvc.adapters.stores.gateway_token import authorization
from pe_dvc.adapters.stores.http_ranges import PAST_END, HttpRange, ProcessPools
from pe_dvc.adapters.stores.parallel_file import fill_file
from pe_dvc.adapters.stores.range_blocks import range_blocks
from pe_dvc.primitives.errors import (
    FormatError,
    NotFoundError,
    PeDvcError,
    StoreError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.primitives.printable import brief
from pe_dvc.primitives.turns import blocking_wait
from pe_dvc.store.checks import check_key, check_length, too_long
from pe_dvc.store.port import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.batch import BatchWriter
    from pe_dvc.store.port import Progress

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ERROR_LIMIT = 64 * 1024
LONGEST_DETAIL = 4000
"""Characters of what a gateway says that are repeated."""
PROJECT = "PE_DVC_PROJECT"


class GatewayStore:
    """What a gateway at ``url`` serves to the user of this machine. Safe for threads.

    ``options`` are those of a DVC remote there; ``named`` are addresses that the user named, to
    which a token of the environment may be sent.
    """

    def __init__(
        self, url: str, options: Mapping[str, str] | None = None, *, named: Collection[str] = ()
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise FormatError(
                f"{url} has no encryption: others could read the token and the data",
                remedy="Use https://.",
            )
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise FormatError(
                "expected the address of a gateway, such as https://data.example.org",
                remedy="Tokens never belong into an address: see PE_DVC_GATEWAY_TOKEN.",
            )
        self.url = url.rstrip("/")
        self._options, self._named = dict(options or {}), named
        self._pools = ProcessPools(lambda: self.url)

    def head(self, key: str) -> ObjectInfo:
        """See Store.head."""
        with self.ask("HEAD", key) as answer:
            return self._info(key, answer)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See Store.read."""
        with self.ask("GET", key) as answer:
            info = self._info(key, answer)
            data = self._body(key, answer, min(info.size, limit + 1))
        if info.size > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, info

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See Store.read_range."""
        return b"".join(self._blocks(key, start, length))

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See Store.download."""
        check_length(key, expected=size, actual=self.head(key).size, source=self.url)
        return fill_file(
            path,
            size,
            lambda start, length: self._blocks(key, start, length),
            range_size=max(size, 1),
            in_flight=1,
            progress=progress,
        )

    def _blocks(self, key: str, start: int, length: int) -> Iterator[bytes]:
        return range_blocks(
            partial(self._range, key), start, length, partial(self._unavailable, key)
        )

    @contextmanager
    def _range(self, key: str, start: int, length: int) -> Iterator[HttpRange]:
        part = f"bytes={start}-{start + length - 1}"
        with self.ask("GET", key, part, good=(200, 206, PAST_END)) as answer:
            try:
                found = HttpRange(answer, start)
            except ValueError:
                raise self.unexpected(key) from None
            with found:
                yield found

    def _body(self, key: str, answer: Any, length: int) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            with blocking_wait():
                data: bytes = answer.read(length) if length else b""
        except HTTPError as error:
            raise self._unavailable(key, type(error).__name__) from None
        if len(data) != length:
            raise self._unavailable(key, "the answer was cut short")
        return data

    def _info(self, key: str, answer: Any) -> ObjectInfo:
        length = answer.headers.get("Content-Length") or ""
        if not (length.isascii() and length.isdigit()):
            raise self.unexpected(key)
        return ObjectInfo(key=key, size=int(length), etag=answer.headers.get("ETag") or "")

    @contextmanager
    def ask(
        self,
        method: str,
        key: str,
        part: str | None = None,
        *,
        good: Collection[int] = (200,),
        body: bytes | None = None,
    ) -> Iterator[Any]:
        """Give the answer of the gateway. Raises NotFoundError and StoreError."""
        from urllib3.exceptions import HTTPError

        headers = {"Accept-Encoding": "identity", "User-Agent": "pe_dvc"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        if project := os.environ.get(PROJECT):
            headers["X-PE-Project"] = project
        if part is not None:
            headers["Range"] = part
        address = f"{self.url}/{quote(check_key(key))}"
        log.debug("%s %s %s", method, address, part or "")
        try:
            answer = self._pools.request(method, address, body=body, headers=headers)
        except HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise self._unavailable(key, type(reason).__name__) from None
        try:
            if answer.status not in good:
                raise self._refused(key, answer)
            yield answer
        finally:
            if answer.length_remaining == 0 or method == "HEAD":
                answer.release_conn()
            else:
                answer.close()

    @cached_property
    def _authorization(self) -> str | None:
        return authorization(self.url, self._options, self._named)

    def _refused(self, key: str, answer: Any) -> PeDvcError:
        """Return the error of an answer without data, in the gateway's own words."""
        status, (detail, projects) = answer.status, self._says(answer)
        what = f"cannot read {self.url}/{key}: {detail or f'the gateway answered {status}'}"
        if status == 401:
            remedy = (
                "Put a token into ~/.netrc, or into PE_DVC_GATEWAY_TOKEN with the gateway's "
                "address in PE_DVC_STORE."
            )
            return StorePermissionError(what, operation="read", key=key, remedy=remedy)
        if status == 403:
            # Whom to ask, or what to delete, is in the gateway's words.
            which = f"Name one of these projects in {PROJECT}: {projects}." if projects else None
            return StorePermissionError(what, operation="read", key=key, remedy=which)
        if status in (404, 410):
            return NotFoundError(what)
        if status == 429 or status >= 500:
            return self._unavailable(key, detail or f"status {status}")
        return StoreError(what, operation="read", key=key)

    def _says(self, answer: Any) -> tuple[str, str]:
        """Return what a refusal says, and the projects among which to choose."""
        from urllib3.exceptions import HTTPError

        try:
            document = read_json(answer.read(ERROR_LIMIT), what="an answer")
        except (HTTPError, FormatError):
            return "", ""
        said = document if isinstance(document, dict) else {}
        detail, projects = said.get("detail"), said.get("projects")
        names = ", ".join(map(str, projects)) if isinstance(projects, list) else ""
        # Not brief: what must be deleted of a grant that ended, and how, is in these words.
        return detail[:LONGEST_DETAIL] if isinstance(detail, str) else "", brief(names)

    def _unavailable(self, key: str, why: str) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"cannot read {self.url}/{key}: {why}",
            operation="read",
            key=key,
            remedy="Try again later.",
        )

    def unexpected(self, key: str) -> StoreError:
        """Return the error of an answer that no gateway gives."""
        return StoreError(
            f"cannot read {self.url}/{key}: this is not the answer of a gateway",
            operation="read",
            key=key,
        )

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Raise StorePermissionError."""
        self._read_only("list", prefix)

    def create(self, key: str, data: bytes) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("write", key)

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("write", key)

    def overwrite(self, key: str, data: bytes) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("write", key)

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("upload", key)

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("write", key)

    def batch(self) -> AbstractContextManager[BatchWriter]:
        """Raise StorePermissionError."""
        self._read_only("write", "")

    def delete(self, keys: Iterable[str]) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("delete", next(iter(keys), ""))

    def purge(self, keys: Iterable[str]) -> NoReturn:
        """Raise StorePermissionError."""
        self._read_only("delete", next(iter(keys), ""))

    def _read_only(self, operation: str, key: str) -> NoReturn:
        raise StorePermissionError(
            f"cannot {operation} {key} in {self.url}: a gateway is read, object by object",
            operation=operation,
            key=key,
            remedy="Name the bucket itself with --store.",
        )
