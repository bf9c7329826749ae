"""The status of a person's grants, and what to delete where one ended. Pure. ADR 0041.

All grants of the person count, whatever the token is limited to: another one that is live may
need the same file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.gateway.decision import grants_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pe_dvc.documents.access import AccessRules, Terms
    from pe_dvc.gateway.decision import Caller, Subject
    from pe_dvc.gateway.index import Index


def state_of(grant: Terms, now: datetime) -> str:
    """Return ``live``, ``ended`` or ``not yet``."""
    if grant.ended(now):
        return "ended"
    return "not yet" if grant.begins_after(now) else "live"


def grant_status(rules: AccessRules, caller: Caller, index: Index, now: datetime) -> dict[str, Any]:
    """Return the grants of ``caller`` as JSON values, and what of the ended ones must go.

    ``artifacts`` are the sha256 of payloads and of files of directories, ``documents`` those of
    manifests and sidecars. What a live grant covers as well is in neither.
    """
    grants = grants_of(rules, caller)
    live = [one for one in grants if state_of(one, now) == "live"]
    ended = [one for one in grants if state_of(one, now) == "ended"]
    artifacts, documents = _digests(index) if ended else ({}, {})
    must_go: list[dict[str, Any]] = []
    for grant in ended:
        by_dataset: dict[str, dict[str, list[str]]] = {}
        for kind, found in (("artifacts", artifacts), ("documents", documents)):
            for digest, subjects in found.items():
                dataset = _covered(grant, subjects)
                if dataset is not None and not any(_covered(one, subjects) for one in live):
                    both = by_dataset.setdefault(dataset, {"artifacts": [], "documents": []})
                    both[kind].append(digest)
        must_go += [
            {"grant": grant.id, "dataset": name, **{k: sorted(v) for k, v in both.items()}}
            for name, both in sorted(by_dataset.items())
        ]
    return {
        "person": caller.person,
        "contact": rules.contact,
        "grants": [_shown(one, now) for one in grants],
        "ended": must_go,
    }


def _digests(index: Index) -> tuple[dict[str, set[Subject]], dict[str, set[Subject]]]:
    """Return of which datasets the bytes of each digest are: of payloads, and of the rest."""
    artifacts: dict[str, set[Subject]] = {}
    documents: dict[str, set[Subject]] = {}
    for one in index.served.values():
        if one.kind in ("payload", "listing", "manifest") and one.sha256 is not None:
            artifacts.setdefault(one.sha256, set()).update(one.subjects)
        if one.kind not in ("payload", "listing", "release"):
            documents.setdefault(one.digest, set()).update(one.subjects)
    return artifacts, documents


def _covered(grant: Terms, subjects: Iterable[Subject]) -> str | None:
    """Return the first dataset among ``subjects`` that a grant covers."""
    names = [one.dataset for one in subjects if grant.covers(one.dataset, one.raw_inputs)]
    return min(names, default=None)


def _shown(grant: Terms, now: datetime) -> dict[str, Any]:
    return {
        "id": grant.id,
        "project": grant.project,
        "datasets": list(grant.datasets),
        "raw_sources": list(grant.raw_sources),
        "licence": grant.licence_text,
        "from": grant.first_day.isoformat(),
        "until": grant.last_day.isoformat(),
        "state": state_of(grant, now),
    }
