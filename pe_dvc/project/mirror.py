"""``pe-dvc mirror``: the mirrors that a data repo declares, opened, filled and checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pe_dvc.documents.mirrors import mirror_named
from pe_dvc.primitives.errors import FormatError, NotFoundError, PeDvcError
from pe_dvc.primitives.result import Result
from pe_dvc.project.lost_store import is_published
from pe_dvc.project.mirror_place import (
    check_apart,
    check_new,
    check_not_within,
    filled_mirrors,
    server_copy,
)
from pe_dvc.project.root import FILE, TABLE
from pe_dvc.usecases.mirror.sync import Sync

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from pe_dvc.documents.mirrors import MirrorTable
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.mirror.sync import Synced
    from pe_dvc.usecases.mirror.verify import MirrorCheck
    from pe_dvc.usecases.mirror.verify_hub import HubCheck
    from pe_dvc.usecases.progress import Reporter

Outcome = TypeVar("Outcome", bound="Synced | MirrorCheck | HubCheck")


@dataclass(frozen=True, kw_only=True)
class Mirror(Result):
    """A mirror as it is declared; ``holds`` says in words what of the payloads it holds.

    ``is_filled`` is False of a release on a hub, which is only read.
    """

    name: str
    url: str
    holds: str
    doi: str | None
    is_filled: bool = True


def add(repo: DataRepo, name: str, table: Mapping[str, Any]) -> Mirror:
    """Declare a mirror; nothing is copied.

    Raises as ``declare``, ConflictError for one that is no place of its own.
    """
    from pe_dvc.project.mirror_declared import declare

    mirror = declare(repo, name, table, check=partial(check_new, repo, name))
    return _shown(name, mirror)


def remove(repo: DataRepo, name: str) -> Mirror:
    """Declare a mirror no more; what it holds stays there. Raises NotFoundError."""
    from pe_dvc.project.mirror_declared import forget

    return _shown(name, forget(repo, name))


def mirrors(repo: DataRepo) -> list[Mirror]:
    """Return the declared mirrors, by name."""
    return [_shown(name, mirror) for name, mirror in sorted(repo.settings.mirrors.items())]


def sync(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    store: str | None = None,
    recheck: bool = False,
    reporter: Reporter | None = None,
) -> list[Synced]:
    """Bring mirrors, all of them unless some are named, to the state of the store.

    Raises NotFoundError for an unknown name and a store where nothing is published; ConflictError
    for a mirror that is no other place, and as ``Sync.run``, once all other mirrors are done.
    """
    chosen = {n: m for n, m in _chosen(repo, names).items() if names or not m.is_hub}
    for name, mirror in chosen.items():
        if mirror.is_hub:
            raise FormatError(
                f"the mirror {name} is a release on a hub, which is read and never filled",
                remedy="Name mirrors that are stores.",
            )
    origin, roots = repo.open_store(store), _roots(repo)
    if chosen and not is_published(origin, repo.country):
        raise NotFoundError(
            f"nothing of {repo.country} is published in {origin.url}: there is nothing to copy",
            remedy="Publish first. If the bucket was lost, bring it back: pe-dvc mirror restore "
            f"{min(chosen, key=lambda name: not chosen[name].is_everything)}",
        )

    def sync_one(name: str, mirror: MirrorTable) -> Synced:
        check_apart(repo, mirror.url, store)
        check_not_within(name, mirror, filled_mirrors(repo))
        there = repo.open_other(mirror.url)
        one = Sync(origin, there, repo.country, roots, name=name)
        server = server_copy(origin, there)
        return one.run(mirror, server=server, recheck=recheck, reporter=reporter)

    return _each(chosen, sync_one)


def verify(
    repo: DataRepo,
    names: Sequence[str] = (),
    *,
    store: str | None = None,
    quick: bool = False,
    reporter: Reporter | None = None,
) -> list[MirrorCheck | HubCheck]:
    """Check mirrors, all of them unless some are named, by their own signed metadata.

    Of a release on a hub each file is held against its release manifest.

    Raises NotFoundError for an unknown name; as ``verify_mirror``, once all others are done.
    """
    from pe_dvc.usecases.mirror.verify import verify_mirror

    origin, roots = repo.open_store(store), _roots(repo)

    def check(name: str, mirror: MirrorTable) -> MirrorCheck | HubCheck:
        if mirror.is_hub:
            return _verify_hub(name, mirror, quick=quick, reporter=reporter)
        return verify_mirror(
            repo.open_other(mirror.url),
            repo.country,
            roots,
            mirror,
            name=name,
            origin=origin,
            now=datetime.now(UTC),
            quick=quick,
            reporter=reporter,
        )

    return _each(_chosen(repo, names), check)


def _each(
    chosen: Mapping[str, MirrorTable], work: Callable[[str, MirrorTable], Outcome]
) -> list[Outcome]:
    """Return what ``work`` gives for each mirror; one that fails keeps no other waiting.

    Else what is withdrawn would stay in all that come after it. Raises the first error.
    """
    done: dict[str, Outcome] = {}
    failures: dict[str, PeDvcError] = {}
    for name, mirror in chosen.items():
        try:
            done[name] = work(name, mirror)
        except PeDvcError as error:
            failures[name] = error
    if not failures:
        return [*done.values()]
    (failed, first), *others = failures.items()
    if len(chosen) > 1:
        said = [f"This is of the mirror {failed}. {_done(done)}"]
        said += [f"The mirror {name} failed, too: {error.message}" for name, error in others]
        first.remedy = "\n".join([first.remedy, *said] if first.remedy else said)
    raise first


def _done(done: Mapping[str, Synced | MirrorCheck | HubCheck]) -> str:
    well = [name for name, one in done.items() if one.ok]
    ill = [name for name, one in done.items() if not one.ok]
    said = f"Well: {', '.join(well) or 'none'}."
    return f"{said} Look at, by their names: {', '.join(ill)}." if ill else said


def _verify_hub(
    name: str, mirror: MirrorTable, *, quick: bool, reporter: Reporter | None
) -> HubCheck:
    from pe_dvc.adapters.stores.hub_release import HubRelease
    from pe_dvc.documents.hub_uri import parse_release
    from pe_dvc.usecases.mirror.verify_hub import verify_hub

    release = HubRelease(parse_release(mirror.url))
    return verify_hub(release.files(), name=name, url=release.url, quick=quick, reporter=reporter)


def _chosen(repo: DataRepo, names: Sequence[str]) -> dict[str, MirrorTable]:
    declared, where = repo.settings.mirrors, str(repo.root / FILE)
    if not declared and not names:
        raise NotFoundError(
            f"{where} declares no mirror: there is no table {TABLE}.mirrors",
            remedy="Declare one: pe-dvc mirror add NAME URL",
        )
    chosen = {name: mirror_named(name, declared, where=where) for name in dict.fromkeys(names)}
    for name, mirror in chosen.items():
        if not mirror.takes_country(repo.country):
            raise FormatError(
                f"{TABLE}.mirrors.{name} holds {mirror.to_text()}, and this is the data repo of "
                f"{repo.country}",
                where=where,
            )
    every = {n: m for n, m in sorted(declared.items()) if m.takes_country(repo.country)}
    return chosen or every


def _roots(repo: DataRepo) -> list[bytes]:
    return repo.signed_metadata().root_files


def _shown(name: str, mirror: MirrorTable) -> Mirror:
    return Mirror(
        name=name,
        url=mirror.url,
        holds=mirror.to_text(),
        doi=mirror.doi,
        is_filled=not mirror.is_hub,
    )
