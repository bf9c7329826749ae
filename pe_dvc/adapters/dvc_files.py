"""DVC's own files, read as files: dvc.yaml, dvc.lock, ``*.dvc``, ``.dvc/config`` and the cache.

DVC itself is neither imported nor run: while a stage runs DVC holds its lock, and dvc.lock already
holds every stage that finished. This module and ``dvc_yaml`` are all that knows these formats.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc_yaml import has_template, read_yaml, stage_keys, template_pattern
from pe_dvc.documents.declaration import DeclaredArtifact
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, kw_only=True)
class Output:
    """A file or directory that DVC tracks. ``path`` is relative to the repo, as all paths here.

    ``md5`` is DVC's hash, with the suffix ``.dir`` for a directory; None where DVC keeps another
    hash or none. ``size`` (bytes) and ``nfiles`` are as DVC recorded them. ``legacy`` tells of
    an entry of DVC 2.x, which hashed text by other rules and kept it in another place.
    """

    path: str
    md5: str | None
    size: int | None = None
    nfiles: int | None = None
    cached: bool = True
    push: bool = True
    remote: str | None = None
    persist: bool = False
    legacy: bool = False
    stage: str | None = None
    dvcfile: str | None = None

    @property
    def is_directory(self) -> bool:
        """Whether DVC tracks it as a directory."""
        return self.md5 is not None and self.md5.endswith(".dir")


@dataclass(frozen=True, kw_only=True)
class LockedStage:
    """A stage that ran, as dvc.lock records it. ``params`` is ``{file: {key: value}}``."""

    address: str
    deps: tuple[str, ...]
    outs: tuple[Output, ...]
    params: dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class _DeclaredStage:
    address: str
    outs: tuple[tuple[re.Pattern[str], dict[str, Any]], ...]
    keys: set[str] | None
    generated: bool

    def has(self, key: str | None) -> bool:
        """Tell whether ``name@key`` is one of the stages that this definition stands for."""
        if not self.generated:
            return key is None
        return key is not None and (self.keys is None or key in self.keys)


@dataclass(frozen=True, kw_only=True)
class DvcFiles:
    """Everything that DVC's files in one repo say."""

    root: Path
    artifacts: tuple[DeclaredArtifact, ...]
    stages: tuple[LockedStage, ...]
    outputs: dict[str, Output]
    """Every tracked output by its path."""
    _declared: tuple[_DeclaredStage, ...] = field(repr=False)

    @classmethod
    def read(cls, root: Path, *, ignored: Callable[[str], bool] = lambda _: False) -> DvcFiles:
        """Read the DVC files of the repo at ``root``.

        ``ignored`` tells of a directory that git ignores, which DVC does not look into either.
        Raises FormatError naming the file for one that does not parse.
        """
        return _Reader(root, ignored).read()

    def unfinished_stage(self, path: str) -> str | None:
        """Return a stage of dvc.yaml that makes ``path`` but of which dvc.lock has no record."""
        matches = (s for s in self._declared for p, _ in s.outs if p.fullmatch(path))
        return next((stage.address for stage in matches), None)


class _Reader:
    def __init__(self, root: Path, ignored: Callable[[str], bool]) -> None:
        self._root, self._ignored = root, ignored
        self._artifacts: list[DeclaredArtifact] = []
        self._stages: list[LockedStage] = []
        self._declared: list[_DeclaredStage] = []
        self._outputs: dict[str, Output] = {}

    def read(self) -> DvcFiles:
        for folder, names in self._folders():
            if "dvc.yaml" in names:
                self._read_pipeline(folder)
            for name in sorted(names):
                if name.endswith(".dvc"):
                    self._read_dvcfile(folder, name)
        return DvcFiles(
            root=self._root,
            artifacts=tuple(self._artifacts),
            stages=tuple(self._stages),
            outputs=self._outputs,
            _declared=tuple(self._declared),
        )

    def _folders(self) -> Iterator[tuple[str, set[str]]]:
        for path, folders, files in os.walk(self._root):
            folder = Path(path).relative_to(self._root).as_posix()
            folder = "" if folder == "." else folder
            yield folder, {name for name in files if not self._skips(folder, name)}
            folders[:] = sorted(f for f in folders if not self._is_closed(folder, f))

    def _skips(self, folder: str, name: str) -> bool:
        dvc_file = name == "dvc.yaml" or name.endswith(".dvc")
        return not dvc_file or self._ignored(_join(folder, name))

    def _is_closed(self, parent: str, name: str) -> bool:
        path = _join(parent, name)
        return name in (".git", ".dvc") or path in self._outputs or self._ignored(f"{path}/")

    def _read_pipeline(self, folder: str) -> None:
        file = _join(folder, "dvc.yaml")
        document = read_yaml(self._root / file, file)
        self._read_artifacts(folder, file, document)
        definitions = {
            name: _declared_stage(folder, file, name, definition)
            for name, definition in _mapping(document, "stages", file).items()
        }
        self._declared += definitions.values()
        lock = _join(folder, "dvc.lock")
        if (self._root / lock).is_file():
            self._read_lock(folder, lock, document, definitions)

    def _read_artifacts(self, folder: str, file: str, document: dict[str, Any]) -> None:
        for name, artifact in _mapping(document, "artifacts", file).items():
            path = artifact.get("path") if isinstance(artifact, dict) else None
            where = f"{file}: artifacts.{name}"
            if not isinstance(path, str):
                raise FormatError("has no path", where=where, remedy=f"Add {where}.path.")
            meta = artifact.get("meta")
            is_dataset = isinstance(meta, dict) and "pe" in meta
            if is_dataset and has_template(f"{name} {path}"):
                raise FormatError(
                    f"{path!r} holds a template",
                    where=f"{where}.path",
                    remedy="Write the name and the path of a dataset out, without ${}.",
                )
            self._artifacts.append(
                DeclaredArtifact(name=str(name), path=_join(folder, path), meta=meta, file=file)
            )

    def _read_lock(
        self, folder: str, lock: str, document: Any, declared: Mapping[str, _DeclaredStage]
    ) -> None:
        stages = _mapping(read_yaml(self._root / lock, lock), "stages", lock)
        for name, entry in stages.items():
            group, _, key = str(name).rpartition("@")
            stage = declared.get(name) or declared.get(group)
            # dvc.lock may still hold stages that dvc.yaml no longer has: DVC ignores them too.
            if stage is None or not stage.has(None if name in declared else key):
                continue
            wdir = _working_directory(
                folder, document["stages"][name if name in declared else group]
            )
            address = _address(folder, str(name))
            try:
                self._add_stage(_locked_stage(address, wdir, entry, stage))
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise FormatError(
                    f"the stage {name} is not as DVC writes it ({error!r})",
                    where=lock,
                    remedy=f"Restore {lock} from git, or run `dvc repro`.",
                ) from None

    def _add_stage(self, stage: LockedStage) -> None:
        self._stages.append(stage)
        self._outputs.update((output.path, output) for output in stage.outs)

    def _read_dvcfile(self, folder: str, name: str) -> None:
        file = _join(folder, name)
        document = read_yaml(self._root / file, file)
        wdir = _join(folder, document.get("wdir") or ".")
        imported = any("repo" in dep for dep in document.get("deps") or [])
        for entry in document.get("outs") or []:
            if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
                raise FormatError(
                    "an entry of outs has no path", where=file, remedy=f"Restore {file} from git."
                )
            output = _output(wdir, entry, entry, dvcfile=file, imported=imported)
            self._outputs[output.path] = output


