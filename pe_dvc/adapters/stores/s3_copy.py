"""Copies between buckets of one S3 server without the bytes passing this machine.

The server copies to a place of its own in the mirror's bucket, where no reader looks. It is asked
to compute the sha256 of the copy while it writes it, and answers with it; of a server that does
not, the copy is read back. Only a copy of the right digest is copied on to where it belongs.
botocore asks: obstore copies within one bucket only.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.object_store import MIB, ObjectStore
from pe_dvc.documents.cache_control import cache_control
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.store.atomic_write import unique
from pe_dvc.store.checks import PRIVATE_PART

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.stores.s3_listing import S3Listing
    from pe_dvc.store.port import Store

log = logging.getLogger(__name__)

LARGEST = 5 * 1024**3
"""Bytes that S3 copies by one request; what is larger passes this machine."""

INCOMING = f"{PRIVATE_PART}/incoming/"
KEPT_FOR = timedelta(hours=2)
"""Age from which a copy in ``INCOMING`` is one that a killed process left."""


def server_copy_of(origin: Store, mirror: Store) -> S3Copy | None:
    """Return the way to copy, None unless both are buckets of one server, by the same keys."""
    if not isinstance(origin, ObjectStore) or not isinstance(mirror, ObjectStore):
        return None
    one, other = origin.s3, mirror.s3
    if one is None or other is None or one.account() != other.account():
        return None
    return S3Copy(one, other)


@dataclass(frozen=True)
class S3Copy:
    """Copies from the bucket of ``origin`` to that of ``mirror``."""

    origin: S3Listing
    mirror: S3Listing

    def copy(self, key: str, size: int, *, algorithm: str, digest: str) -> str:
        """Copy an object of ``size`` bytes if they have ``digest``; return which they have.

        Raises StoreUnavailableError where the server cannot copy.
        """
        if size > LARGEST:
            raise _cannot(key, "it is too large for one request")
        incoming = self.mirror.key(f"{INCOMING}{unique()}")
        with _translating(key):
            source = {"Bucket": self.origin.bucket, "Key": self.origin.key(key)}
            answer = self._copy(source, incoming)
            try:
                actual = _said(answer) if algorithm == "sha256" else None
                actual = actual or self._digest(incoming, algorithm)
                if actual == digest:
                    here = {"Bucket": self.mirror.bucket, "Key": incoming}
                    etag = answer["CopyObjectResult"]["ETag"]
                    self._copy(
                        here,
                        self.mirror.key(key),
                        CopySourceIfMatch=etag,
                        # A payload that plain DVC uploaded has no header to keep.
                        MetadataDirective="REPLACE",
                        CacheControl=cache_control(key),
                    )
            finally:
                self._remove(incoming, answer.get("VersionId"))
        return actual

    def prepare(self) -> None:
        """Remove what killed processes left, and try whether a copy could be removed.

        Raises StoreUnavailableError where it could not: each copy would lie there twice.
        """
        with _translating(INCOMING):
            probe = self.mirror.key(f"{INCOMING}{unique()}")
            put = self.mirror.client.put_object(Bucket=self.mirror.bucket, Key=probe)
            self._remove(probe, put.get("VersionId"))
            found = self.mirror.client.list_objects_v2(
                Bucket=self.mirror.bucket, Prefix=self.mirror.key(INCOMING)
            )
            for one in found.get("Contents", ()):
                if datetime.now(UTC) - one["LastModified"] > KEPT_FOR:
                    self._remove(one["Key"], None)

    def _copy(self, source: dict[str, str], key: str, **conditions: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.mirror.client.copy_object(
            Bucket=self.mirror.bucket,
            Key=key,
            CopySource=source,
            ChecksumAlgorithm="SHA256",
            **conditions,
        )
        return answer

    def _digest(self, key: str, algorithm: str) -> str:
        body = self.mirror.client.get_object(Bucket=self.mirror.bucket, Key=key)["Body"]
        digest = hashlib.new(algorithm, usedforsecurity=False)
        for block in body.iter_chunks(MIB):
            digest.update(block)
        return digest.hexdigest()

    def _remove(self, key: str, version: str | None) -> None:
        """Remove an object, of a bucket that keeps versions without a trace."""
        which = {"VersionId": version} if version else {}
        self.mirror.client.delete_object(Bucket=self.mirror.bucket, Key=key, **which)


def _said(answer: dict[str, Any]) -> str | None:
    """Return the sha256 that the server computed, None where it does not say."""
    said = answer.get("CopyObjectResult", {}).get("ChecksumSHA256")
    # Of an object made of parts it may be the digest of digests, with their number after a hyphen.
    is_whole = isinstance(said, str) and len(said) == 44 and "-" not in said
    return base64.b64decode(said).hex() if is_whole else None


@contextmanager
def _translating(key: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _cannot(key, str(error)) from None


def _cannot(key: str, why: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"the server does not copy: {why}", operation="copy", key=key)
