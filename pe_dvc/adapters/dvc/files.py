"""DVC's own files, read as files: dvc.yaml, dvc.lock, ``*.dvc``, ``.dvc/config`` and the cache.

DVC itself is neither imported nor run: while a stage runs DVC holds its lock, and dvc.lock already
holds every stage that finished. This package is all that knows these formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.dvcfile_edit import location_in
from pe_dvc.adapters.dvc.stages import (
    DeclaredStage,
    LockedStage,
    declared_stage,
    imported_from,
    join_path,
    locked_stage,
    output_of_entry,
    stage_address,
    working_directory,
)
from pe_dvc.adapters.dvc.templates import has_template
from pe_dvc.adapters.dvc.yaml import read_yaml
from pe_dvc.documents.dvc_artifact import DeclaredArtifact
from pe_dvc.documents.dvc_files import LOCK, PIPELINE, tracking_files
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pe_dvc.documents.dvc_output import Output
    from pe_dvc.documents.repo_tree import RepoTree

__all__ = ["DvcFiles", "LockedStage"]

_DVCFILE = re.compile(
    rb"outs:\n"
    # A hash of digits alone, or with one e or a 0b before them, is a number to YAML.
    rb"- md5: (?=[0-9a-f]*[acdf])([0-9a-f]{32}(?:\.dir)?)\n"
    rb"  size: (0|[1-9][0-9]{0,15})\n"
    rb"(?:  nfiles: (0|[1-9][0-9]{0,15})\n)?"
    rb"  hash: md5\n"
    # With a dot or a slash in it, so that it is no word of YAML's.
    rb"  path: ([A-Za-z][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)+)\n"
)
"""What ``dvc add`` writes of one file or directory. Less than YAML, and nothing that YAML would
read in another way."""


@dataclass(frozen=True, kw_only=True)
class DvcFiles:
    """Everything that DVC's files in one repo say."""

    artifacts: tuple[DeclaredArtifact, ...]
    stages: tuple[LockedStage, ...]
    outputs: dict[str, Output]
    """Every tracked output by its path."""
    _declared: tuple[DeclaredStage, ...] = field(repr=False)

    @classmethod
    def read(
        cls, tree: RepoTree, *, ignored: Callable[[list[str]], Collection[str]] = lambda _: ()
    ) -> DvcFiles:
        """Read the DVC files of a data repo.

        ``ignored`` returns which of some paths git ignores: DVC does not look into such a
        directory, which has a slash at its end, either.
        Raises FormatError naming the file for one that does not parse.
        """
        return _Reader(tree, ignored).read()

    def unfinished_stage(self, path: str) -> str | None:
        """Return a stage of dvc.yaml that makes ``path`` but of which dvc.lock has no record."""
        matches = (s for s in self._declared for t, _ in s.outs if t.fits(path))
        return next((stage.address for stage in matches), None)

    def stages_calling(self, command: str) -> list[DeclaredStage]:
        """Return the stages of dvc.yaml whose command has ``command``, one of pe-dvc's."""
        return [stage for stage in self._declared if command in stage.cmd]


