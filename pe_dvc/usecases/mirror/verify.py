"""Check a mirror by its own signed metadata, byte for byte, and tell how far behind it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.keys import metadata_key
from pe_dvc.primitives.errors import FormatError, NotFoundError, StoreError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.roles import max_length
from pe_dvc.usecases.mirror.altered import altered_objects
from pe_dvc.usecases.mirror.holdings import holdings_of
from pe_dvc.usecases.mirror.same_history import other_history
from pe_dvc.usecases.mirror.state import read_state
from pe_dvc.usecases.mirror.wanted import Lacking
from pe_dvc.usecases.progress import Reporter, Silent
from pe_dvc.usecases.retention.log_check import check_log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pe_dvc.documents.mirrors import Selection
    from pe_dvc.store.port import Store
    from pe_dvc.usecases.mirror.state import SignedState
    from pe_dvc.usecases.mirror.wanted import Holdings


@dataclass(frozen=True, kw_only=True)
class MirrorCheck(Result):
    """What a check of a mirror found. ``faults`` are what is missing or altered there.

    ``version`` and ``expires`` are of its timestamp; ``behind`` maps each role that is older than
    the origin's to both versions, and ``origin_version`` is None where the origin did not answer:
    ``origin_error`` says why. ``quick`` checks compare sizes only.
    """

    name: str
    url: str
    version: int
    expires: datetime
    expired: bool
    origin_version: int | None
    origin_error: str | None
    behind: dict[str, tuple[int, int]]
    checked: int
    checked_bytes: int
    quick: bool
    left_out: int
    faults: list[Lacking] = field(default_factory=list)

    @property
    def is_behind(self) -> bool:
        """Whether the origin has a newer state."""
        return self.origin_version is not None and self.version < self.origin_version

    @property
    def ok(self) -> bool:
        """Whether readers of the mirror get all that it promises."""
        return not self.faults and not self.expired

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**super().to_json(), "ok": self.ok}


def verify_mirror(
    mirror: Store,
    country: str,
    roots: Sequence[bytes],
    selection: Selection,
    *,
    name: str,
    origin: Store,
    now: datetime,
    quick: bool = False,
    reporter: Reporter | None = None,
) -> MirrorCheck:
    """Check everything that the mirror's own signed metadata names and its selection takes.

    Raises NotFoundError for a mirror that was never filled, VerificationError for one whose
    metadata is not signed by the repo's keys, StoreError.
    """
    state = read_state(mirror, country, roots)
    holdings = holdings_of(state, selection)
    faults = [one for one in holdings.lacking if one.is_promised]
    faults += _wrong_roots(mirror, country, state)
    log = [
        Lacking(key=one.key, what="the log of all that was published", detail=one.detail)
        for one in check_log(state.channels, state.snapshot).findings
    ]
    faults += log
    faults += _not_removed(holdings)
    wanted = [*holdings.objects.values()]
    if not quick:
        faults += altered_objects(
            mirror, [one for one in wanted if one.data is None], reporter or Silent()
        )
    ahead, error = _origin_state(origin, country, roots)
    if ahead and not log and (other := other_history(mirror, state, origin, ahead)):
        faults.append(other)
    return MirrorCheck(
        name=name,
        url=mirror.url,
        version=state.version,
        expires=state.expires,
        expired=state.expires <= now,
        origin_version=ahead.version if ahead else None,
        origin_error=error,
        behind=_behind(state, ahead) if ahead else {},
        checked=len(wanted),
        checked_bytes=sum(one.size for one in wanted),
        quick=quick,
        left_out=holdings.left_out,
        faults=faults,
    )


def _not_removed(holdings: Holdings) -> list[Lacking]:
    """Find what was withdrawn, and is there: the next sync removes it, or says why it cannot."""
    plan = holdings.withdrawn
    going = (plan.files.keys() | plan.finished_lists()) & holdings.there.keys()
    left = dict.fromkeys(sorted(going), "was withdrawn, and is there") | plan.unsure
    return [Lacking(key=key, what="withdrawn", detail=why) for key, why in left.items()]


def _wrong_roots(mirror: Store, country: str, state: SignedState) -> list[Lacking]:
    """Find roots without which a reader who pinned an earlier one cannot follow the chain."""
    found = []
    for number, expected in enumerate(state.roots, start=1):
        key = metadata_key(country, "root", number)
        try:
            data, _ = mirror.read(key, limit=max_length("root"))
            detail = None if data == expected else "is another one than in git"
        except (NotFoundError, FormatError) as error:
            detail = error.message
        if detail is not None:
            found.append(Lacking(key=key, what=f"root version {number}", detail=detail))
    return found


def _origin_state(
    origin: Store, country: str, roots: Sequence[bytes]
) -> tuple[SignedState | None, str | None]:
    """Return the origin's state; a mirror is checked where that is gone, too."""
    try:
        return read_state(origin, country, roots), None
    except (StoreError, NotFoundError) as error:
        return None, error.message


def _behind(state: SignedState, origin: SignedState) -> dict[str, tuple[int, int]]:
    ours = state.versions
    return {
        role: (ours.get(role, 0), version)
        for role, version in origin.versions.items()
        if ours.get(role, 0) < version
    }
