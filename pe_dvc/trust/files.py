"""The signed metadata of one country in its data repo: ``channels/{country}/``.

Files are indented JSON with sorted keys, so that a review shows what changed; the same bytes go
into the bucket. They are written by temporary file and rename, and nowhere else: no link in the
place of ``channels`` or of a folder in it is followed.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.release_tag import check_tag
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.line_endings import as_committed
from pe_dvc.primitives.names import check_country
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document
from pe_dvc.trust.binned import git_form
from pe_dvc.trust.tuf_api import Root
from pe_dvc.trust.verify import Kind, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.documents.repo_tree import RepoTree
    from pe_dvc.trust.tuf_api import Metadata


RELEASES, STATEMENTS_SUFFIX = "releases", ".intoto.jsonl"
"""The folder of the signed statements of releases, and how their names end."""

DRAFTS = "draft"
"""The folder of metadata that waits for signatures (``pe_dvc.trust.draft_files``)."""


def root_history(version: int) -> str:
    """Return where a version of the root lies, below a country's directory."""
    return f"root_history/{version}.root.json"


class ChannelFiles:
    """Reads and writes a country's metadata below ``directory``, the repo's ``channels``."""

    def __init__(self, directory: Path, country: str) -> None:
        self.country = check_country(country)
        self.directory = directory / country

    def path(self, role: str) -> Path:
        """Return where the metadata of a role (``trust.roles.ALL``) lies."""
        return self.directory / f"{role}.json"

    def exists(self, role: str = "root") -> bool:
        """Return whether there is metadata of a role; of root, whether there are channels."""
        return self.path(role).exists()

    def read_bytes(self, role: str) -> bytes:
        """Return a role's metadata as it stands. Raises NotFoundError."""
        return self._read(self.path(role))

    def read(self, role: str, kind: type[Kind]) -> Metadata[Kind]:
        """Read a role's metadata; signatures are not checked. Raises NotFoundError, FormatError."""
        return parse(kind, self.read_bytes(role), where=str(self.path(role)))

    def write(self, role: str, metadata: Metadata[Any]) -> None:
        """Write a role's metadata, for root into ``root_history`` as well."""
        data = git_form(metadata)
        if role == "root":
            self._write(self._history(metadata.signed.version), data)
        self.write_bytes(role, data)

    def write_bytes(self, role: str, data: bytes) -> None:
        """Write a role's metadata as it is."""
        self._write(self.path(role), data)

    def _write(self, path: Path, data: bytes) -> None:
        root = self.directory.parent.parent
        ConfinedTree(root).write(path.relative_to(root).as_posix(), data, durable=True)

    def statements_path(self, tag: str) -> Path:
        """Return where the signed statements of a release lie (``documents.in_toto``)."""
        return self.directory / RELEASES / f"{check_tag(tag)}{STATEMENTS_SUFFIX}"

    def read_statements(self, tag: str) -> bytes:
        """Return the signed statements of a release as they stand. Raises NotFoundError."""
        path = self.statements_path(tag)
        try:
            return self._read(path)
        except NotFoundError:
            raise NotFoundError(
                f"{path} does not exist, and release {tag} has statements",
                remedy=f"Restore it from git, or run pe-dvc release create {tag}",
            ) from None

    def all_statements(self) -> Iterator[tuple[Path, bytes]]:
        """Yield the signed statements of all releases that are here, and where they lie."""
        for path in sorted((self.directory / RELEASES).rglob(f"*{STATEMENTS_SUFFIX}")):
            yield path, self._read(path)

    def write_statements(self, tag: str, data: bytes) -> None:
        """Write the signed statements of a release."""
        self._write(self.statements_path(tag), data)

    def earlier_roots(self, version: int) -> list[bytes]:
        """Return every root from version 1 to the one before ``version``. Raises NotFoundError."""
        return [self._read(self._history(number)) for number in range(1, version)]

    def roots_before(self, root: bytes) -> list[bytes]:
        """Return the roots before the newest, from version 1 on, if ``root`` is the newest.

        Empty for another root, or if one of them is missing.
        """
        with suppress(FormatError, NotFoundError):
            if self.read_bytes("root") == root:
                return self.earlier_roots(parse(Root, root, where="root").signed.version)
        return []

    def _history(self, version: int) -> Path:
        return self.directory / root_history(version)

    def _read(self, path: Path) -> bytes:
        try:
            return as_committed(read_document(path))
        except FileNotFoundError:
            raise NotFoundError(f"{path} does not exist", remedy=self._remedy()) from None
        except OSError as error:
            raise FormatError(f"cannot be read: {error.strerror}", where=str(path)) from None

    def _remedy(self) -> str:
        if (self.directory / DRAFTS / "1.root.json").exists():
            return "The channels wait for signatures: see pe-dvc channel status."
        return f"Run pe-dvc channel init --country {self.country} to lay out channels."


class TreeChannelFiles(ChannelFiles):
    """Reads metadata from a commit, or as it is staged; ``directory`` is a path in the repo."""

    def __init__(self, tree: RepoTree, directory: str, country: str) -> None:
        super().__init__(Path(PurePosixPath(directory)), country)
        self._tree = tree

    def exists(self, role: str = "root") -> bool:
        """Return whether there is metadata of a role; of root, whether there are channels."""
        return self._tree.has(self.path(role).as_posix())

    def _read(self, path: Path) -> bytes:
        return self._tree.read_signed(path.as_posix())
