"""Gates: what a dataset must keep to before it is nominated for certification.

The mapping ``meta: pe: gates:`` of a dataset's declaration. What is not said is as the defaults
here: everything that needs no number is checked.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from pe_dvc.documents.pydantic_reader import StrictRecord

Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""How far a number may move, as a part of what it was: 0.05 is five percent either way."""


class AllowedChanges(StrictRecord):
    """Allowed changes of the schema: columns that may go, or change their type; periods."""

    removed: list[str] = Field(default_factory=list)
    retyped: list[str] = Field(default_factory=list)
    periods: list[str | int] = Field(default_factory=list)
    """Periods that may go, such as 2023."""


Share = Annotated[float, Field(ge=0, le=1)]


class Tail(StrictRecord):
    """How much of a column's total few may hold, as in a profile (docs/profiles.md)."""

    top_100: Share | None = None
    top_weight: Share | None = None


class RequiredEvidence(StrictRecord):
    """A value that must be true in a JSON dataset, such as the report of another program."""

    artifact: str
    require: Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
    """Where the value is, as a JSON pointer (RFC 6901), such as ``/passed``."""


class Gates(StrictRecord):
    """The gates of one dataset. ``False`` opens one; a tolerance that is not given checks nothing.

    They compare with the dataset that is in ``next`` now, or look at the nominated one alone.
    """

    columns: AllowedChanges | Literal[False] = Field(default_factory=AllowedChanges)
    """No column and no period is lost and no column changes its type, but for those named here."""
    keys: bool = True
    """No key is null, and none of a table's own key occurs twice."""
    references: bool = True
    """What refers to another entity refers to one that is there."""
    weights: Literal["positive", "not negative", False] = "positive"
    rows: Tolerance | None = None
    """How far the number of rows of each table may move."""
    totals: dict[str, Tolerance] = Field(default_factory=dict)
    """How far the weighted total of each column named may move; that of the weight is its sum."""
    zero: bool = True
    """No column becomes all zero, or all missing."""
    periods: bool = True
    """No period is without rows."""
    tail: dict[str, Tail] = Field(default_factory=dict)
    """How much of the total of each column named few may hold."""
    n_eff: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The least effective number of rows of each table that is weighted."""
    categories: list[str] = Field(default_factory=list)
    """Columns whose categories stay the same: none appears, none goes."""
    drift: dict[str, Tolerance] = Field(default_factory=dict)
    """How far the weighted total of each column may move, ``"*"`` being all others: against
    ``next``, the release before, and ``latest`` of the same month last year."""
    benchmarks: str | None = None
    """A file of the repo with totals that other sources give (docs/gates.md)."""
    measure: str | None = None
    """A JSON file of the repo with figures that a model computed, for the benchmarks."""
    evidence: list[RequiredEvidence] = Field(default_factory=list)
    """What other datasets must say."""
    compare_with: str | None = None
    """The dataset that this one succeeds, where ``next`` does not have this one yet."""
    custom: dict[str, JsonValue] = Field(default_factory=dict)
    """Gates of other packages (entry points ``pe_dvc.gates``), each with its options."""
