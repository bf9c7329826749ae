"""How templates write numbers, and which addresses they may link to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.result import json_time
from pe_dvc.primitives.sizes import bytes_text, percent_text

if TYPE_CHECKING:
    from collections.abc import Callable

_LINKED = ("https://", "http://")


def one_line(text: str) -> str:
    """Return a text of several lines as one."""
    return " ".join(text.split())


def is_web_address(text: str | None) -> bool:
    """Tell whether a page may link to an address: a browser runs what others name."""
    return text is not None and text.startswith(_LINKED)


FILTERS: dict[str, Callable[..., Any]] = {
    "bytes": bytes_text,
    "percent": percent_text,
    "time": json_time,
    "one_line": one_line,
    "is_web_address": is_web_address,
}
