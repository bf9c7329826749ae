"""Which region a bucket lies in: asked of S3 once, and noted, since a bucket never moves.

The question costs a connection of its own, which from afar is most of what a short command takes.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.stores.tls import python_context
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.permissions import PRIVATE
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT = 5.0
"""Seconds to wait for a bucket to tell its region."""
BELIEVED = 7 * 24 * 3600.0
"""Seconds for which a note counts: a name can be given up, and taken by a bucket elsewhere."""


class Regions:
    """The regions of buckets, noted in the file ``notes``; without one each is asked again."""

    def __init__(self, notes: Path | None = None) -> None:
        self._notes = notes

    def of(self, bucket: str, endpoint: str, client: Mapping[str, Any]) -> str | None:
        """Return the region of a bucket at ``endpoint``; None where there is no answer.

        ``client`` are obstore's client options: whom to trust in TLS.
        """
        place, now = f"{endpoint}/{bucket}", time.time()
        notes = {
            name: note
            for name, note in self._read().items()
            if now - BELIEVED < note["asked_at"] <= now
        }
        if place in notes:
            return str(notes[place]["region"])
        region = bucket_region(bucket, endpoint, client)
        if region is not None and self._notes is not None:
            notes[place] = {"region": region, "asked_at": now}
            with suppress(OSError):  # then it is asked again next time
                notes_in = ConfinedTree(self._notes.parent, modes=PRIVATE)
                notes_in.write(self._notes.name, json.dumps(notes).encode())
        return region

    def _read(self) -> dict[str, dict[str, Any]]:
        if self._notes is None:
            return {}
        try:
            found = read_json(read_document(self._notes), what="notes of regions")
            return {
                place: {"region": str(note["region"]), "asked_at": float(note["asked_at"])}
                for place, note in found.items()
            }
        except (OSError, FormatError, ValueError, TypeError, KeyError, AttributeError):
            return {}  # none yet, or torn by a power cut: the buckets are asked again


def bucket_region(bucket: str, endpoint: str, client: Mapping[str, Any]) -> str | None:
    """Return the region of a bucket, as S3 tells anyone; None where there is no answer."""
    # Some 15 ms to import, and not wanted where the region is known.
    import urllib.error
    import urllib.request

    class StayHere(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Follow no redirect: the region is in its headers."""

    request = urllib.request.Request(f"{endpoint}/{bucket}", method="HEAD")
    try:
        context = python_context(client) if endpoint.startswith("https://") else None
        https = urllib.request.HTTPSHandler(context=context)
        opener = urllib.request.build_opener(StayHere, https)
        with opener.open(request, timeout=TIMEOUT) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        headers = error.headers  # S3 says it with a refusal and with a redirect, too
    except OSError:
        return None  # no way there: the first real request will say so, and why
    region: str | None = headers.get("x-amz-bucket-region")
    return region
