"""What operations return, as plain JSON values: one rule for all of them (docs/api.md, JSON).

Fields keep their names. Times are RFC 3339 in UTC, to the second, with ``Z``; digests are bare hex;
sizes are numbers of bytes; paths are text; what has an order is a list, what has names an object;
None is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any


class Result:
    """Base of dataclasses that ``--json`` prints."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values: an object of its fields."""
        return field_values(self)


def field_values(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as plain JSON values."""
    return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}


def json_value(value: Any) -> Any:
    """Return a result, or anything that may be in one, as plain JSON values."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if is_dataclass(value):
        return field_values(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(each) for each in value]
    if isinstance(value, datetime):
        return json_time(value)
    if hasattr(value, "__fspath__"):
        return str(value)
    return value


def json_time(moment: datetime) -> str:
    """Return an aware time as JSON has it: ``2026-01-31T12:00:00Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
