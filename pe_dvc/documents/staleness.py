"""Is published data out of date: what it was made from, line by line against what there is now.

Pure judgement; what there is now is gathered by ``pe_dvc.project.stale``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pe_dvc.primitives.result import Result, field_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from pe_dvc.documents.provenance import Package

Found = Literal["same", "differs", "unknown", "not checked"]
Verdict = Literal["fresh", "stale", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Comparison(Result):
    """One line: what the data was made from, and what there is now.

    ``counts`` tells whether it decides the verdict: of a ``differs`` whether it makes data stale,
    of an ``unknown`` whether without it nothing can be said. ``source`` is where ``current`` is
    from, ``reason`` why it does not count or is not known.
    """

    what: str
    found: Found
    published: str | None = None
    current: str | None = None
    source: str | None = None
    reason: str | None = None
    counts: bool = False


@dataclass(frozen=True, kw_only=True)
class Staleness(Result):
    """What ``pe-dvc stale`` says of one dataset; ``pinned`` always means the same bytes."""

    reference: str
    pinned: str
    built_at: str | None
    comparisons: tuple[Comparison, ...]

    @property
    def verdict(self) -> Verdict:
        """Return ``stale`` if anything that counts differs, ``unknown`` if that is not known."""
        deciding = {line.found for line in self.comparisons if line.counts}
        return "stale" if "differs" in deciding else "unknown" if "unknown" in deciding else "fresh"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, the verdict too."""
        return {**field_values(self), "verdict": self.verdict}


@dataclass(frozen=True, kw_only=True)
class CurrentPackage:
    """A package as it is now; ``source`` says by what, such as ``locked in uv.lock``.

    ``package`` is None where that is not known, for the ``reason``. ``asked`` tells whether it
    was to be found out at all.
    """

    package: Package | None
    source: str | None = None
    reason: str | None = None
    asked: bool = True


def compare_package(
    role: str, published: Package | None, now: CurrentPackage
) -> Iterator[Comparison]:
    """Yield the lines of a package; ``role`` is ``model`` or ``core``.

    Builds of data use of a model what its ``data_build_fingerprint`` covers. So where that is known
    of both and the same, another version does not make data stale.
    """
    what = f"{role} version"
    if published is None:
        current = str(now.package.version) if now.package else None
        reason = f"the manifest names no {role} package"
        unknown = Comparison(
            what=what, found="unknown", current=current, source=now.source, reason=reason
        )
        yield _counting(unknown, role == "model")
        return
    if now.package is None:
        found: Found = "unknown" if now.asked else "not checked"
        said = f"{published.name} {published.version}"
        line = Comparison(what=what, found=found, published=said, reason=now.reason)
        yield _counting(line, now.asked)
        return
    yield from _lines(role, published, now.package, now.source)


def _lines(role: str, was: Package, now: Package, source: str | None) -> Iterator[Comparison]:
    prints = was.data_build_fingerprint, now.data_build_fingerprint
    same_logic = None not in prints and prints[0] == prints[1]
    reason = "data_build_fingerprint is the same: builds use nothing that changed"
    for label, before, after in (
        ("version", f"{was.name} {was.version}", f"{now.name} {now.version}"),
        ("wheel", _digest(was.wheel_sha256), _digest(now.wheel_sha256)),
        ("git commit", was.git_sha, now.git_sha),
        ("data_build_fingerprint", *prints),
    ):
        if label != "version" and before is None:
            continue
        what = f"{role} {label}"
        if after is None:
            yield Comparison(what=what, found="not checked", published=before, source=source)
        elif before == after:
            yield Comparison(
                what=what, found="same", published=before, current=after, source=source
            )
        else:
            yield Comparison(
                what=what,
                found="differs",
                published=before,
                current=after,
                source=source,
                reason=reason if same_logic else None,
                counts=not same_logic,
            )


def compare_digest(
    what: str, published: str, current: str | None, *, source: str, reason: str | None = None
) -> Comparison:
    """Return the line of something that is known by a digest or another word for its content.

    ``current`` is None where that could not be found out, for the ``reason``; then it counts.
    """
    found: Found = "unknown" if current is None else "same" if current == published else "differs"
    return Comparison(
        what=what,
        found=found,
        published=published,
        current=current,
        source=source,
        reason=reason,
        counts=found != "same",
    )


def not_checked(what: str, published: str | None, reason: str) -> Comparison:
    """Return the line of what nothing here can be compared with."""
    return Comparison(what=what, found="not checked", published=published, reason=reason)


def compare_age(built_at: str | None, now: datetime, limit: timedelta | None) -> Comparison:
    """Return the line of the age; it counts only where a ``limit`` was given."""
    from datetime import datetime as of_text

    asked = limit is not None
    if built_at is None:
        found: Found = "unknown" if asked else "not checked"
        line = Comparison(what="age", found=found, reason="the manifest has no time of build")
        return _counting(line, asked)
    age = now - of_text.fromisoformat(built_at)
    old = limit is not None and age > limit
    return Comparison(
        what="age",
        found="differs" if old else "same" if asked else "not checked",
        published=built_at,
        current=f"{age.days} days",
        reason=f"older than {limit.days} days" if limit is not None and old else None,
        counts=old,
    )


def _counting(line: Comparison, counts: bool) -> Comparison:
    from dataclasses import replace

    return replace(line, counts=counts)


def _digest(sha256: str | None) -> str | None:
    return None if sha256 is None else f"sha256:{sha256}"
