"""Continues an upload to S3 that another process began and did not end.

obstore sends the parts of a large file and knows no way to go on with those of a process that was
killed; botocore does, and is loaded for large files alone. That a part lies there says nothing:
the file is read as a whole, and a part counts only if its digest is that of the file's own bytes,
else it is sent. The server is told the digests when it makes the object of the parts.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.upload_parts import parts_in_flight
from pe_dvc.documents.cache_control import cache_control
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.primitives.pools import Pool
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

    from pe_dvc.adapters.stores.s3_listing import S3Listing

log = logging.getLogger(__name__)

CANDIDATES = 4
"""Unfinished uploads of one object that are looked at, the newest ones."""

_PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 300,
    "retries": {"mode": "standard", "max_attempts": 5},
    "max_pool_connections": 16,
    "request_checksum_calculation": "when_required",  # what goes along is our own
}
_IN_HURRY: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "retries": {"mode": "standard", "max_attempts": 2},
}
_NO_HEADERS = ("ContentEncoding", "ContentDisposition", "WebsiteRedirectLocation", "Metadata")
"""What an upload of ours never has beside its bytes."""


class CannotContinueError(Exception):
    """The upload is gone, or not one that may be completed: the file is sent from its beginning."""


class ResumedUpload:
    """An unfinished upload of an object of ``size`` bytes; ``parts`` are listed, by number."""

    def __init__(
        self, place: S3Listing, key: str, size: int, upload: str, parts: dict[int, dict[str, Any]]
    ) -> None:
        self._place, self._key, self._size = place, key, size
        self._where = {"Bucket": place.bucket, "Key": place.key(key)}
        self._upload, self._parts = upload, parts
        self._digests: dict[int, bytes] = {}
        self._connecting = threading.Lock()
        self._keys: dict[str, Any] | None = None
        self._connected: Any = None

    @classmethod
    def find(cls, place: S3Listing, key: str, size: int, part: int) -> ResumedUpload | None:
        """Return the unfinished upload of exactly this key that has most parts of ``part`` bytes.

        None without one, and where the bucket does not tell: what is wrong then shows in the
        upload itself.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = [
                cls(place, key, size, upload, parts)
                for upload, parts in _unfinished(place, key)
                if _is_divided(parts, size, part)
            ]
        except (BotoCoreError, ClientError, RecursionError) as error:
            log.info("cannot look for an unfinished upload of %s: %s", key, _said(error))
            return None
        return max(found, key=lambda one: len(one._parts), default=None)

    def complete(self, blocks: Iterator[bytes], part: int) -> None:
        """Send what is missing of the file, in parts of ``part`` bytes, and make the object.

        ``blocks`` gives the file part by part. Raises CannotContinueError, StoreUnavailableError
        where the network fails, and what ``blocks`` does, after which there is no object.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            # Fewer than of obstore: each request of botocore holds its part somewhat longer.
            parts = self._send(blocks, max(2, parts_in_flight(part) * 3 // 4))
            if self._is_made_of(parts):
                return
        except ClientError as error:
            if _may_pass(error):
                raise self._unavailable(error) from error
            self._abort()
            raise CannotContinueError(_said(error)) from error
        except BotoCoreError as error:
            raise self._unavailable(error) from error
        raise CannotContinueError("its object is not as pe-dvc writes it")

    def _send(self, blocks: Iterator[bytes], in_flight: int) -> list[dict[str, Any]]:
        """Return the parts of the whole file, in order, once all are there."""
        done: list[dict[str, Any]] = []
        running: set[Future[dict[str, Any]]] = set()
        with Pool(in_flight, name="pe-dvc-part") as pool:
            for number, block in enumerate(blocks, 1):
                running.add(pool.submit(self._send_part, number, block))
                if len(running) == in_flight:
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    done += [each.result() for each in finished]
            done += [each.result() for each in running]
        return sorted(done, key=lambda one: one["PartNumber"])

    def _send_part(self, number: int, block: bytes) -> dict[str, Any]:
        """Send a part unless it is there already; return what the server calls it."""
        digest = hashlib.sha256(block).digest()
        self._digests[number] = digest
        told = {"ChecksumSHA256": base64.b64encode(digest).decode()}
        told = told if self._place.checksum else {}
        there = self._parts.get(number)
        if there is not None and _has(there, block, digest):
            told = told if there.get("ChecksumSHA256") else {}
            return {"PartNumber": number, "ETag": there["ETag"], **told}
        sent = self._client().upload_part(
            **self._where, UploadId=self._upload, PartNumber=number, Body=block, **told
        )
        told = told if sent.get("ChecksumSHA256") else {}
        return {"PartNumber": number, "ETag": sent["ETag"], **told}

    def _is_made_of(self, parts: list[dict[str, Any]]) -> bool:
        """Make the object; tell whether it is what a new upload would have written."""
        from botocore.exceptions import ClientError

        client = self._client()
        must_tell: bool = False
        try:
            client.complete_multipart_upload(
                **self._where, UploadId=self._upload, MultipartUpload={"Parts": parts}
            )
        except ClientError as error:
            # Another push of the file was first; or this one, whose first answer was lost.
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise
            must_tell = True
        found = client.head_object(**self._where, ChecksumMode="ENABLED")
        digests = b"".join(digest for _, digest in sorted(self._digests.items()))
        whole = base64.b64encode(hashlib.sha256(digests).digest()).decode()
        tells = str(found.get("ChecksumSHA256") or "").partition("-")[0]
        return (
            found["ContentLength"] == self._size
            and (tells == whole or not (tells or must_tell))
            and found.get("CacheControl") == cache_control(self._key)
            and not any(found.get(name) for name in _NO_HEADERS)
        )

    def _abort(self) -> None:
        """Remove the upload, or each push would try to go on with it."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client().abort_multipart_upload(**self._where, UploadId=self._upload)
        except (BotoCoreError, ClientError) as error:
            log.info("cannot remove an upload of %s: %s", self._key, _said(error))

    def _client(self) -> Any:
        """Return a client by the credentials of now: those of a login expire in a long upload."""
        with self._connecting:
            keys = self._place.keys()
            keys = {name: keys.get(name) for name in ("access_key_id", "token")}
            if keys != self._keys:
                self._connected, self._keys = self._place.connect(**_PATIENCE), keys
            return self._connected

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"cannot upload s3://{self._place.bucket}/{self._where['Key']}: {_said(error)}",
            operation="upload",
            key=self._key,
            remedy="Check the network, then push again: parts that arrived are not sent again.",
        )


