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


class Gates(StrictRecord):
    """The gates of one dataset. ``False`` opens one; a tolerance that is not given checks nothing.

    All but ``custom`` compare with the dataset that is in ``next`` now, or look at the nominated
    one alone.
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
    custom: dict[str, JsonValue] = Field(default_factory=dict)
    """Gates of other packages (entry points ``pe_dvc.gates``), each with its options."""
