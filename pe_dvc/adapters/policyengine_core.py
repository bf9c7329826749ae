"""Codebooks of policyengine-core's models: every variable has a label, a unit and an entity there.

The hook ``pe_dvc.codebook`` of pe_dvc itself. It runs in a process of its own, as a model takes a
minute to load (``adapters.codebook_hooks``), and imports a model package only if that depends on
policyengine-core.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

CORE = "policyengine-core"
SYSTEM = "CountryTaxBenefitSystem"
"""What the class of a country's system is called, in every model package."""


def codebook(package: str) -> dict[str, Any] | None:
    """Return the variables and entities of a model package; None for another package.

    Raises whatever its code raises.
    """
    if not _is_model(package):
        return None
    module = import_module(package.replace("-", "_"))
    # An instance is often made by the import: a second one would take half a minute more.
    system = getattr(getattr(module, "system", None), "system", None) or getattr(module, SYSTEM)()
    return of_system(system)


def of_system(system: Any) -> dict[str, Any]:
    """Return the same of a tax-benefit system."""
    return {
        "variables": {name: _variable(one) for name, one in system.variables.items()},
        "entities": {entity.key: _entity(entity) for entity in system.entities},
    }


def _is_model(package: str) -> bool:
    try:
        needed = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return False
    return any(each.lower().replace("_", "-").startswith(CORE) for each in needed)


def _variable(variable: Any) -> dict[str, Any]:
    return _known(
        label=_text(variable.label),
        unit=_text(variable.unit),
        description=_text(variable.documentation),
        references=_references(variable.reference),
        values=_values(getattr(variable, "possible_values", None)),
        entity=variable.entity.key,
        period=_text(variable.definition_period),
        quantity=variable.quantity_type,
    )


def _entity(entity: Any) -> dict[str, Any]:
    return _known(
        label=_text(entity.label), plural=_text(entity.plural), description=_text(entity.doc)
    )


def _values(possible: Iterable[Any] | None) -> list[dict[str, str]]:
    """Return the members of an enum: data hold their names, people read their values."""
    return [
        {"value": member.name, "label": _text(str(member.value)) or member.name}
        for member in possible or ()
    ]


def _references(reference: Any) -> list[str]:
    """Return texts: a model has one, a list of them, or mappings with ``title`` and ``href``."""
    several = reference if isinstance(reference, list | tuple) else [reference]
    texts = [
        each.get("href") or each.get("title") if isinstance(each, dict) else each
        for each in several
    ]
    return [text for each in texts if isinstance(each, str) and (text := _text(each))]


def _text(text: Any) -> str | None:
    """Return a text on one line, without characters that no document may hold."""
    if not isinstance(text, str):
        return None
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split()) or None


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
