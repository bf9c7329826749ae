"""Lists a bucket that holds keys which obstore cannot read, such as ``us//stray``.

obstore refuses a whole page of a listing for one such key. botocore reads them all; it takes a
tenth of a second to load, and is asked only where obstore has failed.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import FormatError, StoreUnavailableError
from pe_dvc.store.checks import check_key
from pe_dvc.store.port import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)


class S3Listing:
    """Lists the bucket of an ``S3Store`` of obstore, reached in the same way.

    ``config`` and ``client`` are obstore's; ``prefix`` is where the store begins in the bucket.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        config: Mapping[str, Any],
        client: Mapping[str, Any],
        ca_bundle: str | None,
        credentials: Callable[[], Any] | None,
    ) -> None:
        self.bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._config, self._client = config, client
        self._ca_bundle, self._credentials = ca_bundle, credentials

    def key(self, key: str) -> str:
        """Return the key in the bucket of an object of the store."""
        return f"{self._prefix}{key}"

    def keys(self) -> Mapping[str, Any]:
        """Return the credentials of now, by obstore's names; none for who goes without."""
        return self._credentials() if self._credentials else {}

    @property
    def checksum(self) -> str | None:
        """The algorithm of the checksum that goes along with each body, if one does."""
        return self._config.get("checksum_algorithm")

    @property
    def may_continue(self) -> bool:
        """Whether the uploads of others may be completed: not where options ask for encryption.

        How an object is encrypted is settled when its upload begins, and is not told before it
        ends.
        """
        return not any("sse" in name or "encryption" in name for name in self._config)

    def account(self) -> tuple[object, ...]:
        """Return by which server and which key the bucket is reached; equal ones may copy."""
        keys = self.keys()
        return self._config.get("endpoint"), self._config["region"], keys.get("access_key_id")

    @cached_property
    def client(self) -> Any:
        """botocore's client of the server; safe for threads."""
        return self.connect()

    def list(self, below: str) -> Iterator[ObjectInfo]:
        """Yield the objects below ``below``, a folder in the store; as ``Store.list``.

        What is no key of a store is passed over, with a warning that names it. Raises
        StoreUnavailableError.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield from self._list(below)
        except (BotoCoreError, ClientError, RecursionError) as error:
            # Where an endpoint answers everything with a redirect, botocore asks it without end.
            reason = "it only redirects" if isinstance(error, RecursionError) else error
            raise StoreUnavailableError(
                f"cannot list {self.bucket}/{self._prefix}{below}: {reason}",
                operation="list",
                key=below,
            ) from error

    def _list(self, below: str) -> Iterator[ObjectInfo]:
        pages = self.client.get_paginator("list_objects_v2")
        folder = f"{self._prefix}{below}/" if below else self._prefix
        for page in pages.paginate(Bucket=self.bucket, Prefix=folder):
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                if _is_key(key):
                    yield ObjectInfo(
                        key=key,
                        size=found["Size"],
                        etag=found["ETag"],
                        modified=found["LastModified"],
                    )
                elif not key.endswith("/"):  # what consoles make for an empty folder
                    log.warning("passed over an object of a strange name: %s", found["Key"])

    def connect(self, **more: Any) -> Any:
        """Return botocore's client of the bucket; ``more`` goes to its Config."""
        from botocore.config import Config
        from botocore.session import Session

        keys = self.keys()
        virtual = self._config["virtual_hosted_style_request"]
        settings: dict[str, Any] = {"s3": {"addressing_style": "virtual" if virtual else "path"}}
        settings |= more
        if not keys:
            from botocore import UNSIGNED

            settings["signature_version"] = UNSIGNED
        return Session().create_client(
            "s3",
            region_name=self._config["region"],
            endpoint_url=self._config.get("endpoint"),
            verify=not self._client.get("allow_invalid_certificates") and (self._ca_bundle or True),
            aws_access_key_id=keys.get("access_key_id"),
            aws_secret_access_key=keys.get("secret_access_key"),
            aws_session_token=keys.get("token"),
            config=Config(**settings),
        )


def _is_key(key: str) -> bool:
    try:
        check_key(key)
    except FormatError:
        return False
    return True
