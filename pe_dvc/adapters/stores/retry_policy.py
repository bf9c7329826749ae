"""How long a store is waited for, and how often it is asked again.

A server that cannot be reached is given up after four attempts of five seconds, one that falls
silent after two or three of ten.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_PAUSE = timedelta(milliseconds=200)

ANSWERS = {"connect_timeout": "5s", "read_timeout": "10s", "timeout": "900s"}
ANSWERS_RETRIED_FOR = timedelta(seconds=20)

# obstore's read timeout runs from the start of a request to the first byte of its answer: the
# upload of a part over a slow line must not be held to it.
UPLOADS = {"connect_timeout": "5s", "timeout": "300s"}
UPLOADS_RETRIED_FOR = timedelta(seconds=120)


ATTEMPTS_AGAIN = 3


def pauses() -> Iterator[float | None]:
    """Yield the seconds to wait after each failed attempt; None after the last, which stands."""
    for attempt in range(ATTEMPTS_AGAIN):
        yield FIRST_PAUSE.total_seconds() * 2**attempt
    yield None


def retries(retried_for: timedelta) -> dict[str, Any]:
    """Return obstore's retry configuration: no attempt begins after ``retried_for``."""
    pause = {"init_backoff": FIRST_PAUSE, "max_backoff": timedelta(seconds=2), "base": 2}
    return {"max_retries": ATTEMPTS_AGAIN, "retry_timeout": retried_for, "backoff": pause}
