"""Copies between buckets of one S3 server without the bytes passing this machine.

``CopyObject`` is asked to compute the sha256 of the copy while it writes it, and answers with it.
A server that does not know that says nothing, and the copy is read back instead. botocore asks:
obstore copies within one bucket only.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.object_store import ObjectStore
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import StoreUnavailableError

if TYPE_CHECKING:
    from pe_dvc.adapters.stores.s3_listing import S3Listing
    from pe_dvc.store.port import Store

log = logging.getLogger(__name__)

LARGEST = 5 * 1024**3
"""Bytes that S3 copies by one request; what is larger passes this machine."""


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

    def __call__(self, key: str, size: int) -> Sha256 | None:
        """Copy an object of ``size`` bytes; return the sha256 that the server computed of it.

        None where it does not say. Raises StoreUnavailableError where it cannot copy.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if size > LARGEST:
            raise _cannot(key, "it is too large for one request")
        try:
            answer: dict[str, Any] = self.mirror.client.copy_object(
                Bucket=self.mirror.bucket,
                Key=self.mirror.key(key),
                CopySource={"Bucket": self.origin.bucket, "Key": self.origin.key(key)},
                ChecksumAlgorithm="SHA256",
            )
        except (BotoCoreError, ClientError) as error:
            raise _cannot(key, str(error)) from None
        said = answer.get("CopyObjectResult", {}).get("ChecksumSHA256")
        return Sha256(base64.b64decode(said).hex()) if _is_whole(said) else None


def _is_whole(said: object) -> bool:
    # Of an object made of parts it may be the digest of digests, with their number after a hyphen.
    return isinstance(said, str) and len(said) == 44 and "-" not in said


def _cannot(key: str, why: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"the server does not copy: {why}", operation="copy", key=key)