def _unfinished(place: S3Listing, key: str) -> Iterator[tuple[str, dict[int, dict[str, Any]]]]:
    """Yield the newest unfinished uploads of an object, and their parts by number."""
    client, where = place.connect(**_IN_HURRY), {"Bucket": place.bucket, "Key": place.key(key)}
    listed = client.list_multipart_uploads(Bucket=place.bucket, Prefix=where["Key"])
    ours = [one for one in listed.get("Uploads", ()) if one["Key"] == where["Key"]]
    for one in sorted(ours, key=lambda one: one["Initiated"], reverse=True)[:CANDIDATES]:
        if one.get("ChecksumAlgorithm") not in (None, place.checksum):
            continue  # its parts need a digest that we do not send
        pages = client.get_paginator("list_parts").paginate(**where, UploadId=one["UploadId"])
        yield (
            one["UploadId"],
            {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())},
        )


def _is_divided(parts: dict[int, dict[str, Any]], size: int, part: int) -> bool:
    """Tell whether there are parts, and all are as long as ours of a file of this size.

    Those of others, such as of a ``dvc push``, are not: they would have to be sent again, and the
    object would have other headers.
    """
    return bool(parts) and all(
        one["Size"] == min(part, size - (number - 1) * part) for number, one in parts.items()
    )


def _has(part: dict[str, Any], block: bytes, digest: bytes) -> bool:
    """Tell whether a part that lies in the bucket has these bytes.

    A server that tells no sha256 of a part gives its md5 as its ETag, or nothing that can be
    compared: then it is another, and the part is sent.
    """
    if part["Size"] != len(block):
        return False
    if part.get("ChecksumSHA256"):
        return bool(part["ChecksumSHA256"] == base64.b64encode(digest).decode())
    md5 = hashlib.md5(block, usedforsecurity=False).hexdigest()
    return bool(part["ETag"].strip('"') == md5)


def _may_pass(error: ClientError) -> bool:
    """Tell whether the server could not answer now: the upload stays, for the next push."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    late = error.response["Error"]["Code"] == "RequestTimeout"
    return late or status >= 500 or status in (408, 429)


def _said(error: BaseException) -> str:
    return redact_text("it only redirects" if isinstance(error, RecursionError) else str(error))
