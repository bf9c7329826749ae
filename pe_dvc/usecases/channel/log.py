"""The log of a channel: what each version changed, which commit held it, and where it breaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.primitives.errors import FormatError, PeDvcError, VerificationError
from pe_dvc.primitives.result import json_time
from pe_dvc.trust.tuf_api import Targets
from pe_dvc.trust.verify import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.usecases.channel.logged import Logged
    from pe_dvc.usecases.channel.version import Version


class Commit(Protocol):
    """A git commit."""

    @property
    def commit(self) -> str:
        """Its hash."""

    @property
    def author(self) -> str:
        """Who wrote it."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What changed from one version to the next, by dataset name."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    replaced: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One version of a channel's log; ``commit`` is the one that first held it, where known.

    ``note`` says why it does not count, or what git holds instead.
    """

    version: Version
    step: Step
    commit: Commit | None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        version, commit = self.version, self.commit
        return {
            "version": version.version,
            "signed_at": json_time(version.signed_at),
            "signers": list(version.signers),
            "commit": commit.commit if commit else None,
            "author": commit.author if commit else None,
            "added": list(self.step.added),
            "removed": list(self.step.removed),
            "replaced": list(self.step.replaced),
            "names": dict(version.names),
            "note": self.note,
            "sha256": {name: pointer.sha256 for name, pointer in version.pointers.items()},
        }


@dataclass(frozen=True, kw_only=True)
class ChannelLog:
    """The versions of a channel, oldest first, up to the first break of their chain, if any.

    ``remark`` says what keeps readers from seeing the newest, if anything does. ``skipped`` are
    versions that were never published, and of which neither the bucket nor git here has a file.
    ``withdrawn`` is why artifacts were withdrawn since, by sha256. ``logged`` says which versions
    the log of what was published has, None where there is no log.
    """

    entries: tuple[LogEntry, ...]
    broken: PeDvcError | None
    remark: str | None = None
    skipped: tuple[int, ...] = ()
    withdrawn: Mapping[Sha256, str] = field(default_factory=dict)
    logged: Logged | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        broken = self.broken.message if self.broken else None
        positions = self.logged.entries if self.logged else {}
        versions = [
            entry.to_json() | {"log_entry": positions.get(entry.version.version)}
            for entry in self.entries
        ]
        named = {one.sha256 for entry in self.entries for one in entry.version.pointers.values()}
        return {
            "withdrawn": {one: why for one, why in self.withdrawn.items() if one in named},
            "versions": versions,
            "broken": broken,
            "remark": self.remark,
            "skipped": list(self.skipped),
            "log": self.logged.to_json() if self.logged else None,
        }


def channel_log(
    found: Iterable[Version],
    commits: Mapping[int, tuple[Commit, bytes]],
    *,
    remark: str | None = None,
    step_of: Callable[[Version | None, Version], Step] | None = None,
) -> ChannelLog:
    """Return the log of a channel; ``commits`` has what git holds of each version.

    ``step_of`` tells what changed from one version to the next; pointers did, unless given.

    The chain breaks at a version that is missing or not validly signed. Of which git holds another
    than the bucket, the entry says so: the bucket's is what readers saw. ``remark`` is passed on.
    """
    versions, broken = first_break(found)
    entries: list[LogEntry] = []
    before = None
    for version in versions:
        commit, data = commits.get(version.version, (None, None))
        note = version.note
        if commit is not None and data is not None and not _is_same(data, version.data):
            other = f"git holds another version {version.version}, in commit {commit.commit[:12]}"
            note, commit = f"{note}; {other}" if note else other, None
        entries.append(
            LogEntry(
                version=version,
                step=(step_of or step)(before, version),
                commit=commit,
                note=note,
            )
        )
        before = before if version.note else version
    return ChannelLog(entries=tuple(entries), broken=broken, remark=remark)


def step(before: Version | None, after: Version) -> Step:
    """Return what changed from ``before``, None for the beginning, to ``after``."""
    old, new = before.pointers if before else {}, after.pointers
    return Step(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        replaced=tuple(sorted(n for n in old.keys() & new.keys() if old[n] != new[n])),
    )


def first_break(versions: Iterable[Version]) -> tuple[list[Version], PeDvcError | None]:
    """Return the versions up to the first break, and the break, None if there is none."""
    found: list[Version] = []
    try:
        for version in versions:
            found.append(version)
    except (VerificationError, FormatError) as error:
        return found, error
    return found, None


def _is_same(one: bytes, other: bytes) -> bool:
    if one == other:
        return True
    try:
        signed = [parse(Targets, data, where="").signed for data in (one, other)]
    except FormatError:
        return False
    return bool(signed[0] == signed[1])
