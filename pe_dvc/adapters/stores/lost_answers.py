"""Requests that obstore does not send again when the connection breaks before their answer.

It repeats reads and overwrites. A conditional write and a removal it leaves, as they may be done
already: so may they be here, and that is looked at.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pe_dvc.adapters.stores import retry_policy
from pe_dvc.adapters.stores.object_info import whole
from pe_dvc.adapters.stores.obstore_errors import is_lost, is_repeated, is_undecided

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, PutResult
    from obstore.store import ObjectStore as Bucket


def put_object(bucket: Bucket, key: str, data: bytes, mode: PutMode) -> PutResult | ObjectMeta:
    """Write an object in one request, under a condition. Raises as ``obstore.put``.

    If an answer was lost and the next says that the object is there, or another one, it may be
    what the first request wrote: with the same bytes it counts as written.
    """
    import obstore

    lost = False
    for pause in retry_policy.pauses():
        try:
            return obstore.put(bucket, key, data, mode=mode, **whole(key))
        except obstore.exceptions.BaseError as error:
            lost = lost or is_lost(error) or is_repeated(error)
            if pause is not None and (is_undecided(error) or is_lost(error)):
                time.sleep(pause)
            elif lost and _is_conflict(error) and (held := _held(bucket, key, data)) is not None:
                return held
            else:
                raise
    raise AssertionError  # the last pause is None


def delete_object(bucket: Bucket, key: str) -> None:
    """Remove an object. Raises as ``obstore.delete``, FileNotFoundError for one that is gone."""
    import obstore

    for pause in retry_policy.pauses():
        try:
            obstore.delete(bucket, key)
        except obstore.exceptions.BaseError as error:
            if pause is None or not is_lost(error):
                raise
            time.sleep(pause)
        else:
            return


def _held(bucket: Bucket, key: str, data: bytes) -> ObjectMeta | None:
    """Return what the store says of an object, None unless it holds these bytes."""
    import obstore

    try:
        found = obstore.get(bucket, key)
        if found.meta["size"] == len(data) and bytes(found.bytes()) == data:
            return found.meta
    except (obstore.exceptions.BaseError, FileNotFoundError):
        return None  # what is raised is the refusal
    return None


def _is_conflict(error: Exception) -> bool:
    import obstore

    kinds = obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError
    return isinstance(error, kinds) and not is_undecided(error)
