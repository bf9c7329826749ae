"""One declaration for many files: ``path: data/states/{state_code}.h5``.

Each file that the pattern fits is a dataset. Its name is that of the declaration and what stands in
the gaps, ``states/AL``, unless ``meta.pe.name`` says otherwise: ``{state_code}/state``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pe_dvc.documents.dvc_artifact import DeclaredArtifact

_GAP = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
"""What may stand in a gap: a part of a dataset's name."""


class PathPattern(NamedTuple):
    """A path of which each folder or file name may have one gap: what is before and after it."""

    segments: tuple[tuple[str, str | None, str], ...]

    @classmethod
    def parse(cls, path: str, *, where: str) -> PathPattern:
        """Read a pattern. Raises FormatError for a brace that is no gap, and for two in a name."""
        segments = []
        for segment in path.split("/"):
            before, *rest = _GAP.split(segment)
            if len(rest) > 2 or any(brace in before + "".join(rest[1:]) for brace in "{}"):
                raise FormatError(
                    f"{segment!r} is no part of a pattern",
                    where=where,
                    remedy="Write one gap in each folder or file name, such as {state_code}.h5.",
                )
            segments.append((before, rest[0], rest[1]) if rest else (before, None, ""))
        return cls(segments=tuple(segments))

    def match(self, path: str) -> dict[str, str] | None:
        """Return what stands in the gaps of a path that fits, None for one that does not."""
        parts, found = path.split("/"), dict[str, str]()
        if len(parts) != len(self.segments):
            return None
        for part, (before, gap, after) in zip(parts, self.segments, strict=True):
            value = part[len(before) : len(part) - len(after)]
            fits = part == f"{before}{value}{after}" and (gap is not None or not value)
            if not fits or (gap is not None and not _VALUE.fullmatch(value)):
                return None
            if gap is not None and found.setdefault(gap, value) != value:
                return None
        return found


def has_pattern(artifact: DeclaredArtifact) -> bool:
    """Tell whether an artifact declares datasets by a pattern."""
    return artifact.declares and "{" in artifact.path


def expand(
    artifacts: Iterable[DeclaredArtifact], files: Iterable[str], *, strict: bool = False
) -> Iterator[DeclaredArtifact]:
    """Yield artifacts, with one for each of the ``files`` in the place of each pattern.

    Raises FormatError for a pattern that is none, or a name that is not made of its gaps; if
    ``strict`` for one that fits no file.
    """
    known = sorted(set(files))
    for artifact in artifacts:
        if not has_pattern(artifact):
            yield artifact
            continue
        where = f"{artifact.file}: artifacts.{artifact.name}"
        pattern = PathPattern.parse(artifact.path, where=f"{where}.path")
        found = [(path, gaps) for path in known if (gaps := pattern.match(path)) is not None]
        if strict and not found:
            raise FormatError(
                f"{artifact.path} fits no file that DVC tracks",
                where=f"{where}.path",
                remedy="Correct the path, or build the files first. A pattern declares files: "
                "declare a directory as a whole by its own path.",
            )
        for path, gaps in found:
            yield _filled(artifact, path, gaps, where)


def _filled(
    artifact: DeclaredArtifact, path: str, gaps: dict[str, str], where: str
) -> DeclaredArtifact:
    meta = dict(artifact.meta["pe"] or {})
    default = "/".join([artifact.name, *(f"{{{gap}}}" for gap in gaps)])
    template = meta.pop("name", default)
    if not isinstance(template, str) or set(_GAP.findall(template)) != set(gaps):
        raise FormatError(
            f"{template!r} has not the gaps of the path: {', '.join(gaps)}",
            where=f"{where}.meta.pe.name",
            remedy=f"Write a name for each file, such as {default}.",
        )
    name = _GAP.sub(lambda gap: gaps[gap[1]], template)
    return replace(artifact, name=name, path=path, meta={**artifact.meta, "pe": meta})
