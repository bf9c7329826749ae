"""How templates write numbers, and which addresses they may link to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.result import json_time
from pe_dvc.primitives.sizes import bytes_text, percent_text

if TYPE_CHECKING:
    from collections.abc import Callable

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:\.\d+)?(?:Z|\+00:00)", re.ASCII)
_LINKED = ("https://", "http://")


_COUNTRIES = {
    "be": "Belgium",
    "ca": "Canada",
    "il": "Israel",
    "ng": "Nigeria",
    "nz": "New Zealand",
    "uk": "United Kingdom",
    "us": "United States",
}


def country_name(country: str) -> str:
    """Return what people call a country, with its code; of one that is not known the code."""
    name = _COUNTRIES.get(country)
    return f"{name} ({country})" if name else country


def utc(text: str) -> str:
    """Return a time such as ``2026-01-31T12:00:00Z`` for a person to read."""
    match = _TIME.fullmatch(text)
    return f"{match[1]} {match[2]} UTC" if match else text


def sentence(text: str) -> str:
    """Return a text that begins with a capital and ends with a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


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
    "country_name": country_name,
    "sentence": sentence,
    "utc": utc,
    "is_web_address": is_web_address,
}
