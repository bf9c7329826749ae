"""``pe_dvc.Repo.mirror``: the commands ``pe-dvc mirror``, on copies of the store elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.public.arguments import names_of
from pe_dvc.public.reporting import reporter_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pe_dvc.documents.release import PreservationMirror
    from pe_dvc.project.mirror import Mirror
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.mirror.sync import Synced
    from pe_dvc.usecases.mirror.verify import MirrorCheck
    from pe_dvc.usecases.mirror.verify_hub import HubCheck


class MirrorCommands:
    """Declares, fills and checks the mirrors of a data repo (``[tool.pe_dvc.mirrors]``)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(
        self,
        name: str,
        url: str,
        *,
        countries: Sequence[str] = (),
        datasets: Sequence[str] = (),
        channels: Sequence[str] = (),
        releases: Sequence[str] = (),
        last: int | None = None,
        doi: str | None = None,
    ) -> Mirror:
        """Declare a mirror in pyproject.toml; nothing is copied yet.

        ``url`` is a store's, or ``hf://…/release_manifest.json``: a release on a hub, from which
        readers take payloads where the stores fail.

        It holds everything unless ``datasets``, ``channels`` and ``releases`` (patterns) or
        ``last``, a number of versions, say less. Raises ConflictError for a name that is taken
        and for the store itself, FormatError.
        """
        from pe_dvc.project.mirror import add

        table: dict[str, Any] = {
            "countries": names_of(countries),
            "datasets": names_of(datasets),
            "channels": names_of(channels),
            "releases": names_of(releases),
        }
        lists = {key: [*value] for key, value in table.items() if value}
        rest = {k: v for k, v in {"last": last, "doi": doi}.items() if v is not None}
        return add(self._repo(), name, {"url": url, **lists, **rest})

    def list(self) -> Sequence[Mirror]:
        """Return the mirrors that are declared, by name."""
        from pe_dvc.project.mirror import mirrors

        return mirrors(self._repo())

    def preservation(self) -> Mapping[str, Sequence[PreservationMirror]]:
        """Return the copies of each dataset of the checkout, as release manifests list them.

        By dataset, as mirrors are declared; ``verify`` tells whether the copies are there.
        """
        from pe_dvc.project.mirror_preservation import preservation

        return preservation(self._repo())

    def remove(self, name: str) -> Mirror:
        """Declare a mirror no more; what it holds stays there. Raises NotFoundError."""
        from pe_dvc.project.mirror import remove

        return remove(self._repo(), name)

    def restore(self, name: str, *, store: str | None = None, progress: bool = False) -> Synced:
        """Fill a store that was lost, or lost objects, from a mirror; versions go on from there.

        Raises NotFoundError for an unknown name or a mirror that was never filled, ConflictError
        for a store that has a newer state, VerificationError, StoreError.
        """
        from pe_dvc.project.mirror_restore import restore

        return restore(self._repo(), name, store=store, reporter=reporter_for(progress))

    def sync(
        self,
        names: Sequence[str] = (),
        *,
        store: str | None = None,
        recheck: bool = False,
        progress: bool = False,
    ) -> Sequence[Synced]:
        """Bring mirrors, all unless named, to the state of the store.

        ``recheck`` hashes what is there already, and replaces what is altered. Raises
        NotFoundError for an unknown name, ConflictError for a mirror that is the store or another
        project's, RollbackError for one that is ahead, VerificationError for a store that lacks
        what it promises, StoreError.
        """
        from pe_dvc.project.mirror import sync

        return sync(
            self._repo(),
            names_of(names),
            store=store,
            recheck=recheck,
            reporter=reporter_for(progress),
        )

    def verify(
        self,
        names: Sequence[str] = (),
        *,
        store: str | None = None,
        quick: bool = False,
        progress: bool = False,
    ) -> Sequence[MirrorCheck | HubCheck]:
        """Check mirrors, all unless named, by their own signed metadata.

        A release on a hub is checked by its release manifest, which is not signed.
        ``quick`` compares sizes only. Raises NotFoundError for an unknown name or a mirror that
        was never filled, VerificationError, StoreError.
        """
        from pe_dvc.project.mirror import verify

        return verify(
            self._repo(), names_of(names), store=store, quick=quick, reporter=reporter_for(progress)
        )

    def _repo(self) -> DataRepo:
        from pe_dvc.project.repo import DataRepo

        return DataRepo.find(self._path)
