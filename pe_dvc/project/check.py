"""``pe-dvc check``: reads manifests, pointer and dvc.lock, of the work tree or as staged."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.merge_conflict import conflict_error
from pe_dvc.primitives.redact import secret_params
from pe_dvc.project.git_preconditions import conflicting_files
from pe_dvc.project.manifest_stage import missing_deps
from pe_dvc.project.private_keys import exposed_private_keys, staged_private_keys
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.repo_files import expanded, manifest_path, read_manifests
from pe_dvc.project.root import FILE
from pe_dvc.project.settings import parse_settings
from pe_dvc.project.verify import gather
from pe_dvc.usecases.checkout import check as use_case

if TYPE_CHECKING:
    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.project.settings import Settings
    from pe_dvc.trust.files import ChannelFiles
    from pe_dvc.usecases.checkout.verify import Check


def check(repo: DataRepo, *, staged: bool = False) -> list[Check]:
    """Return the verdict on each declared dataset, and on what should not be in the repo.

    That are manifests that nothing declares, files that hold a private key and, of parameters,
    what looks like a secret. With ``staged``, of what the next commit will hold, not of the files
    in the work tree; ``latest`` may be a draft there. Raises FormatError for a file that cannot
    be read for what it is.
    """
    if staged:
        repo = _StagedRepo(repo)
        private_keys = staged_private_keys(repo.tree)
        return _unreadable(repo) or _check(repo, private_keys, drafts=True)
    faults = use_case.check_merged(conflicting_files(repo)) or _unreadable(repo)
    return faults or _check(repo, exposed_private_keys(repo))


def _unreadable(repo: DataRepo) -> list[Check]:
    """Return a verdict on each file of the channels that cannot be read."""
    from pe_dvc.trust.roles import TARGETS_LIKE
    from pe_dvc.trust.tuf_api import Root, Targets
    from pe_dvc.trust.verify import parse

    folder, faults = f"{repo.settings.channels}/{repo.country}", []
    roles = {f"{folder}/{role}.json" for role in TARGETS_LIKE}
    for path in repo.tree.files(folder):
        data, where = repo.tree.read_signed(path), repo.tree.where(path)
        try:
            if path == f"{folder}/root.json":
                parse(Root, data, where=where)
            elif path in roles:
                parse(Targets, data, where=where)
            elif refusal := conflict_error(data, where=where):
                raise refusal
        except FormatError as error:
            faults.append((path, error))
    return use_case.check_readable(faults)


def _check(repo: DataRepo, private_keys: list[str], *, drafts: bool = False) -> list[Check]:
    _ = repo.settings.release_settings  # wrong ones would show on the day of the release only
    evidence = gather(repo, drafts=drafts)
    manifests = read_manifests(repo.tree, repo.settings, Manifest)
    checks = use_case.check(evidence, manifests, directory=repo.settings.manifests)
    secrets = {
        manifest_path(repo.settings, name): list(
            secret_params(manifest.inputs.params, repo.settings.allowed_params)
        )
        for name, (manifest, _) in manifests.items()
    }
    lacking = [
        (one.where, one.dep, one.name)
        for one in missing_deps(repo.dvc, [e.declaration for e in evidence]).values()
    ]
    return [
        *checks,
        *use_case.check_deps(lacking),
        *use_case.check_secrets(secrets),
        *use_case.check_private_keys(private_keys),
    ]


class _StagedRepo(DataRepo):
    """A data repo as the next commit will hold it, with DVC's configuration of here."""

    def __init__(self, repo: DataRepo) -> None:
        from pe_dvc.adapters.git.repo import GitRepo

        super().__init__(repo.root)
        self.tree, self.dvc_config = GitRepo(repo.root).staged(), repo.dvc_config

    @cached_property
    def settings(self) -> Settings:
        """The table ``[tool.pe_dvc]`` as it is staged."""
        return parse_settings(self.tree.read(FILE), where=self.tree.where(FILE))

    @cached_property
    def dvc(self) -> DvcFiles:
        """What DVC's staged files say; git does not ignore what it has staged."""
        from pe_dvc.adapters.dvc.files import DvcFiles

        dvc = DvcFiles.read(self.tree)
        return expanded(dvc, self.tree, self.settings) if dvc.artifacts else dvc

    @property
    def channel_files(self) -> ChannelFiles:
        """The files of the country's signed metadata as they are staged."""
        from pe_dvc.trust.files import TreeChannelFiles

        return TreeChannelFiles(self.tree, self.settings.channels, self.country)
