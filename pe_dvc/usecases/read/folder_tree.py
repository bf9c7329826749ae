"""The folders of a dataset that is a directory, as entries of an fsspec file system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from pe_dvc.documents.members import MemberFile, Members


class FolderTree:
    """The files of a directory by the folder that they are in, for ``ls``."""

    def __init__(self, members: Members) -> None:
        self._folders: dict[str, dict[str, MemberFile | None]] = {"": {}}
        for member in members:
            folder, _, name = member.path.rpartition("/")
            known = folder in self._folders
            self._folders.setdefault(folder, {})[name] = member
            while not known and folder:
                parent, _, name = folder.rpartition("/")
                known = parent in self._folders
                self._folders.setdefault(parent, {})[name] = None
                folder = parent

    def entry(self, path: str, whole: str) -> dict[str, Any]:
        """Return what is at a path in the dataset ``whole``. Raises NotFoundError."""
        folder, _, name = path.rpartition("/")
        found = self._folders.get(folder, {})
        if name not in found:
            raise NotFoundError(f"{whole} has no file {path!r}", remedy=f"It has {self._some()}.")
        return _entry(f"{whole}/{path}", found[name])

    def entries(self, folder: str, whole: str) -> list[dict[str, Any]]:
        """Return what is in a folder of the dataset ``whole``, by name."""
        prefix = f"{whole}/{folder}/" if folder else f"{whole}/"
        found = self._folders[folder]
        return [_entry(f"{prefix}{name}", found[name]) for name in sorted(found)]

    def _some(self) -> str:
        names = sorted(self._folders[""])
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _entry(name: str, member: MemberFile | None) -> dict[str, Any]:
    if member is None:
        return folder_entry(name)
    return file_entry(name, member.size, member.sha256)


def file_entry(name: str, size: int | None, sha256: str) -> dict[str, Any]:
    """Return an entry of a file."""
    return {"name": name, "size": size, "type": "file", "sha256": sha256}


def folder_entry(name: str) -> dict[str, Any]:
    """Return an entry of a folder."""
    return {"name": name, "size": 0, "type": "directory"}
