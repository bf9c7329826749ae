"""A change of the keys that a root or targets lists, and what becomes of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_name
from pe_dvc.documents.metadata_fields import LOG_FIELD, NAME_FIELD, WITNESSES_FIELD
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.tuf_api import Root, Targets
from pe_dvc.trust.verify import key_names, role_of

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.trust.tuf_api import Key
    from pe_dvc.trust.witnesses import WitnessRule
    from pe_dvc.usecases.channel.role_status import RoleStatus

Edit = Callable[[Root | Targets], object]


@dataclass(frozen=True, kw_only=True)
class KeyChange(Result):
    """What became of the metadata: the roles with a new version, and their versions.

    ``waiting`` holds how many signatures the roles still want that must be signed again.
    ``key_file`` is that of the new key, where one was made for this. ``drafts`` are the roles
    whose new version is in force only once others have signed it, too.
    """

    role: str
    keyids: tuple[str, ...]
    threshold: int
    versions: dict[str, int]
    waiting: dict[str, int]
    key_file: Path | None = None
    drafts: tuple[RoleStatus, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StolenKeys:
    """Keys of a role that must not count any longer, by id, and those that take their place."""

    role: str
    keyids: Sequence[str]
    keys: Sequence[Key]


@dataclass(frozen=True, kw_only=True)
class Recovery(Result):
    """What became of stolen keys: by role the ids of the old and of the new ones.

    ``versions`` are those of the metadata written; ``waiting`` says how many signatures roles
    still want that must be signed again; ``drafts`` are in force only once others have signed.
    """

    stolen: dict[str, tuple[str, ...]]
    keys: dict[str, tuple[str, ...]]
    versions: dict[str, int]
    waiting: dict[str, int]
    drafts: tuple[RoleStatus, ...] = ()


def is_key_name(name: str) -> bool:
    """Return whether a key can have that name."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", name))


def check_key_name(name: str) -> str:
    """Return a key's name, or raise FormatError."""
    if not is_key_name(name):
        raise FormatError(f"{name!r} is not a key's name: expected letters, digits, . _ @ or -")
    return name


def replacing(stolen: StolenKeys) -> Edit:
    """Return what puts new keys in the place of stolen ones, under the same names."""

    def replace(delegator: Root | Targets) -> None:
        names = key_names(delegator, stolen.role)
        for old, key in zip(stolen.keyids, stolen.keys, strict=False):
            if old in names:
                key.unrecognized_fields[NAME_FIELD] = names[old]
        for keyid in stolen.keyids:
            delegator.revoke_key(keyid, stolen.role)
        for key in stolen.keys:
            delegator.add_key(key, stolen.role)

    return replace


def beginning_log(edit: Edit | None) -> Edit:
    """Return what lets a root begin a new log of what is published, and does ``edit`` as well."""

    def begin(root: Root | Targets) -> None:
        fields = root.unrecognized_fields
        number = log_name(fields, "", where="root").number
        fields[LOG_FIELD] = {**fields.get(LOG_FIELD, {}), "number": number + 1}
        if edit is not None:
            edit(root)

    return begin


def demanding(rule: WitnessRule | None) -> Edit:
    """Return what has a root demand witnesses; None is none."""

    def demand(root: Root | Targets) -> None:
        if rule is None:
            root.unrecognized_fields.pop(WITNESSES_FIELD, None)
        else:
            root.unrecognized_fields[WITNESSES_FIELD] = rule.to_field()

    return demand


def apply_edit(delegator: Root | Targets, role: str, edit: Edit, threshold: int | None) -> None:
    """Change a role's keys and threshold. Raises FormatError where too few keys are left."""
    edit(delegator)
    changed = role_of(delegator, role)
    if threshold is not None:
        changed.threshold = threshold
    if not 1 <= changed.threshold <= len(changed.keyids):
        raise FormatError(
            f"{changed.threshold} of {len(changed.keyids)} keys cannot sign {role}",
            remedy="Add another key first, or give a lower --threshold.",
        )
