"""Uploads that were begun and not ended: their parts are no objects, and cost what objects cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.primitives.result import json_time

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An upload of the object ``key`` that did not end; ``size`` is of the parts that are there."""

    key: str
    id: str
    begun: datetime
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"key": self.key, "begun": json_time(self.begun), "size": self.size}


class UnfinishedUploads(Protocol):
    """Those of a bucket whose server tells them."""

    def begun_before(self, folder: str, moment: datetime) -> list[Unfinished]:
        """Return those of objects below ``folder``, by key and age. Raises StoreError."""

    def remove(self, upload: Unfinished) -> None:
        """Remove its parts. Raises StoreError, NotFoundError where it ended meanwhile."""
