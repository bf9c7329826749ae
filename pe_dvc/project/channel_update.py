"""``pe-dvc channel update latest`` on this machine: from the repo's manifests to its pointers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.documents.manifest import Manifest
from pe_dvc.project.channel import write_pointers
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.project.repo_files import read_manifests
from pe_dvc.project.settings import GATED
from pe_dvc.usecases.channel.build_pointers import next_pointers
from pe_dvc.usecases.channel.pointers import signed_pointers
from pe_dvc.usecases.channel.update import latest_pointers

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.update import ChannelUpdate


def update_latest(repo: DataRepo) -> ChannelUpdate:
    """Point ``latest`` at the artifacts of the repo's manifests, and sign it if the key is here.

    Raises as ``usecases.channel.update.update_channel`` and ``read_manifests``, NotFoundError
    where no manifest is left, and GateError where the settings say that ``latest`` is gated.
    """
    manifests = read_manifests(repo.tree, repo.settings, Manifest)
    where = str(repo.root / repo.settings.manifests)
    committed = GitChannels(repo).newest("latest")
    signed = signed_pointers(repo.signed_metadata(), "latest", committed)
    built = latest_pointers(repo.country, manifests, where=where, empties=bool(signed))
    following = next_pointers(built, signed)
    pointers, compared = following.pointers, None
    if repo.settings.channel.latest == GATED:
        from pe_dvc.project.channel_gated import gate

        pointers, compared = gate(repo, pointers, stay=following.stay, committed=committed)
    done = write_pointers(repo, "latest", pointers, committed)
    return replace(done, stay=following.stay, compared=compared)
