"""Entries of the ledger beside ``access.yaml`` of today: where the two say other things. Pure.

What an entry says is what allowed the read, and stays so. A grant that was changed or taken away
since is told beside it, and judges nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pe_dvc.documents.access import Grant

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.access import AccessRules, Terms
    from pe_dvc.gateway.ledger_entry import LedgerRead

_ERASED = re.compile(r"[0-9a-f]{32}")
MISSING = "not in access.yaml"


class GrantsToday:
    """The grants of an ``access.yaml``, to hold entries against."""

    def __init__(self, rules: AccessRules) -> None:
        self._grants: dict[str, Terms] = {one.id: one for one in (*rules.grants, *rules.visas)}

    def differences(self, read: LedgerRead) -> tuple[str, ...]:
        """Return what the grant of an entry is today that it was not when it was entered."""
        if not read.grant_id:
            return ()
        grant = self._grants.get(read.grant_id)
        if grant is None:
            return (f"the grant is {MISSING}",)
        found = []
        is_named = isinstance(grant, Grant) and not _ERASED.fullmatch(read.person)
        if isinstance(grant, Grant) and is_named and grant.person != read.person:
            found.append("the grant is another person's")
        if grant.project != read.project:
            found.append(f"its project is {grant.project}")
        if grant.licence_text != read.licence:
            found.append(f"its licence is {grant.licence_text}")
        if read.is_read and (grant.begins_after(read.at) or grant.ended(read.at)):
            days = f"from {grant.first_day.isoformat()} until {grant.last_day.isoformat()}"
            found.append(f"it holds {days}")
        if read.is_read and not grant.covers(read.dataset, read.raw_sources):
            found.append("it does not cover this dataset")
        return tuple(found)

    def state(self, grant_id: str, now: datetime) -> str:
        """Return ``live``, ``ended``, ``not yet``, each with its day, or that there is none."""
        grant = self._grants.get(grant_id)
        if grant is None:
            return MISSING
        if grant.ended(now):
            return f"ended on {grant.last_day.isoformat()}"
        if grant.begins_after(now):
            return f"begins on {grant.first_day.isoformat()}"
        return f"live until {grant.last_day.isoformat()}"
