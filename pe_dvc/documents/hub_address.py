"""Which addresses are of a hub: all that most readers need to know of hubs."""

from __future__ import annotations


def is_hub_address(text: str) -> bool:
    """Tell whether an address is one of a hub, well formed or not (``documents.hub_uri``)."""
    return text.lower().startswith("hf://")
