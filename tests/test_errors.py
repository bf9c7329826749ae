"""``pe_dvc.errors`` has every error that the package defines."""

from __future__ import annotations

import ast
from pathlib import Path

import pe_dvc.errors

PACKAGE = Path(pe_dvc.errors.__file__).parent


def error_classes() -> set[str]:
    """Return the names of all classes of the package that are errors, by their base classes.

    Without private ones: their module catches them, and callers know them by a public base.
    """
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    found = {"PeDvcError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return {name for name in found if not name.startswith("_")}


def test_every_error_of_the_package_is_public() -> None:
    assert set(pe_dvc.errors.__all__) == error_classes()


def test_every_public_error_is_a_pe_dvc_error() -> None:
    for name in pe_dvc.errors.__all__:
        error = getattr(pe_dvc.errors, name)
        assert issubclass(error, pe_dvc.errors.PeDvcError)
        assert error.__doc__
