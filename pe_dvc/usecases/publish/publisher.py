"""Who publishes: their keys, their clock, and what their git holds and saw of the bucket."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from pe_dvc.trust.seen import NOTHING_SEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pe_dvc.trust.log_memory import ShownLog
    from pe_dvc.trust.seen import SeenVersions
    from pe_dvc.trust.signers import Signers
    from pe_dvc.usecases.publish.versioned_files import History


@dataclass(frozen=True)
class Publisher:
    """Who publishes with ``signers`` at ``now``, an aware time.

    ``history`` is asked for what git's commits hold of a role, and None holds nothing. Readers who
    have ``seen`` versions follow only above these. ``logs`` is what the bucket's log must continue,
    the largest first (``log_hold``): one that is lost, shorter or another is refused. ``probe``
    raises for a store that ignores conditional writes; None trusts it.
    """

    signers: Signers
    _: KW_ONLY
    now: datetime
    history: History | None = None
    seen: SeenVersions = NOTHING_SEEN
    logs: Sequence[ShownLog] = ()
    probe: Callable[[], None] | None = None
