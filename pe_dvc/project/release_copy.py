"""``pe-dvc release verify --offline``: an exported release, from the root that is pinned here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.result import Result
from pe_dvc.project.reader_trust import trusted_root
from pe_dvc.store.plain_files import read_document
from pe_dvc.usecases.release.exported import Exported, exported_country, verify_exported

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.usecases.progress import Reporter


@dataclass(frozen=True, kw_only=True)
class VerifiedCopy(Result):
    """An exported release that is, byte for byte, what was signed.

    ``state`` and ``reason`` are what the signed releases said of it when it was exported, in their
    ``version``; ``root`` is the version of the root whose keys decided. ``size`` is in bytes.
    ``log_index`` is where that version stands in the channel's log, of ``log_size`` entries, which
    ``witnesses`` cosigned; None without proof, and ``not_logged`` says why.
    """

    directory: Path
    country: str
    tag: str
    sha256: str
    commit: str
    state: str
    reason: str | None
    version: int
    root: int
    artifacts: int
    size: int
    statements: int
    log_index: int | None
    log_size: int | None
    witnesses: tuple[str, ...]
    not_logged: str | None


def verify_copy(
    directory: Path, tag: str | None, root: Path | None, *, reporter: Reporter | None = None
) -> VerifiedCopy:
    """Prove an exported release (``usecases.release.exported``)."""
    country = exported_country(directory)
    pinned = trusted_root(country, None) if root is None else _read(root)
    found = verify_exported(Exported(directory, pinned), tag=tag, reporter=reporter)
    released, logged = found.released, found.logged
    return VerifiedCopy(
        directory=directory,
        country=country,
        tag=released.tag,
        sha256=str(released.sha256),
        commit=released.commit,
        state=released.state,
        reason=released.reason,
        version=found.version,
        root=found.root,
        artifacts=found.artifacts,
        size=found.size,
        statements=found.statements,
        log_index=logged.index if logged else None,
        log_size=logged.size if logged else None,
        witnesses=logged.witnesses if logged else (),
        not_logged=found.not_logged,
    )


def _read(path: Path) -> bytes:
    try:
        return read_document(path)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
