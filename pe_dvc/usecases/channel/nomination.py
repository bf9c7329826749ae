"""What gates are given of a dataset that is to be nominated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pe_dvc.documents.disclosure import GATED
from pe_dvc.primitives.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pe_dvc.documents.benchmarks import Benchmark
    from pe_dvc.documents.disclosure import Count, Disclosure, Orphans, Repeated, Total, Value
    from pe_dvc.documents.gates import Gates
    from pe_dvc.documents.manifest import Manifest
    from pe_dvc.documents.places import Link, Place
    from pe_dvc.documents.profile import Profile
    from pe_dvc.documents.row_filter import Asked
    from pe_dvc.usecases.channel.gate_results import Measured


class Data(Protocol):
    """Numbers about the columns of one file, each by one pass or a few, in bounded memory.

    Gates compare them, and put them into a ``Finding``; their own text says nothing.
    """

    def nulls(self, place: Place) -> Count:
        """Return how many values are missing; what is not a number counts."""
        ...

    def repeated(self, place: Place) -> Repeated | None:
        """Return what occurs more than once, None if nothing does."""
        ...

    def orphans(self, link: Link) -> Orphans | None:
        """Return which rows name a key that is not there, None if none does."""
        ...

    def least(self, place: Place) -> Value | None:
        """Return the least value that is not missing, None for no rows."""
        ...

    def below(self, place: Place, bound: float, *, or_equal: bool = False) -> Count:
        """Return how many values are less than ``bound``, or equal to it if ``or_equal``."""
        ...

    def total(self, place: Place, weight: Place | None, link: Link | None) -> Total:
        """Return the sum, weighted where there is a weight; ``link`` leads to its table."""
        ...

    def chosen(
        self,
        place: Place,
        weight: Place | None,
        link: Link | None,
        asked: Sequence[Asked],
    ) -> Sequence[Total]:
        """Return statistics of the rows that filters choose, weighted as a total is.

        Each rests on the smallest part that the filters up to it cut (``Cells.figures``).
        """
        ...


class Profiles(Protocol):
    """The profiles of a dataset: of the nominated one, and of what was before."""

    def after(self) -> Profile:
        """Return that of the nominated one; made of its file, where it has none.

        Raises NotFoundError for a dataset without tables.
        """
        ...

    def known(self) -> Profile | None:
        """Return the same, None where it would have to be made."""
        ...

    def before(self) -> Profile | None:
        """Return that of the one in ``next``, None where there is none."""
        ...

    def earlier(self) -> Mapping[str, Profile | None]:
        """Return those of earlier states, by what messages call them; None: it cannot be read."""
        ...


class NoProfiles:
    """No profile is known."""

    def after(self) -> Profile:
        """Raise NotFoundError."""
        raise NotFoundError("the dataset has no tables, so it has no profile")

    def known(self) -> None:
        """Return None."""

    def before(self) -> None:
        """Return None."""

    def earlier(self) -> Mapping[str, Profile | None]:
        """Return nothing."""
        return {}


@dataclass(frozen=True, kw_only=True)
class HeldBenchmarks:
    """Benchmarks and the figures that a model computed; ``files`` are their files' sha256."""

    benchmarks: tuple[Benchmark, ...]
    figures: Mapping[str, Any]
    measure: str | None
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Nomination:
    """A dataset that is to be nominated, and the one that is in the channel now, if any.

    ``totals`` are the weighted totals that were signed with the one that is there now.
    """

    name: str
    gates: Gates
    before: Manifest | None
    after: Manifest
    totals: Mapping[str, float]
    data: Data
    rule: Disclosure = GATED
    """What may be said of the data."""
    profiles: Profiles = field(default_factory=lambda: NoProfiles())
    benchmarks: HeldBenchmarks | None = None
    document: Callable[[str], Any] | None = None
    """Reads a JSON dataset of the same source, by its name."""
    measured: dict[str, Total] = field(default_factory=dict)
    """The totals of the nominated one, filled in by the gate."""
    results: list[Measured] = field(default_factory=list)
    """What every gate found, passed or not, filled in by ``judge``."""
