"""Whether a statement of destruction is taken into the ledger. Pure: no I/O, no clock. ADR 0041."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pe_dvc.documents.destruction import parse_destruction
from pe_dvc.documents.statement_bundle import read_statements
from pe_dvc.gateway.admission import Refusal
from pe_dvc.gateway.decision import grants_of
from pe_dvc.gateway.ledger_entry import DESTRUCTION, STATEMENT, LedgerRead
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import FormatError, SignatureError
from pe_dvc.trust.person_key import check_signed_by

if TYPE_CHECKING:
    from datetime import datetime

    from pe_dvc.documents.access import AccessRules
    from pe_dvc.documents.destruction import Destruction
    from pe_dvc.gateway.decision import Caller

CLOCKS = timedelta(minutes=10)
"""By how much a reader's clock may be ahead."""
_WHERE = "the statement"


def entry_of(
    data: bytes,
    caller: Caller,
    rules: AccessRules,
    *,
    country: str,
    address: str,
    now: datetime,
) -> LedgerRead | Refusal:
    """Return the entry of a statement by ``caller``, or why it is refused. ``now`` is aware.

    The grant is the caller's own in ``access.yaml``, ended or, if it was renewed since, live.
    """
    try:
        found = _signed(data)
    except (FormatError, SignatureError) as error:
        return _bad(error.message)
    if found.person != caller.person:
        return Refusal(
            status=403,
            error="another's",
            detail="the statement is of another person than the one whose token was sent",
        )
    if found.country != country:
        return _bad(f"the statement is of {found.country}, not of {country}")
    if found.time > now + CLOCKS:
        return _bad(f"the statement is of {found.destroyed}, which is to come: set the clock")
    grant = next((one for one in grants_of(rules, caller) if one.id == found.grant), None)
    if grant is None:
        detail = f"you have no grant {found.grant} here. Ask {rules.contact}: ended grants stay"
        return Refusal(status=403, error="no grant", detail=f"{detail} in access.yaml")
    datasets = {one.dataset for one in found.files}
    return LedgerRead(
        at=now,
        country=country,
        dataset=datasets.pop() if len(datasets) == 1 else "",
        version=None,
        object_key="",
        sha256=str(sha256_bytes(data)),
        kind=DESTRUCTION,
        first_byte=0,
        last_byte=None,
        columns=(),
        person=caller.person,
        project=grant.project,
        licence=grant.licence_text,
        grant_id=grant.id,
        how=STATEMENT,
        client_address=address,
        token_id=caller.token_id,
        length=0,
    )


def _signed(data: bytes) -> Destruction:
    statements = read_statements(data, where=_WHERE)
    if len(statements) != 1:
        raise FormatError(f"expected one statement, got {len(statements)}", where=_WHERE)
    found = parse_destruction(statements[0].payload, where=_WHERE)
    check_signed_by(statements[0], found.key, where=_WHERE)
    return found


def _bad(detail: str) -> Refusal:
    return Refusal(status=400, error="bad statement", detail=detail)
