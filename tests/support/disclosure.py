"""The rule for data that anyone may read."""

from __future__ import annotations

from pe_dvc.documents.disclosure import Disclosure

PUBLIC = Disclosure(access="public")
