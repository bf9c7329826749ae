"""The first root and targets of a country: which keys may sign which role, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pe_dvc.documents.metadata_fields import (
    CONTACT_FIELD,
    COUNTRY_FIELD,
    EXPIRY_FIELD,
    MIRRORS_FIELD,
)
from pe_dvc.primitives.errors import FormatError
from pe_dvc.trust.country_and_role import write_country_and_role
from pe_dvc.trust.roles import DELEGATED, EXPIRY_DAYS, TOP_LEVEL, path_patterns
from pe_dvc.trust.tuf_api import DelegatedRole, Delegations, Key, Metadata, Role, Root, Targets

Keys = Mapping[str, Sequence[Key]]
Thresholds = Mapping[str, int]


def new_root(
    country: str,
    keys: Keys,
    thresholds: Thresholds,
    now: datetime,
    *,
    contact: str | None = None,
    mirrors: Sequence[str] = (),
) -> Metadata[Root]:
    """Return an unsigned root, version 1. Raises FormatError."""
    roles = {role: Role(**_role(role, keys, thresholds)) for role in TOP_LEVEL}
    told: dict[str, Any] = {COUNTRY_FIELD: country}
    told |= {CONTACT_FIELD: contact} if contact else {}
    told |= {MIRRORS_FIELD: [*mirrors]} if mirrors else {}
    return Metadata(
        Root(
            expires=now + timedelta(days=EXPIRY_DAYS["root"]),
            keys=_by_id(keys, TOP_LEVEL),
            roles=roles,
            consistent_snapshot=True,
            unrecognized_fields=told,
        )
    )


def new_targets(
    country: str, keys: Keys, thresholds: Thresholds, now: datetime
) -> Metadata[Targets]:
    """Return an unsigned targets, version 1, that delegates to every channel role.

    Raises FormatError.
    """
    roles = {
        role: DelegatedRole(
            name=role,
            terminating=True,
            paths=path_patterns(country, role),
            **_role(role, keys, thresholds),
        )
        for role in DELEGATED
    }
    targets = Targets(
        expires=now + timedelta(days=EXPIRY_DAYS["targets"]),
        delegations=Delegations(_by_id(keys, DELEGATED), roles),
    )
    write_country_and_role(targets, country, "targets")
    return Metadata(targets)


def new_channel(country: str, role: str, expires: datetime) -> Metadata[Targets]:
    """Return unsigned metadata of a role below targets, version 1, that lists nothing."""
    empty = Targets(expires=expires)
    write_country_and_role(empty, country, role)
    return Metadata(empty)


def _role(role: str, keys: Keys, thresholds: Thresholds) -> dict[str, Any]:
    keyids = sorted(key.keyid for key in keys.get(role, ()))
    threshold = thresholds.get(role, 1)
    if len(set(keyids)) != len(keyids):
        raise FormatError(
            f"a key is given twice for {role}: each signature must be another person's"
        )
    if not 1 <= threshold <= len(keyids):
        raise FormatError(
            f"{threshold} of {len(keyids)} keys cannot sign {role}",
            remedy=f"Give {role} as many keys as its threshold, or more.",
        )
    fields = {EXPIRY_FIELD: EXPIRY_DAYS[role]}
    return {"keyids": keyids, "threshold": threshold, "unrecognized_fields": fields}


def _by_id(keys: Keys, roles: Sequence[str]) -> dict[str, Key]:
    return {key.keyid: key for role in roles for key in keys[role]}
