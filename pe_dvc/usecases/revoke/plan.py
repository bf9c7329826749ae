"""What a removal takes out of the bucket, what it leaves, and why. Decides only. ADR 0008."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


@dataclass(kw_only=True)
class Plan:
    """What a removal is to take out of the bucket, whether it is there now or only was.

    ``files`` are keys of payloads, sidecars and files of directories, with the artifact's
    reference. ``lists`` are those that tell what an artifact was made of, with its reference: a
    removal that was cut learns from them what is left, so they go last. ``kept`` are keys that an
    artifact needs which is not withdrawn: its reference, by key. ``unsure`` is why a key is left,
    by key: it cannot be told what a directory has, or who else needs it.
    """

    files: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)
    parts: dict[str, set[str]] = field(default_factory=dict)
    """The keys that the lists of an artifact tell of, by its reference."""

    @property
    def gone(self) -> dict[str, str]:
        """All keys that readers are not to find any more, with the artifact's reference."""
        return self.files | self.lists

    def add_parts(self, reference: str, keys: Iterable[str]) -> None:
        """Note what an artifact is made of: its lists stay while any of it does."""
        self.parts.setdefault(reference, set()).update(keys)

    def finished_lists(self, left: Collection[str] = ()) -> set[str]:
        """Return the lists of artifacts of which nothing remains, given the keys still there."""
        remaining = self.kept.keys() | self.unsure.keys() | set(left)
        return {
            key
            for key, reference in self.lists.items()
            if self.parts.get(reference, set()).isdisjoint(remaining)
        }