class _Reader:
    def __init__(self, tree: RepoTree, ignored: Callable[[list[str]], Collection[str]]) -> None:
        self._tree, self._ignored = tree, ignored
        self._artifacts: list[DeclaredArtifact] = []
        self._stages: list[LockedStage] = []
        self._declared: list[DeclaredStage] = []
        self._outputs: dict[str, Output] = {}

    def read(self) -> DvcFiles:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            files, folders = self._tree.entries(folder)
            self._read_folder(folder, files)
            # Only now: what was just read may track one of the folders as a whole.
            waiting += reversed(self._entered(folder, folders))
        return DvcFiles(
            artifacts=tuple(map(self._with_note, self._artifacts)),
            stages=tuple(self._stages),
            outputs=self._outputs,
            _declared=tuple(self._declared),
        )

    def _with_note(self, artifact: DeclaredArtifact) -> DeclaredArtifact:
        output = self._outputs.get(artifact.path)
        noted = output.provenance if output is not None else None
        return artifact if noted is None else replace(artifact, noted=noted)

    def _read_folder(self, folder: str, files: list[str]) -> None:
        places = {name: join_path(folder, name) for name in tracking_files(files)}
        ignored = self._ignored([*places.values()])
        own = [name for name, place in places.items() if place not in ignored]
        if PIPELINE in own:
            self._read_pipeline(folder, has_lock=LOCK in files)
        for name in own:
            if name != PIPELINE:
                self._read_dvcfile(folder, name)

    def _entered(self, parent: str, names: list[str]) -> list[str]:
        """Return where DVC files may lie: not in what DVC tracks, or git ignores."""
        paths = [join_path(parent, name) for name in names if name not in (".git", ".dvc")]
        opened = [path for path in paths if path not in self._outputs]
        ignored = self._ignored([f"{path}/" for path in opened])
        return [path for path in opened if f"{path}/" not in ignored]

    def _read_pipeline(self, folder: str, *, has_lock: bool) -> None:
        file = join_path(folder, PIPELINE)
        document = self._parse(file)
        self._read_artifacts(folder, file, document)
        definitions = {
            name: declared_stage(folder, file, name, definition)
            for name, definition in _mapping(document, "stages", file).items()
        }
        self._declared += definitions.values()
        if has_lock:
            self._read_lock(folder, join_path(folder, LOCK), document, definitions)

    def _parse(self, file: str) -> dict[str, Any]:
        return read_yaml(self._tree.read(file), file)

    def _read_artifacts(self, folder: str, file: str, document: dict[str, Any]) -> None:
        for name, artifact in _mapping(document, "artifacts", file).items():
            path = artifact.get("path") if isinstance(artifact, dict) else None
            where = f"{file}: artifacts.{name}"
            if not isinstance(path, str):
                raise FormatError("has no path", where=where, remedy=f"Add {where}.path.")
            others = {k: v for k, v in artifact.items() if k not in ("path", "meta")}
            declared = DeclaredArtifact(
                name=str(name),
                path=join_path(folder, path),
                meta=artifact.get("meta"),
                file=file,
                others=others,
            )
            if declared.declares and has_template(f"{name} {path}"):
                raise FormatError(
                    f"{path!r} holds a template",
                    where=f"{where}.path",
                    remedy="Write the name and the path of a dataset out, without ${}.",
                )
            self._artifacts.append(declared)

    def _read_lock(
        self, folder: str, lock: str, document: Any, declared: Mapping[str, DeclaredStage]
    ) -> None:
        stages = _mapping(self._parse(lock), "stages", lock)
        for name, entry in stages.items():
            group, _, key = str(name).rpartition("@")
            stage = declared.get(name) or declared.get(group)
            # dvc.lock may still hold stages that dvc.yaml no longer has: DVC ignores them too.
            if stage is None or not stage.has(None if name in declared else key):
                continue
            wdir = working_directory(
                folder, document["stages"][name if name in declared else group]
            )
            address = stage_address(folder, str(name))
            try:
                self._add_stage(locked_stage(address, wdir, entry, stage))
            except PeDvcError:
                raise
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise FormatError(
                    f"the stage {name} is not as DVC writes it ({brief(repr(error))})",
                    where=lock,
                    remedy=f"Restore {lock} from git, or run `dvc repro`.",
                ) from None

    def _add_stage(self, stage: LockedStage) -> None:
        self._stages.append(stage)
        self._outputs.update((output.path, output) for output in stage.outs)

    def _read_dvcfile(self, folder: str, name: str) -> None:
        file = join_path(folder, name)
        data = self._tree.read(file)
        document = read_plain_dvcfile(data) or read_yaml(data, file)
        try:
            for output in _tracked_outputs(folder, file, document):
                self._outputs[output.path] = output
        except PeDvcError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise FormatError(
                f"is not as DVC writes it ({brief(repr(error))})",
                where=file,
                remedy=f"Restore {file} from git.",
            ) from None


def read_plain_dvcfile(data: bytes) -> dict[str, Any] | None:
    """Return what YAML says that a ``.dvc`` file holds, None where YAML is to be asked.

    Of ten thousand files YAML takes a tenth of what a push does.
    """
    found = _DVCFILE.fullmatch(data)
    if found is None:
        return None
    md5, size, count, path = found.groups()
    entry = {"md5": md5.decode(), "size": int(size), "hash": "md5", "path": path.decode()}
    if count is not None:
        entry["nfiles"] = int(count)
    return {"outs": [entry]}


def _tracked_outputs(folder: str, file: str, document: dict[str, Any]) -> Iterator[Output]:
    wdir = join_path(folder, document.get("wdir") or ".")
    deps = document.get("deps") or []
    source = imported_from(deps[0]) if deps else None
    imported = any("repo" in dep for dep in deps)
    location = location_in(document, where=file)
    for entry in document.get("outs") or []:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise FormatError(
                "an entry of outs has no path", where=file, remedy=f"Restore {file} from git."
            )
        output = output_of_entry(wdir, entry, entry, dvcfile=file, imported=imported, source=source)
        yield replace(output, location=location)


def _mapping(document: dict[str, Any], key: str, file: str) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise FormatError(
            "is not a mapping", where=f"{file}: {key}", remedy=f"Correct {key} in {file}."
        )
    return value
