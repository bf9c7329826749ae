"""The mirrors that a data repo declares: added to its pyproject.toml, and taken out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.documents.mirrors import (
    MirrorTable,
    check_mirror_name,
    mirror_named,
    mirror_to_toml,
    read_mirror,
)
from pe_dvc.primitives.errors import ConflictError, FormatError
from pe_dvc.primitives.toml_reader import read_toml
from pe_dvc.project.root import FILE, TABLE
from pe_dvc.project.settings import MAX_BYTES, parse_settings
from pe_dvc.store.confined import ConfinedTree
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from pe_dvc.project.repo import DataRepo


def declare(
    repo: DataRepo, name: str, table: Mapping[str, Any], *, check: Callable[[MirrorTable], None]
) -> MirrorTable:
    """Add a mirror to pyproject.toml; ``table`` is what is to stand there.

    ``check`` raises for one that cannot be a mirror.

    One that says the same already is success. Raises FormatError, and ConflictError for a name
    that is another mirror's.
    """
    where = str(repo.root / FILE)
    check_mirror_name(name, where="NAME")
    mirror = read_mirror(table, file="pe-dvc mirror add", path=name)
    check(mirror)
    known = repo.settings.mirrors.get(name)
    if known == mirror:
        return mirror
    if known is not None:
        raise ConflictError(
            f"{where}: {TABLE}.mirrors.{name} is there already, of {known.url}",
            remedy=f"Take another name, or remove it first: pe-dvc mirror remove {name}",
        )
    text = read_document(repo.root / FILE, limit=MAX_BYTES).decode()
    _write(repo, f"{text.rstrip()}\n\n{mirror_to_toml(name, mirror)}", {name: mirror})
    return mirror


def forget(repo: DataRepo, name: str) -> MirrorTable:
    """Take a mirror out of pyproject.toml; what it holds stays. Raises NotFoundError."""
    mirror = mirror_named(name, repo.settings.mirrors, where=str(repo.root / FILE))
    text = read_document(repo.root / FILE, limit=MAX_BYTES).decode()
    lines = text.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if _names(line, name)), None)
    if start is None:
        raise _by_hand(repo, name)
    end = next(
        (n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines)
    )
    kept = "".join(lines[:start]).rstrip() + "\n" + _rest(lines[end:])
    try:
        _write(repo, kept, {}, without=name)
    except FormatError:
        raise _by_hand(repo, name) from None
    return mirror


def _rest(lines: Sequence[str]) -> str:
    return "\n" + "".join(lines) if lines else ""


def _names(line: str, name: str) -> bool:
    """Tell whether a line is the header of a mirror's table, however it is spaced and quoted."""
    bare = "".join(line.partition("#")[0].split()).replace('"', "")
    return bare == f"[{TABLE}.mirrors.{name}]"


def _write(
    repo: DataRepo, text: str, more: Mapping[str, MirrorTable], *, without: str | None = None
) -> None:
    """Write pyproject.toml if it says the same but for the mirror. Raises FormatError."""
    where, data = str(repo.root / FILE), text.encode()
    expected = {**repo.settings.mirrors, **more}
    expected.pop(without or "", None)
    before = read_document(repo.root / FILE, limit=MAX_BYTES)
    rest = [_without_mirrors(one, where) for one in (before, data)]
    if parse_settings(data, where=where).mirrors != expected or rest[0] != rest[1]:
        raise FormatError("would say something else", where=where, remedy="Edit it by hand.")
    ConfinedTree(repo.root).write(FILE, data, durable=True)


def _without_mirrors(data: bytes, where: str) -> dict[str, Any]:
    document = read_toml(data, where=where, limit=MAX_BYTES, remedy="Correct the file.")
    document["tool"]["pe_dvc"].pop("mirrors", None)
    return document


def _by_hand(repo: DataRepo, name: str) -> FormatError:
    return FormatError(
        f"{TABLE}.mirrors.{name} is not written as a table of its own",
        where=str(repo.root / FILE),
        remedy="Nothing was changed. Remove it by hand.",
    )
