"""Metrics of a gateway, which name no person, and its log line for each request."""

from __future__ import annotations

import json
import logging
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Scope

log = logging.getLogger("pe_dvc.gateway.requests")

_ENTRIES = "pe_dvc.entries"
"""Where the scope of a request has the numbers of its entries in the ledger."""


@contextmanager
def only_news(name: str) -> Iterator[None]:
    """Let no message of the logger pass that is one of its last hundred; warnings always do.

    Channels are verified each minute, and what is said of that is mostly what was said before.
    """
    last: deque[str] = deque(maxlen=100)

    def is_news(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        found = record.levelno > logging.INFO or message not in last
        last.append(message)
        return found

    logger = logging.getLogger(name)
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


class Metrics:
    """Prometheus metrics: no label holds a person, a project, a key or an address."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "pe_dvc_gateway_requests",
            "Requests answered",
            ["method", "status", "kind"],
            registry=self.registry,
        )
        self.bytes = Counter(
            "pe_dvc_gateway_sent_bytes", "Bytes of gated data sent", registry=self.registry
        )
        self.entries = Counter(
            "pe_dvc_gateway_ledger_entries", "Reads noted in the ledger", registry=self.registry
        )
        self.ledger_seconds = Histogram(
            "pe_dvc_gateway_ledger_seconds",
            "Seconds until an entry was durable",
            registry=self.registry,
        )
        self.ready = Gauge(
            "pe_dvc_gateway_ready",
            "1 if a country can be read",
            ["country"],
            registry=self.registry,
        )


def keep_entry(scope: Scope, entry: int) -> None:
    """Keep in mind that a request has an entry in the ledger, for its line."""
    scope.setdefault(_ENTRIES, []).append(entry)


def note_request(scope: Scope, *, method: str, status: int, seconds: float, sent: int) -> None:
    """Write the line of a request. The ledger's entry, by its number, tells who it was.

    It is a list for a request of several objects.
    """
    entries = scope.get(_ENTRIES, [])
    line: dict[str, Any] = {
        "method": method,
        "path": redact_text(scope["path"][:300]),
        "status": status,
        "seconds": round(seconds, 4),
        "bytes": sent,
        "entry": entries if len(entries) > 1 else next(iter(entries), None),
    }
    log.info("%s", json.dumps(line))
