"""Sends a large file to S3 by obstore, so that the parts that arrived stay if the network fails.

``obstore.put`` removes the parts after any failure. Its writer does so only when it is told to, and
tries to when the failure is at the very end: in the last parts, or while the object is made of
them. It cannot where the network is lost or the server is down for more than that one request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pe_dvc.adapters.stores.object_info import attributes
from pe_dvc.adapters.stores.obstore_errors import ErrorTranslator, translate
from pe_dvc.adapters.stores.upload_parts import parts_in_flight
from pe_dvc.primitives.errors import StoreUnavailableError
from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore import WritableFile
    from obstore.store import ObjectStore as Bucket

    from pe_dvc.adapters.stores.obstore_errors import StoreRequest

log = logging.getLogger(__name__)

STAYS = "Then push again: parts that arrived are not sent again."
MAY_STAY = "Then push again: parts that are still there are not sent again."


def send_and_keep_parts(
    bucket: Bucket, body: Iterator[bytes], part_size: int, request: StoreRequest
) -> None:
    """Put ``body``, which is longer than a part, as the object that ``request`` names.

    Raises StoreError or NotFoundError where it does not arrive: the parts that did stay, for the
    next upload. What ``body`` raises is raised after the parts were removed: the file is not the
    one that was to be sent, or cannot be read. KeyboardInterrupt leaves them, as a kill does.
    """
    import obstore

    writer = obstore.open_writer(
        bucket,
        request.key,
        attributes=attributes(request.key),
        buffer_size=part_size,
        max_concurrency=parts_in_flight(part_size),
    )
    try:
        for block in _unless_it_fails(body, writer):
            with ErrorTranslator(request):
                writer.write(block)
    except StoreUnavailableError as error:
        _advise(error, STAYS)
        raise
    try:
        writer.close()
    except OSError as error:  # as which obstore raises all that goes wrong here
        problem = translate(error, request)
        error.args = (redact_text(str(error)),)
        if isinstance(problem, StoreUnavailableError):
            _advise(problem, MAY_STAY)
        raise problem from error


def _advise(error: StoreUnavailableError, what: str) -> None:
    error.remedy = f"{error.remedy} {what}" if error.remedy else what


def _unless_it_fails(body: Iterator[bytes], writer: WritableFile) -> Iterator[bytes]:
    """Yield the blocks of ``body``; where it raises an error, remove what was sent."""
    from obstore.exceptions import BaseError

    try:
        yield from body
    except Exception as error:
        try:
            writer.__exit__(type(error), error, error.__traceback__)
        except (BaseError, OSError) as other:  # the error of the body is the one to tell
            log.info("cannot remove an unfinished upload: %s", redact_text(str(other)))
        raise
