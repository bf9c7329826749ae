"""Text of strangers in Markdown, as GitHub reads it: no markup, no mentions, no HTML of theirs."""

from __future__ import annotations

import re
from html import escape

from pe_dvc.primitives.printable import brief, printable

_MARKUP = re.compile(r"([\\`*_{}\[\]()#|~!+])")


def markdown_text(text: str) -> str:
    """Return a text so that it reads as it is, in a cell of a table, too."""
    escaped = _MARKUP.sub(r"\\\1", escape(printable(brief(text)), quote=False))
    # An invisible joiner keeps GitHub from telling people and issues that they were mentioned.
    return escaped.replace("@", "@&#8288;").replace("://", ":&#8288;//")
