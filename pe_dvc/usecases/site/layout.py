"""How the pages of a site are put together: each in its own file, or all in one."""

from __future__ import annotations

from dataclasses import dataclass

from pe_dvc.usecases.site import places


@dataclass(frozen=True, kw_only=True)
class Layout:
    """``template`` is what is around a page; in one file, other pages are anchors of it."""

    template: str
    in_one_file: bool

    def link(self, page: str, target: str) -> str:
        """Return the way from a page to another file of the site."""
        return f"#{target}" if self.in_one_file else places.link(page, target)

    def anchor(self, page: str, name: str) -> str:
        """Return the id of a part of a page: no two in one file have the same."""
        return f"{page}:{name}" if self.in_one_file else name


EACH_IN_A_FILE = Layout(template="base.html", in_one_file=False)
IN_ONE_FILE = Layout(template="part.html", in_one_file=True)
