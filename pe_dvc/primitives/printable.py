"""Text of strangers as a terminal may have it: what would move, hide or colour is written out.

A column's name in a manifest of the bucket may hold escape sequences that rewrite what stands
above it, or marks that turn the order of letters around.
"""

from __future__ import annotations

import json
import re

_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f"  # controls, escape sequences among them
    "\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible, or turning order
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of characters; invisible letters
)


def printable(text: str) -> str:
    r"""Return ``text`` as one line, with such characters as ``\x1b`` or ``\u202e``."""
    return re.sub(_UNSAFE, lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_lines(text: str) -> str:
    """Return ``text`` line by line; all but the first are indented, so that none can be forged."""
    first, *others = (printable(line) for line in text.split("\n"))
    return "\n".join([first, *(line if line.startswith(" ") else f"  {line}" for line in others)])


def printable_json(text: str) -> str:
    """Return a JSON document that means the same, with such characters escaped as JSON has it."""
    kept = "\n"
    return re.sub(
        _UNSAFE, lambda found: found[0] if found[0] == kept else json.dumps(found[0])[1:-1], text
    )


BRIEF = 200
"""Characters of a stranger's text that a message repeats."""


def brief(text: str) -> str:
    """Return the beginning of a text that may be of any length, for a message."""
    return text if len(text) <= BRIEF else f"{text[:BRIEF]}…"
