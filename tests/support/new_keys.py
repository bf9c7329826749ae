"""Keys that are added to those of a country."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.trust.keys import new_key_file

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.tuf_api import Key


def new_key(keys_dir: Path, country: str, role: str) -> Key:
    """Make one more key for a role, in a file beside the others; return its public half."""
    return new_key_file(keys_dir, country, role)[1]
