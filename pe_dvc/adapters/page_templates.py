"""Jinja2, by which the pages of a site are written: the only module that knows it.

Every value is escaped, whatever a template says of it, and what would turn the order of letters
around or hide some is written out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.errors import PeDvcError
from pe_dvc.primitives.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = Path(__file__).parents[1] / "site" / "templates"


class PageTemplates:
    """The templates of a folder. ``filters`` are functions that templates may call by name."""

    def __init__(self, filters: Mapping[str, Callable[..., Any]], folder: Path = FOLDER) -> None:
        """Raise PeDvcError where Jinja2 is not installed."""
        try:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined
        except ModuleNotFoundError:
            raise PeDvcError(
                "a site is written with Jinja2, which is not installed",
                remedy="Install it with the extra pe_dvc[site], or by itself: pip install jinja2",
            ) from None
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters.update(filters)

    def render(self, name: str, **values: Any) -> bytes:
        """Return a page, in UTF-8. Raises ``jinja2.TemplateError`` for a fault of the template."""
        return self._environment.get_template(name).render(values).encode("utf-8")


def _shown(value: Any) -> Any:
    """Return a value as a page shows it; what a template made itself stays as it is."""
    if type(value) is not str or (value.isascii() and value.isprintable()):
        return value  # so for nearly every one of a hundred thousand
    return printable(value)
