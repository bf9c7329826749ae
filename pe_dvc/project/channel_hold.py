"""Holding datasets of ``latest`` on this machine: ``pe-dvc channel hold`` and ``release-hold``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.adapters.git.command import committer
from pe_dvc.project.channel import write_pointers
from pe_dvc.project.git_channels import GitChannels
from pe_dvc.usecases.channel.hold import held, released
from pe_dvc.usecases.channel.pointers import read_pointers

if TYPE_CHECKING:
    from pe_dvc.documents.pointer import Pointer
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.usecases.channel.update import ChannelUpdate


def hold(repo: DataRepo, name: str, *, reason: str) -> ChannelUpdate:
    """Hold a dataset of ``latest`` where it is, and sign that if the key is here.

    Raises NotFoundError for a dataset that ``latest`` lacks, FormatError without a reason, and
    SignatureError for a ``latest`` that waits for signatures.
    """
    latest = read_pointers(repo.signed_metadata(), "latest")
    return _write(repo, held(latest, name, reason=reason, by=committer(repo.root)))


def release_hold(repo: DataRepo, name: str) -> ChannelUpdate:
    """Let builds move a dataset of ``latest`` again. Raises as ``hold``."""
    return _write(repo, released(read_pointers(repo.signed_metadata(), "latest"), name))


def _write(repo: DataRepo, pointers: list[Pointer]) -> ChannelUpdate:
    return write_pointers(repo, "latest", pointers, GitChannels(repo).newest("latest"))
