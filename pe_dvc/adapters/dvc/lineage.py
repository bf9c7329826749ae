"""Lineage in a DVC repo: what an output was made from, through every stage of dvc.lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pe_dvc.adapters.dvc.files import DvcFiles, LockedStage
    from pe_dvc.documents.dvc_output import Output


@dataclass(frozen=True, kw_only=True)
class Closure:
    """All that an output was made from, directly or not. Paths are sorted.

    ``raw`` are the outputs that came into the repo from outside: added with ``dvc add``, or made
    by a stage that reads nothing DVC tracks, such as a download. ``leaves`` are the files that
    stages read and DVC does not track: code, mostly. ``params`` is ``{file: {key: value}}``.
    ``own`` is the output itself, whose ``stage`` is None where no stage here made it. ``remote``
    are the addresses that stages read, ``md5s`` the leaves' as they were then.
    """

    own: Output | None
    stages: tuple[str, ...]
    raw: tuple[Output, ...]
    leaves: tuple[str, ...]
    params: dict[str, dict[str, Any]]
    remote: tuple[str, ...] = ()
    md5s: dict[str, str] = field(default_factory=dict)


@dataclass
class Lineage:
    """Answers questions about the stages of one repo; builds its index once."""

    files: DvcFiles
    _stages: dict[str, LockedStage] = field(init=False)
    _folders: dict[str, list[Output]] = field(init=False)

    def __post_init__(self) -> None:
        self._stages = {stage.address: stage for stage in self.files.stages}
        self._folders = {}
        for output in self.files.outputs.values():
            for folder in _ancestors(output.path):
                self._folders.setdefault(folder, []).append(output)

    def output_of(self, path: str) -> Output | None:
        """Return the tracked output that is ``path``, or the tracked directory it lies in."""
        candidates = (self.files.outputs.get(p) for p in (path, *_ancestors(path)))
        return next((output for output in candidates if output is not None), None)

    def closure(self, path: str) -> Closure:
        """Return what the tracked file ``path`` was made from."""
        seen: dict[str, LockedStage] = {}
        raw: dict[str, Output] = {}
        leaves: set[str] = set()
        remote: set[str] = set()
        waiting = self._tracked(path)
        while waiting:
            output = waiting.pop()
            stage = self._stages.get(output.stage or "")
            if stage is None or not any(self._tracked(dep) for dep in stage.deps):
                raw[output.path] = output
            if stage is None or stage.address in seen:
                continue
            seen[stage.address] = stage
            for dep in stage.deps:
                tracked = self._tracked(dep)
                waiting += tracked
                if not tracked:
                    (remote if "://" in dep else leaves).add(dep)
        # A dataset that came from outside, or from a stage without data, is not its own input.
        own = self.output_of(path)
        if own is not None:
            raw.pop(own.path, None)
        return Closure(
            own=own,
            stages=tuple(sorted(seen)),
            raw=tuple(raw[name] for name in sorted(raw)),
            leaves=tuple(sorted(leaves)),
            params=_merge(seen[name] for name in sorted(seen)),
            remote=tuple(sorted(remote)),
            md5s={path: md5 for stage in seen.values() for path, md5 in stage.md5s.items()},
        )

    def _tracked(self, path: str) -> list[Output]:
        """Return the outputs that reading ``path`` reads: it, what holds it, or what it holds."""
        output = self.output_of(path)
        return [output] if output is not None else list(self._folders.get(path, ()))


def _ancestors(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _merge(stages: Iterator[LockedStage]) -> dict[str, dict[str, Any]]:
    params: dict[str, dict[str, Any]] = {}
    for stage in stages:
        for file, values in stage.params.items():
            params.setdefault(file, {}).update(values)
    return {file: dict(sorted(params[file].items())) for file in sorted(params)}
