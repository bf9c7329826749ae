"""``pe_dvc.Repo``: a country's data repo, with a method for each command that works in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.public.arguments import names_of, paths_of
from pe_dvc.public.publishing import Publishing
from pe_dvc.public.reporting import reporter_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from pe_dvc.adapters.git.hooks import Hooks
    from pe_dvc.project.add import Added
    from pe_dvc.project.import_hub import ImportedFile
    from pe_dvc.project.init import Initialized
    from pe_dvc.project.init_plan import Ask
    from pe_dvc.project.reproduce import Reproduced
    from pe_dvc.public.channel import ChannelCommands
    from pe_dvc.public.manifest import ManifestCommands
    from pe_dvc.public.mirror import MirrorCommands
    from pe_dvc.public.release import ReleaseCommands
    from pe_dvc.usecases.checkout.pull import Pulled
    from pe_dvc.usecases.checkout.verify import Check
    from pe_dvc.usecases.retention.gc import Collected
    from pe_dvc.usecases.retention.repair import Checked


class Repo(Publishing):
    """A clone of a country's data repo: ``Repo("us-data").push()`` is ``pe-dvc push`` in there.

    A command's words are the way to its method, its options are the parameters: ``pe-dvc channel
    sign next`` is ``repo.channel.sign("next")``. Every call reads the repo again. ``store`` is the
    bucket's address; without it ``PE_DVC_STORE``, then the repo's own. With ``progress`` stderr
    shows how far a transfer is. Results have ``to_json()``, which is what ``--json`` prints.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        """Take the data repo at or above ``path``, the working directory unless given.

        Nothing is read before it is needed; the methods raise NotFoundError where there is none.
        """
        from pe_dvc.project.root import working_directory

        self.path = working_directory() if path is None else Path(path).absolute()

    def init(
        self,
        country: str | None = None,
        *,
        store: str | None = None,
        contact: str | None = None,
        subdir: bool = False,
        channels: bool = True,
        hooks: bool = True,
        workflows: bool = True,
        from_hf: str | None = None,
        ask: Ask | None = None,
    ) -> Initialized:
        """Set up a git repo as a country's data repo; what is there already stays.

        With ``from_hf``, a URI as ``import_()`` takes it, a git repo is made if there is none, and
        what the URI names is imported. ``ask`` is called for ``country`` or ``store`` where it is
        neither given nor known, with its name and a default. Raises NotFoundError outside a git
        repo, ConflictError where a file says otherwise, FormatError; then nothing was changed.
        """
        from pe_dvc.project.init import InitOptions, init_repo

        options = InitOptions(
            country=country,
            store=store,
            contact=contact,
            subdir=subdir,
            channels=channels,
            hooks=hooks,
            workflows=workflows,
            ask=ask,
        )
        if from_hf is None:
            return init_repo(self.path, options)
        from pe_dvc.project.init_index import init_index

        return init_index(self.path, from_hf, options)

    def add(
        self,
        files: Sequence[Path | str],
        *,
        name: str | None = None,
        kind: str | None = None,
        rows: str | None = None,
        entities: Mapping[str, str] | None = None,
        references: Mapping[str, Mapping[str, str]] | None = None,
        columns: Mapping[str, str] | None = None,
        weight: str | None = None,
        vintage: str | None = None,
        desc: str | None = None,
        each: bool = False,
    ) -> list[Added]:
        """Declare files and directories as datasets, and track them unless DVC does already.

        ``each`` makes each file of a directory a dataset, which is one otherwise. ``name`` may hold
        ``{stem}``. ``entities`` are key columns by entity, ``references`` columns
        by an entity and the one it refers to, ``columns`` entities by column. What is not given is
        guessed from the file's columns. Raises NotFoundError, FormatError, and ConflictError for a
        file in git or a name that is taken; then nothing was changed.
        """
        from pe_dvc.project.add import add_files
        from pe_dvc.usecases.checkout.guess import Meaning

        given = Meaning(
            kind=kind,
            rows=rows,
            entities=entities or {},
            references=references or {},
            columns=columns or {},
            weight=weight,
            vintage=vintage,
        )
        return add_files(
            self._open(), paths_of(files), name=name, desc=desc, each=each, given=given
        )

    def import_(
        self,
        uri: str,
        *,
        into: str = "data",
        names: Sequence[str] = (),
        name: str | None = None,
        copy: bool = True,
        check: bool = False,
    ) -> list[ImportedFile]:
        """Download the artifacts of a hub's release, or one file, and make them datasets.

        ``names`` are those wanted of a manifest, all by default; ``name`` is for a single file.
        Without ``copy`` readers get them from the hub, and not from the bucket. With ``check``
        nothing is changed, and what is new is returned. Raises NotFoundError, ConflictError,
        DigestMismatchError for other bytes than the manifest names, StorePermissionError.
        """
        from pe_dvc.project.import_hub import import_uri

        wanted = names_of(names)
        return import_uri(self._open(), uri, into, names=wanted, name=name, copy=copy, check=check)

    @property
    def manifest(self) -> ManifestCommands:
        """The commands ``pe-dvc manifest``."""
        from pe_dvc.public.manifest import ManifestCommands

        return ManifestCommands(self.path)

    @property
    def channel(self) -> ChannelCommands:
        """The commands ``pe-dvc channel`` that work on the metadata in git."""
        from pe_dvc.public.channel import ChannelCommands

        return ChannelCommands(self.path)

    @property
    def release(self) -> ReleaseCommands:
        """The commands ``pe-dvc release``; most work in a bare clone, too."""
        from pe_dvc.public.release import ReleaseCommands

        return ReleaseCommands(self.path)

    @property
    def mirror(self) -> MirrorCommands:
        """The commands ``pe-dvc mirror``."""
        from pe_dvc.public.mirror import MirrorCommands

        return MirrorCommands(self.path)

    def pull(
        self,
        names: Sequence[str] = (),
        *,
        store: str | None = None,
        force: bool = False,
        progress: bool = False,
    ) -> Pulled:
        """Download datasets, all unless named, into DVC's cache and the workspace.

        Raises ConflictError for a file that was edited, which ``force`` replaces; NotFoundError,
        VerificationError and StoreError.
        """
        from pe_dvc.project.pull import pull

        reporter = reporter_for(progress)
        return pull(self._open(), names_of(names), store=store, force=force, reporter=reporter)

    def verify(self, names: Sequence[str] = (), *, present: bool = False) -> list[Check]:
        """Check datasets, all unless named, against their manifests.

        With ``present`` only those whose files are here. Raises NotFoundError for an unknown name.
        """
        from pe_dvc.project.verify import verify

        return verify(self._open(), names_of(names), present=present)

    def check(self, *, staged: bool = False) -> list[Check]:
        """Check that manifests, the signed pointer and dvc.lock agree; reads no payload.

        With ``staged``, as the next commit will have them. Raises FormatError.
        """
        from pe_dvc.project.check import check

        return check(self._open(), staged=staged)

    def reproduce(
        self,
        name: str,
        *,
        output: Path | str | None = None,
        dirty: bool = False,
        progress: bool = False,
    ) -> Reproduced:
        """Build a dataset again from its recorded inputs, and compare it with its manifest.

        In a work tree of its own, of the commit that holds the manifest; raw inputs come from DVC's
        cache, and the stages run here. ``output`` keeps the file; with ``dirty`` a build of
        uncommitted changes is tried, too. Raises NotFoundError for no committed manifest, or raw
        inputs that are not in the cache; FormatError for what no stage builds; VerificationError
        for a build of uncommitted changes; PeDvcError for a stage that fails.
        """
        from pe_dvc.project.reproduce import reproduce

        place, reporter = Path(output) if output is not None else None, reporter_for(progress)
        return reproduce(self._open(), name, output=place, dirty=dirty, reporter=reporter)

    def fsck(
        self,
        *,
        store: str | None = None,
        repair: bool = False,
        mirror: str | None = None,
        progress: bool = False,
    ) -> Checked:
        """Check every object in the bucket; with ``repair``, restore what can be.

        Copies come from DVC's cache, then from ``mirror``, a declared one's name or an address.
        Raises StoreError, and ConflictError while garbage is collected.
        """
        from pe_dvc.project.fsck import fsck

        told = reporter_for(progress)
        return fsck(self._open(), store=store, repair=repair, mirror=mirror, reporter=told)

    def gc(
        self,
        *,
        store: str | None = None,
        apply: bool = False,
        tips: bool = False,
        unknown: bool = False,
        grace: timedelta | None = None,
    ) -> Collected:
        """Plan the removal of unreachable objects; with ``apply``, remove them.

        Those younger than ``grace`` (14 days) stay. With ``tips``, of branches and tags only the
        last commit's data is reachable. Payloads that nothing known ever named go only with
        ``unknown``. Raises ReleaseError without all of git's history, ConflictError, StoreError.
        """
        from pe_dvc.project.gc import gc
        from pe_dvc.usecases.retention.gc import GRACE

        limit = GRACE if grace is None else grace
        return gc(self._open(), store=store, apply=apply, tips=tips, unknown=unknown, grace=limit)

    def install(self) -> Hooks:
        """Add git hooks that check commits, verify checkouts and push data.

        Raises ConflictError where they cannot be added beside those that are there.
        """
        from pe_dvc.project.install import install_hooks

        return install_hooks(self._open())

    def uninstall(self) -> bool:
        """Remove these hooks; return whether they were there."""
        from pe_dvc.project.install import uninstall_hooks

        return uninstall_hooks(self._open())