def _declared_stage(folder: str, file: str, name: str, definition: Any) -> _DeclaredStage:
    if not isinstance(definition, dict):
        raise FormatError(
            "is not a mapping", where=f"{file}: stages.{name}", remedy=f"Correct {file}."
        )
    generated = "foreach" in definition or "matrix" in definition
    body = definition.get("do", definition) if generated else definition
    wdir = _working_directory(folder, definition)
    if has_template(wdir):
        raise FormatError(
            f"{body['wdir']!r} holds a template, which pe_dvc does not follow",
            where=f"{file}: stages.{name}.wdir",
            remedy="Write wdir out, and put the template into the paths of outs and deps.",
        )
    outs = [
        (template_pattern(_join(wdir, path)), flags)
        for section in ("outs", "metrics", "plots")
        for path, flags in _declared_outs(body.get(section) or [])
    ]
    return _DeclaredStage(
        address=_address(folder, name),
        outs=tuple(outs),
        keys=stage_keys(definition) if generated else None,
        generated=generated,
    )


def _declared_outs(entries: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        if isinstance(entry, dict):
            for path, flags in entry.items():
                yield path, flags if isinstance(flags, dict) else {}
        else:
            yield entry, {}


def _locked_stage(address: str, wdir: str, entry: Any, stage: _DeclaredStage) -> LockedStage:
    outs = []
    for out in entry.get("outs") or []:
        path = _join(wdir, out["path"])
        flags = next((flags for pattern, flags in stage.outs if pattern.fullmatch(path)), None)
        if flags is not None:
            outs.append(_output(wdir, out, flags, stage=address))
    params = {
        _join(wdir, file): dict(values) for file, values in (entry.get("params") or {}).items()
    }
    deps = tuple(_join(wdir, dep["path"]) for dep in entry.get("deps") or [])
    return LockedStage(address=address, deps=deps, outs=tuple(outs), params=params)


def _output(
    wdir: str,
    entry: Mapping[str, Any],
    flags: Mapping[str, Any],
    *,
    stage: str | None = None,
    dvcfile: str | None = None,
    imported: bool = False,
) -> Output:
    md5 = entry.get("md5")
    return Output(
        path=_join(wdir, entry["path"]),
        md5=str(md5) if md5 else None,
        size=entry.get("size"),
        nfiles=entry.get("nfiles"),
        cached=flags.get("cache", True),
        push=flags.get("push", True) and not imported,
        remote=flags.get("remote"),
        persist=flags.get("persist", False),
        legacy=bool(md5) and entry.get("hash") is None,
        stage=stage,
        dvcfile=dvcfile,
    )


def _working_directory(folder: str, definition: Mapping[str, Any]) -> str:
    body = definition.get("do", definition)
    return _join(folder, body.get("wdir") or ".")


def _address(folder: str, name: str) -> str:
    return f"{folder}/dvc.yaml:{name}" if folder else name


def _join(folder: str, path: str) -> str:
    """Return ``path``, relative to ``folder``, relative to the repo; URLs stay as they are."""
    if "://" in path:
        return path
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def _mapping(document: dict[str, Any], key: str, file: str) -> dict[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise FormatError(
            "is not a mapping", where=f"{file}: {key}", remedy=f"Correct {key} in {file}."
        )
    return value
