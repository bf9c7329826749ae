"""Drafts of root and targets in git: metadata that keys on other machines have yet to sign.

They lie in ``channels/{country}/draft/``, beside what is in force: that stays as it is, so that
builds, readers and pushes go on while people sign. ADR 0014.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.store.confined import ConfinedTree
from pe_dvc.trust.files import DRAFTS, ChannelFiles

if TYPE_CHECKING:
    from pathlib import Path

_ROOT = re.compile(r"([1-9][0-9]{0,8})\.root\.json")


class DraftFiles(ChannelFiles):
    """Reads a country's metadata with the drafts in the place of what is in force.

    What is written is a draft. Nothing reaches the disk before ``save``: all of a change does, or
    nothing.
    """

    def __init__(self, directory: Path, country: str) -> None:
        super().__init__(directory, country)
        self._landed: dict[Path, bytes] = {}
        self.in_force = _InForce(directory, country, self._landed)
        self._tree = ConfinedTree(directory.parent)
        self._folder = f"{directory.name}/{country}/{DRAFTS}"
        names = [name for name, _ in self._tree.entries(self._folder) if name.endswith(".json")]
        self._saved = {name: super(DraftFiles, self)._read(self._draft(name)) for name in names}
        self._drafts = dict(self._saved)

    @property
    def roots(self) -> dict[int, bytes]:
        """The drafts of roots, by version."""
        found = {int(match[1]): name for name in self._drafts if (match := _ROOT.fullmatch(name))}
        return {number: self._drafts[found[number]] for number in sorted(found)}

    def drafted(self, role: str) -> bool:
        """Return whether there is a draft of a role."""
        return bool(self.roots) if role == "root" else f"{role}.json" in self._drafts

    def path_of(self, role: str, version: int) -> Path:
        """Return where the draft of a role lies."""
        return self._draft(f"{version}.root.json" if role == "root" else f"{role}.json")

    def exists(self, role: str = "root") -> bool:
        """Return whether there is metadata of a role, in force or a draft."""
        return self.drafted(role) or self.in_force.exists(role)

    def land(self, role: str, version: int) -> None:
        """Put the draft of a role in the place of what is in force."""
        data = self._drafts.pop(self.path_of(role, version).name)
        if role == "root":
            self._landed[self._history(version)] = data
        self._landed[self.path(role)] = data

    def drop(self, role: str, version: int) -> None:
        """Give up the draft of a role."""
        del self._drafts[self.path_of(role, version).name]

    def put_in_force(self, role: str, data: bytes) -> None:
        """Make ``data`` the metadata of a role that is in force."""
        self._landed[self.path(role)] = data

    def save(self) -> None:
        """Write what changed: first what is in force now, then the drafts."""
        for path, data in self._landed.items():
            super()._write(path, data)
        for name, data in self._drafts.items():
            if self._saved.get(name) != data:
                super()._write(self._draft(name), data)
        for name in self._saved.keys() - self._drafts.keys():
            self._tree.unlink(f"{self._folder}/{name}")
        self._tree.remove_empty_folders(self._folder, below=self._folder.rpartition("/")[0])

    def _draft(self, name: str) -> Path:
        return self.directory / DRAFTS / name

    def _write(self, path: Path, data: bytes) -> None:
        if path != self.path("root"):  # the same bytes are written under their version
            self._drafts[path.name] = data

    def _read(self, path: Path) -> bytes:
        if path == self.path("root") and self.roots:
            return next(reversed(self.roots.values()))
        if path.name in self._drafts:
            return self._drafts[path.name]
        return self.in_force._read(path)


class _InForce(ChannelFiles):
    """What is in force, with what ``land`` has put there and not written yet."""

    def __init__(self, directory: Path, country: str, landed: dict[Path, bytes]) -> None:
        super().__init__(directory, country)
        self._landed = landed

    def exists(self, role: str = "root") -> bool:
        """Return whether there is metadata of a role."""
        return self.path(role) in self._landed or super().exists(role)

    def _read(self, path: Path) -> bytes:
        return self._landed[path] if path in self._landed else super()._read(path)
