"""The files in which producers state what datasets were made from, read in the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.statement_file import MAX_BYTES, read_statement
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, NotFoundError
from pe_dvc.primitives.names import check_in_work_tree, country_code
from pe_dvc.store.plain_files import read_document
from pe_dvc.usecases.checkout.provenance import Stated

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.declaration import Declaration
    from pe_dvc.project.settings import Settings


class Statements:
    """The statements that declarations name; each file is read once."""

    def __init__(self, root: Path, settings: Settings, cache_dir: Path) -> None:
        self._root, self._settings, self._cache_dir = root, settings, cache_dir
        self._read: dict[str, Stated] = {}

    def of(self, declaration: Declaration) -> Stated | None:
        """Return what the producer of a dataset states, None where the declaration names no file.

        Raises FormatError for a file that states nothing or lies outside the repo, NotFoundError
        for one that is not there.
        """
        path, where = declaration.provenance, declaration.provenance_where
        if path is None:
            return None
        check_in_work_tree(path, where=where)
        if path not in self._read:
            self._read[path] = self._stated(path, where)
        return self._read[path]

    def _stated(self, path: str, where: str) -> Stated:
        file = self._root / path
        homes = (self._root, self._cache_dir)
        if not any(file.resolve().is_relative_to(home.resolve()) for home in homes):
            raise FormatError(
                f"{path} is a link to a file outside the repo",
                where=where,
                remedy="Copy the file into the repo.",
            )
        try:
            data = read_document(file, limit=MAX_BYTES)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFoundError(
                f"{where}: the file {path} is not there",
                remedy=f"Add the file, or get it from the DVC remote, or correct {where}.",
            ) from None
        settings = self._settings
        return Stated(
            statement=read_statement(data, where=path),
            path=path,
            sha256=sha256_bytes(data),
            model=settings.model_package or f"policyengine-{country_code(settings.country)}",
            core=settings.core_package or "policyengine-core",
            fingerprints=self._fingerprints(),
            allowed_params=settings.allowed_params,
        )

    def _fingerprints(self) -> dict[str, str | None]:
        from pe_dvc.adapters.data_build_fingerprint import of_wheel

        settings = self._settings
        if settings.model_wheel is None or settings.model_package is None:
            return {}
        found = of_wheel(self._root / settings.model_wheel, settings.model_package)
        return {found.version: found.fingerprint}
