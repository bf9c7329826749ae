"""The store in a bucket: S3, Google Cloud Storage, Azure, or memory for tests; through obstore.

Only obstore's synchronous functions are used, in threads: a process that ends soon after many
asynchronous puts may abort at exit (obstore 0.12). None work in a forked child (``fork_guard``).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, Advice
from pe_dvc.adapters.stores.object_info import attributes, object_info
from pe_dvc.adapters.stores.obstore_errors import ErrorTranslator, StoreRequest, is_past_end
from pe_dvc.primitives.cancellation import check_cancelled
from pe_dvc.primitives.errors import NotFoundError, StoreError
from pe_dvc.primitives.redact import redact_text
from pe_dvc.primitives.turns import blocking_wait
from pe_dvc.store.batch import OneByOne
from pe_dvc.store.checks import check_key, check_length, check_prefix, too_long

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from obstore import GetResult, PutMode, UpdateVersion
    from obstore.store import ObjectStore as Bucket

    from pe_dvc.adapters.stores.s3_listing import S3Listing
    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.atomic_write import OpenFile
    from pe_dvc.store.port import ObjectInfo, Progress

log = logging.getLogger(__name__)

MIB = 1024 * 1024
RANGE_SIZE = 4 * MIB
RANGES_IN_FLIGHT = 16
BLOCK_SIZE = 64 * 1024  # about what arrives at once: more would be copied into fresh memory


class ObjectStore(OneByOne):
    """The store of a bucket, or of what lies below a prefix in it.

    ``bucket`` is for requests that get an answer soon; ``connect_uploads`` returns the same place
    for large bodies, ``connect_single_deletes`` for removing objects one by one. ``s3`` lists a
    folder with keys that are no paths; ``purge`` removes all versions; ``advice`` is for errors.
    """

    def __init__(
        self,
        url: str,
        bucket: Bucket,
        *,
        connect_uploads: Callable[[], Bucket],
        connect_single_deletes: Callable[[], Bucket],
        s3: S3Listing | None = None,
        purge: Callable[[Iterable[str]], None] | None = None,
        advice: Advice = OF_ENVIRONMENT,
    ) -> None:
        self._url, self._bucket = url, bucket
        self._connect_uploads = connect_uploads
        self._connect_single_deletes = connect_single_deletes
        self.s3, self._advice = s3, advice
        self.purge = purge or self.delete

    @cached_property
    def _single_deletes(self) -> Bucket:
        return self._connect_single_deletes()

    @cached_property
    def _uploads(self) -> Bucket:
        return self._connect_uploads()

    @property
    def url(self) -> str:
        """The bucket and prefix, such as ``s3://policyengine-data``."""
        return self._url

    def head(self, key: str) -> ObjectInfo:
        """See Store.head."""
        import obstore

        with self._translating("read", check_key(key)):
            meta = obstore.head(self._bucket, key)
        versioned = self._url.startswith("s3://") and meta["version"] not in (None, "null")
        return replace(object_info(key, meta["size"], meta), versioned=versioned)

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        """See Store.read."""
        # One wait for both requests: handing over to another thread takes longer than a small body.
        with blocking_wait():
            found = self._get("read", key, 0, limit + 1)
            if found is None:
                return b"", self.head(key)
            if (meta := found.meta)["size"] > limit:
                raise too_long(key, limit=limit, source=self.url)
            data = b"".join(self._blocks("read", key, found, limit + 1, MIB))
        if len(data) > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, object_info(key, len(data), meta)

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """See Store.read_range."""
        with blocking_wait():
            found = self._get("read", key, start, length) if length else None
            if found is None:
                self.head(key)
                return b""
            return b"".join(self._blocks("read", key, found, length, MIB))

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """See Store.create."""
        return self._put(key, data, "create")

    def compare_and_swap(self, key: str, data: bytes, etag: str | None) -> ObjectInfo:
        """See Store.compare_and_swap."""
        if etag is None:
            return self._put(key, data, "create")
        e_tag, _, version = etag.partition(" ")
        seen: UpdateVersion = {"e_tag": e_tag}
        if version:
            seen["version"] = version
        return self._put(key, data, seen)

    def overwrite(self, key: str, data: bytes) -> ObjectInfo:
        """See Store.overwrite."""
        return self._put(key, data, "overwrite")

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        """See Store.upload."""
        from pe_dvc.adapters.stores.file_upload import upload_file

        return upload_file(
            check_key(key),
            path,
            sha256=sha256,
            progress=progress,
            send=self._send,
            s3=self.s3,
            send_and_keep=self._send_and_keep,
        )

    def write_blocks(self, key: str, blocks: Iterable[bytes], *, size: int) -> None:
        """See Store.write_blocks."""
        from pe_dvc.adapters.stores.upload_parts import part_size

        part = part_size(size, what=key)
        self._send(check_key(key), b"".join(blocks) if size <= part else iter(blocks), part)

    def download(
        self, key: str, path: Path | OpenFile, *, size: int, progress: Progress | None = None
    ) -> Sha256:
        """See Store.download."""
        from pe_dvc.adapters.stores.parallel_file import fill_file

        if size == 0:
            check_length(key, expected=0, actual=self.head(key).size, source=self.url)

        def fetch(start: int, length: int) -> Iterator[memoryview]:
            found = self._get("download", key, start, length)
            actual = found.meta["size"] if found else self.head(key).size
            check_length(key, expected=size, actual=actual, source=self.url)
            return self._blocks("download", key, found, length) if found else iter(())

        return fill_file(
            path,
            size,
            fetch,
            range_size=RANGE_SIZE,
            in_flight=RANGES_IN_FLIGHT,
            progress=progress,
        )

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See Store.list."""
        import obstore

        last = ""
        bare = check_prefix(prefix)
        with self._translating("list", bare):
            try:
                for page in obstore.list(self._bucket, bare or None, chunk_size=1000):
                    yield from (object_info(meta["path"], meta["size"], meta) for meta in page)
                    last = page[-1]["path"] if page else last
                return
            except obstore.exceptions.InvalidPathError:
                if self.s3 is None:
                    raise
        yield from (info for info in self.s3.list(bare) if info.key > last)

    def delete(self, keys: Iterable[str]) -> None:
        """See Store.delete."""
        import obstore

        from pe_dvc.store.deletion import delete_each

        wanted = [check_key(key) for key in keys]
        if len(wanted) > 1:
            try:
                obstore.delete(self._bucket, wanted)
            except (obstore.exceptions.BaseError, FileNotFoundError) as error:
                # The server knows no such request, or failed for one key and may have stopped
                # there (Google and Azure do so for one that is missing): ask for each.
                log.info("delete %d objects one by one: %s", len(wanted), redact_text(str(error)))
            else:
                return
        delete_each(wanted, self._delete)

    def _delete(self, key: str) -> StoreError | None:
        from pe_dvc.adapters.stores.lost_answers import delete_object

        try:
            with self._translating("delete", key):
                delete_object(self._single_deletes, key)
        except StoreError as error:
            return error
        except NotFoundError:
            pass
        return None

    def _get(self, operation: str, key: str, start: int, length: int) -> GetResult | None:
        """Request a range; None if the object ends before it starts."""
        import obstore

        with self._translating(operation, check_key(key)):
            try:
                return obstore.get(self._bucket, key, options={"range": (start, start + length)})
            except obstore.exceptions.GenericError as error:
                if is_past_end(error):
                    return None
                raise

    def _blocks(
        self, verb: str, key: str, got: GetResult, length: int, size: int = BLOCK_SIZE
    ) -> Iterator[memoryview]:
        """Yield a body's blocks, ``length`` bytes in all at most, whatever the server sends."""
        with self._translating(verb, key):
            for block in got.stream(min_chunk_size=min(size, length)):
                check_cancelled()
                yield memoryview(block)[:length]
                length -= len(block)
                if length <= 0 or len(block) < size:  # the last
                    return

    def _put(self, key: str, data: bytes, mode: PutMode) -> ObjectInfo:
        from pe_dvc.adapters.stores.lost_answers import put_object

        with self._translating("write", check_key(key)):
            put = put_object(self._bucket, key, data, mode)
        return object_info(key, len(data), put)

    def _send(self, key: str, body: bytes | Iterator[bytes], part_size: int) -> None:
        import obstore

        from pe_dvc.adapters.stores.upload_parts import parts_in_flight

        with self._translating("upload", key):
            obstore.put(
                self._uploads,
                key,
                body,
                attributes=attributes(key),
                use_multipart=not isinstance(body, bytes),
                chunk_size=part_size,
                max_concurrency=parts_in_flight(part_size),
            )

    def _send_and_keep(self, key: str, body: Iterator[bytes], part_size: int) -> None:
        from pe_dvc.adapters.stores.kept_parts import send_and_keep_parts

        send_and_keep_parts(self._uploads, body, part_size, self._request("upload", key))

    def _request(self, operation: str, key: str) -> StoreRequest:
        return StoreRequest(operation, self._url, key, self._advice)

    def _translating(self, operation: str, key: str) -> ErrorTranslator:
        return ErrorTranslator(self._request(operation, key))
