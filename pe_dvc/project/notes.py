"""What a person should know and no result says: on stderr, once for each process."""

from __future__ import annotations

import logging

from pe_dvc.primitives.printable import printable_lines
from pe_dvc.primitives.redact import redact_text

_said: set[str] = set()


def note_once(text: str) -> None:
    """Log a warning of ``pe_dvc``, which Python shows on stderr unless told otherwise."""
    if text not in _said:
        _said.add(text)
        logging.getLogger("pe_dvc").warning("%s", printable_lines(redact_text(text)))
