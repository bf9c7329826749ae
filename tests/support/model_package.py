"""An installed model package ``amodel`` 1.5, with a hook of its own or a system as core's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HOOK = "amodel_hook"
SYSTEM = """
import enum
from types import SimpleNamespace as Record

print("loading")  # as models do
PERSON = Record(key="person", plural="people", label="Person", doc="\\n  An individual.\\n")


class Status(enum.Enum):
    SINGLE = "Single person"
    JOINT = "Joint"


def variable(label, **more):
    values = dict(label=label, unit=None, documentation=None, reference=None, entity=PERSON)
    values.update(definition_period="year", quantity_type="stock", **more)
    return Record(**values)


income = variable("Employment  income")
income.unit, income.documentation = "currency-USD", "Wages\\n  and \\x01salaries."
income.reference = ({"title": "Law", "href": "https://example.org/law"},)
status = variable("Status", possible_values=Status)


class CountryTaxBenefitSystem:
    variables = {"employment_income": income, "status": status}
    entities = [PERSON]
"""


def install_model(
    site: Path, monkeypatch: pytest.MonkeyPatch, body: str | None, *, needs: str | None = None
) -> None:
    """Install it into ``site``, for this process and those that it starts.

    ``body`` is that of its hook, None for no hook; ``needs`` is a package that it depends on.
    """
    (site / "amodel").mkdir()
    (site / "amodel/__init__.py").write_text(SYSTEM)
    info = site / "amodel-1.5.dist-info"
    info.mkdir()
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: amodel\nVersion: 1.5\n{requires}")
    if body is not None:
        (site / f"{HOOK}.py").write_text(f"def codebook(package):\n    {body}\n")
        (info / "entry_points.txt").write_text(f"[pe_dvc.codebook]\namodel = {HOOK}:codebook\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(site)
