"""Stages and outputs: what dvc.yaml says of them and what dvc.lock recorded, brought together.

Flags such as ``cache: false`` stand in dvc.yaml only, where a path may be a template; hashes stand
in dvc.lock only, under the path that the template became.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from pe_dvc.adapters.dvc.templates import Template, has_template, stage_keys
from pe_dvc.documents.dvc_output import ImportedFrom, Output
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping


OUR_COMMAND = "pe-dvc"


@dataclass(frozen=True, kw_only=True)
class LockedStage:
    """A stage that ran, as dvc.lock records it. ``params`` is ``{file: {key: value}}``."""

    address: str
    deps: tuple[str, ...]
    outs: tuple[Output, ...]
    params: dict[str, dict[str, Any]]
    md5s: dict[str, str] = field(default_factory=dict)
    """The md5 of each dep that is a file, as the stage read it."""


class DeclaredStage(NamedTuple):
    """A stage of dvc.yaml: the templates of its outputs' paths, each with its flags.

    ``generated`` is one that stands for many, by ``foreach`` or ``matrix``; ``keys`` are theirs,
    None where they are not known. ``cmd`` and ``deps`` are those of a stage that calls pe-dvc,
    and empty of any other.
    """

    address: str
    outs: tuple[tuple[Template, dict[str, Any]], ...]
    keys: Container[str] | None
    generated: bool
    cmd: str = ""
    deps: tuple[Template, ...] = ()

    def depends_on(self, path: str) -> bool:
        """Tell whether a dep of the stage is ``path``, or a folder that it lies in."""
        places = (path, *(place.as_posix() for place in PurePosixPath(path).parents))
        return any(dep.fits(place) for dep in self.deps for place in places)

    def has(self, key: str | None) -> bool:
        """Tell whether ``name@key`` is one of the stages that this definition stands for."""
        if not self.generated:
            return key is None
        return key is not None and (self.keys is None or key in self.keys)


def declared_stage(folder: str, file: str, name: str, definition: Any) -> DeclaredStage:
    """Read the definition of the stage ``name`` in ``file``, a dvc.yaml in ``folder``.

    Raises FormatError, naming the key, for one that DVC would not take either, and for a
    ``wdir`` that is a template.
    """
    where = f"{file}: stages.{name}"
    try:
        wdir = working_directory(folder, definition)
        if has_template(wdir):
            raise FormatError(
                f"{wdir!r} holds a template, which pe_dvc does not follow",
                where=f"{where}.wdir",
                remedy="Write wdir out, and put the template into the paths of outs and deps.",
            )
        return _read_definition(stage_address(folder, name), wdir, definition)
    except (TypeError, AttributeError, KeyError) as error:
        raise FormatError(
            f"is not a DVC stage ({error})", where=where, remedy=f"Correct {file}."
        ) from None


def _read_definition(address: str, wdir: str, definition: Mapping[str, Any]) -> DeclaredStage:
    generated = "foreach" in definition or "matrix" in definition
    body = definition.get("do", definition)
    outs = [
        (Template.of(join_path(wdir, path)), flags)
        for section in ("outs", "metrics", "plots")
        for path, flags in _declared_outs(body.get(section) or [])
    ]
    keys = stage_keys(definition) if generated else None
    cmd = _command(body)
    deps = [join_path(wdir, dep) for dep in body.get("deps") or [] if cmd and isinstance(dep, str)]
    return DeclaredStage(
        address=address,
        outs=tuple(outs),
        keys=keys,
        generated=generated,
        cmd=cmd,
        deps=tuple(map(Template.of, deps)),
    )


def _command(body: Mapping[str, Any]) -> str:
    """Return the command of a stage that calls pe-dvc; of thousands of others it is not kept."""
    lines = body.get("cmd")
    text = "\n".join(map(str, lines)) if isinstance(lines, list) else str(lines)
    return text if OUR_COMMAND in text else ""


def _declared_outs(entries: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        if isinstance(entry, dict):
            for path, flags in entry.items():
                yield path, flags if isinstance(flags, dict) else {}
        else:
            yield entry, {}


def locked_stage(address: str, wdir: str, entry: Any, stage: DeclaredStage) -> LockedStage:
    """Read the ``entry`` of a stage in dvc.lock, whose paths are relative to ``wdir``.

    What its definition no longer makes is left out. Raises KeyError, TypeError or AttributeError
    for an entry that is not as DVC writes it.
    """
    outs = []
    for out in entry.get("outs") or []:
        path = join_path(wdir, out["path"])
        flags = next((flags for template, flags in stage.outs if template.fits(path)), None)
        if flags is not None:
            outs.append(output_of_entry(wdir, out, flags, stage=address))
    params = {
        join_path(wdir, file): dict(values) for file, values in (entry.get("params") or {}).items()
    }
    deps = {join_path(wdir, dep["path"]): dep for dep in entry.get("deps") or []}
    # Of DVC 2, which hashed text by other rules, `hash` is missing.
    hashed = {path: dep.get("md5") for path, dep in deps.items() if dep.get("hash") == "md5"}
    md5s = {path: md5 for path, md5 in hashed.items() if isinstance(md5, str)}
    return LockedStage(
        address=address, deps=tuple(deps), outs=tuple(outs), params=params, md5s=md5s
    )


def output_of_entry(
    wdir: str,
    entry: Mapping[str, Any],
    flags: Mapping[str, Any],
    *,
    stage: str | None = None,
    dvcfile: str | None = None,
    imported: bool = False,
    source: ImportedFrom | None = None,
) -> Output:
    """Read one output: hash and size from its ``entry``, flags from its definition.

    Raises KeyError, TypeError or AttributeError for an entry that is not as DVC writes it.
    """
    md5, remote = entry.get("md5"), flags.get("remote")
    if not isinstance(remote, str | None) or not isinstance(md5, str | int | None):
        raise TypeError("its remote or its md5 is no text")
    return Output(
        path=join_path(wdir, entry["path"]),
        md5=str(md5) if md5 else None,
        size=_count(entry, "size"),
        nfiles=_count(entry, "nfiles"),
        cached=flags.get("cache", True),
        push=flags.get("push", True) and not imported,
        remote=remote,
        persist=flags.get("persist", False),
        legacy=bool(md5) and entry.get("hash") is None,
        executable=bool(entry.get("isexec")),
        stage=stage,
        dvcfile=dvcfile,
        source=source,
    )


def imported_from(dep: Mapping[str, Any]) -> ImportedFrom:
    """Read where the output of a ``.dvc`` file was imported from: the only ``dep`` of the file.

    Raises TypeError or AttributeError for an entry that is not as DVC writes it.
    """
    repo, path = dep.get("repo") or {}, dep.get("path")
    etag = next((dep[key] for key in ("etag", "checksum", "md5") if dep.get(key)), None)
    url, revision = repo.get("url") or path, repo.get("rev_lock") or repo.get("rev")
    if not isinstance(path, str) or not isinstance(url, str):
        raise TypeError("its source is no text")
    return ImportedFrom(
        url=url,
        path=path if repo else None,
        revision=str(revision) if revision else None,
        etag=str(etag) if etag else None,
    )


def _count(entry: Mapping[str, Any], key: str) -> int | None:
    value: int | None = entry.get(key)
    if value is not None and (type(value) is not int or value < 0):
        raise TypeError(f"its {key} is {brief(repr(value))}")
    return value


def working_directory(folder: str, definition: Mapping[str, Any]) -> str:
    """Return the directory that a stage's paths are relative to."""
    body = definition.get("do", definition)
    return join_path(folder, body.get("wdir") or ".")


def stage_address(folder: str, name: str) -> str:
    """Return what the command line of DVC calls a stage."""
    return f"{folder}/dvc.yaml:{name}" if folder else name


def join_path(folder: str, path: str) -> str:
    """Return ``path``, relative to ``folder``, relative to the repo; URLs stay as they are."""
    if "://" in path:
        return path
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined
