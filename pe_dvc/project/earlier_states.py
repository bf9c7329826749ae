"""What ``drift`` compares with beside the channel: a release, and ``latest`` a year ago."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError, PeDvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.documents.profile import Profile
    from pe_dvc.project.gate_sources import Sources
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.version import Version

    Found = tuple[str, Pointer]
    """What messages call a state, and its pointer."""

RELEASES_LOOKED_AT = 10
"""How many releases are asked for a dataset, newest first: most have all."""


@dataclass(frozen=True, kw_only=True)
class EarlierStates:
    """Earlier states of a dataset. ``names`` are its own, and that of the one it succeeds."""

    repo: DataRepo
    sources: Sources
    names: Sequence[str]
    profile: Callable[[Pointer], Profile | None]
    """Reads the profile of what a pointer signs."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def profiles(self) -> dict[str, Profile | None]:
        """Return their profiles, by what messages call them; None for one that cannot be read."""
        return {
            **self._read("the release before", self._release),
            **self._read(f"latest of {self._month}", self._year_ago),
        }

    @property
    def _month(self) -> str:
        return f"{self.now.year - 1}-{self.now.month:02}"

    def _read(self, label: str, find: Callable[[], Found | None]) -> dict[str, Profile | None]:
        try:
            found = find()
            profile = self.profile(found[1]) if found else None
        except NotFoundError:  # nothing was published yet
            return {}
        except PeDvcError:
            return {label: None}
        return {found[0]: profile} if found and profile else {}

    def _release(self) -> Found | None:
        """Return the newest release that has the dataset, and was not deprecated."""
        from pe_dvc.adapters.git.tags import GitTags

        releases = self.sources.reader.channels.releases()
        counting = {tag for tag, one in releases.items() if one.state != "deprecated"}
        tags = [tag.name for tag in GitTags(self.repo.root).tags() if tag.name in counting]
        for tag in islice(reversed(tags), RELEASES_LOOKED_AT):
            pointers = self.sources.published.released(tag)
            if found := self._among(pointers, f"release {tag}"):
                return found
        return None

    def _year_ago(self) -> Found | None:
        version = in_force(self.sources.published.versions("latest"), self._month)
        if version is None:
            return None
        return self._among(version.pointers, f"latest of {self._month}")

    def _among(self, pointers: Mapping[str, Pointer], label: str) -> Found | None:
        found = next((pointers[name] for name in self.names if name in pointers), None)
        return None if found is None else (labelled(label, found, self.names[0]), found)


def in_force(versions: Iterable[Version], month: str) -> Version | None:
    """Return which of a channel's versions, newest first, was its last one at the end of a month.

    ``month`` is of the form 2025-11. A version that stayed for long is that of many months.
    """
    return next((one for one in versions if f"{one.signed_at:%Y-%m}" <= month), None)


def labelled(label: str, pointer: Pointer, name: str) -> str:
    """Return what messages call a state: with the dataset, where it is another than ``name``."""
    return label if pointer.name == name else f"{pointer.name} of {label}"
