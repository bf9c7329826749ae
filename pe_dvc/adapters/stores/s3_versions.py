"""Removes objects of S3 with every version that the bucket keeps of them.

obstore knows no versions; botocore does. It takes a tenth of a second to load, and is asked only
for what was withdrawn.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.primitives.errors import StoreError, StorePermissionError, StoreUnavailableError
from pe_dvc.store.checks import check_key
from pe_dvc.store.deletion import delete_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_REFUSED = ("AccessDenied", "AccessForbidden", "403", "InvalidRequest")
_UNKNOWN = ("NotImplemented", "MethodNotAllowed", "501", "405")


class _Version(NamedTuple):
    id: str
    is_marker: bool
    is_current: bool


class S3Versions:
    """``connect`` returns botocore's client of the bucket; ``prefix`` is where the store begins."""

    def __init__(self, bucket: str, prefix: str, connect: Callable[[], Any]) -> None:
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._connect = connect

    @cached_property
    def _client(self) -> Any:
        return self._connect()

    def purge(self, keys: Iterable[str]) -> None:
        """See Store.purge."""
        wanted = [check_key(key) for key in keys]
        if wanted:
            _ = self._client  # made once, before threads ask for it
        delete_each(wanted, self._purge)

    def _purge(self, key: str) -> StoreError | None:
        from botocore.exceptions import BotoCoreError, ClientError

        doing = "list the versions of"
        try:
            versions = self._listed(key)
            doing = "remove every version of"
            self._remove(key, versions)
        except (BotoCoreError, ClientError) as error:
            return self._failed(key, doing, error)
        return None

    def _remove(self, key: str, versions: list[_Version]) -> None:
        """Remove versions, and markers once nothing is left to hide; raise the first refusal."""
        from botocore.exceptions import ClientError

        refused: ClientError | None = None
        # The newest last: as long as it is there, a check sees that something is left.
        for version in reversed([one for one in versions if not one.is_marker]):
            try:
                self._delete(key, version.id)
            except ClientError as error:
                refused = refused or error
        if refused is None:
            for marker in (one for one in versions if one.is_marker):
                self._delete(key, marker.id)
            return
        if not versions[0].is_marker:
            with suppress(ClientError):  # what may not be removed may still be hidden
                self._delete(key)
        raise refused

    def _listed(self, key: str) -> list[_Version]:
        """Return the versions; where they may not be listed, hide at least the current one."""
        from botocore.exceptions import ClientError

        try:
            return self._versions(key)
        except ClientError:
            self._delete(key)
            raise

    def _versions(self, key: str) -> list[_Version]:
        """Return the versions of an object, delete markers among them, the current one first."""
        from botocore.exceptions import ClientError

        found: list[_Version] = []
        pages = self._client.get_paginator("list_object_versions")
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + key):
                for kind in ("Versions", "DeleteMarkers"):
                    found += [
                        _Version(one["VersionId"], kind == "DeleteMarkers", one["IsLatest"])
                        for one in page.get(kind, ())
                        if one["Key"] == self._prefix + key
                    ]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNKNOWN:
                raise
            self._delete(key)
            return []
        return sorted(found, key=lambda one: not one.is_current)

    def _delete(self, key: str, version: str | None = None) -> None:
        """Remove a version; without one, the object, of which a bucket with versions hides it."""
        asked = {} if version is None else {"VersionId": version}
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key, **asked)

    def _failed(self, key: str, doing: str, error: Any) -> StoreError:
        response = getattr(error, "response", {})
        code = str(response.get("Error", {}).get("Code", ""))
        said = response.get("Error", {}).get("Message") or str(error)
        message = f"cannot {doing} s3://{self._bucket}/{self._prefix}{key}: {said}"
        if code in _REFUSED:
            return StorePermissionError(
                message,
                operation="delete",
                key=key,
                remedy="It needs the permissions s3:ListBucketVersions, s3:DeleteObject and "
                "s3:DeleteObjectVersion. What is under an object lock stays until that ends, or "
                "until who may bypass it removes it.",
            )
        return StoreUnavailableError(message, operation="delete", key=key)
