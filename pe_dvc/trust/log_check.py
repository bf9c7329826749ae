"""A reader holds a channel's log to what it saw before: no history is taken back or left out.

The log is signed in each snapshot. What an honest publisher shows next begins with it, whatever
keys have changed; a thief of all online keys who shows another past has to sign that it is
another one. Only a root, whose keys are offline, begins a new log. ADR 0039.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_name
from pe_dvc.documents.metadata_fields import LOG_FIELD
from pe_dvc.primitives.errors import EquivocationError, StoreError, VerificationError
from pe_dvc.trust.channel_log import StoredLog
from pe_dvc.trust.log_evidence import LogEvidence
from pe_dvc.trust.log_memory import ShownLog, remember, remembered
from pe_dvc.trust.log_tree import ProvenTree
from pe_dvc.trust.witnesses import check_demanded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pe_dvc.documents.channel_log import LogState
    from pe_dvc.trust.fetcher import TileReader
    from pe_dvc.trust.tuf_api import Root

log = logging.getLogger(__name__)


class LogCheck:
    """Holds one publication to the log of a lineage, under the newest ``root`` that is known.

    ``source`` has the tiles. Call it under the state's lock.
    """

    def __init__(
        self, lineage: Path, state_dir: Path, country: str, root: Root, source: TileReader
    ) -> None:
        self._lineage, self._country, self._source = lineage, country, source
        self._fields = root.unrecognized_fields
        self._evidence = LogEvidence(state_dir, country)

    def accept(self, shown: ShownLog, others: Sequence[ShownLog] = ()) -> None:
        """Remember a publication if its log continues all that was seen, and names what it shows.

        ``others`` are what other stores show, signed by the keys of today's root: their logs must
        not contradict it. One that does not show enough of its log to tell proves nothing.

        Raises EquivocationError where signatures prove that it does not, with the proof kept;
        VerificationError for tiles that are missing or altered, and where fewer witnesses vouch for
        it than the root demands (ADR 0042); and as the store does.
        """
        check_demanded(self._fields, self._country, shown)
        kept = remembered(self._lineage)
        state = shown.state
        if state is None:
            self._without_log(kept, shown)
            return
        self._check_number(state, shown)
        ours = [one for one in kept if one.tree.number >= state.number]  # a root began a new log
        checked = [one for one in ours if one.is_checked]
        tree = ProvenTree(state, StoredLog(self._source, self._country, state.number), checked)
        for one in ours:
            self._check_grown(one, shown, tree)
        self._check_named(shown, tree, checked)
        for one in checked:
            tree.know(one.begins)
        for other in others:
            if other.state is not None and other.state.number == state.number:
                self._compare(other, shown, tree)
        seen = replace(shown, is_checked=True, edge=tree.edge(), begins=tree.begins())
        if kept != [replace(seen, place=kept[0].place) if kept else seen]:
            remember(self._lineage, [seen])
            log.info("%s: the log has %d entries", self._country, state.size)

    def _compare(self, other: ShownLog, shown: ShownLog, tree: ProvenTree) -> None:
        earlier, later = sorted([other, shown], key=lambda one: one.version)
        if earlier.tree.size > later.tree.size:
            raise self._shortened(earlier, later)
        if other.tree.size > shown.tree.size:
            return  # it is ahead: that store is to show it, and is held to it then
        try:
            self._check_grown(other, shown, tree)
        except EquivocationError:
            raise
        except (StoreError, VerificationError) as error:
            log.warning("what %s shows is not compared: %s", other.place, error.message)

    def _without_log(self, kept: Sequence[ShownLog], shown: ShownLog) -> None:
        if kept:
            raise self._evidence.error(
                kept[0],
                shown,
                f"{shown.place} shows the channels of {self._country} without their log, of which "
                f"{kept[0].named} has {kept[0].tree.size} entries",
            )
        if LOG_FIELD in self._fields:
            raise VerificationError(
                f"{shown.place} shows the channels of {self._country} without their log, which "
                "their root says they have",
                remedy="Tell the maintainers of the data. If an older pe_dvc published it, they "
                "push once more with a current one.",
            )

    def _check_number(self, state: LogState, shown: ShownLog) -> None:
        """Refuse a log that no root began."""
        where = f"the root of {self._country}"
        number = log_name(self._fields, self._country, where=where).number
        if state.number > number:
            raise VerificationError(
                f"{shown.place} shows log {state.number} of {self._country}, and by its newest "
                f"root the country is at log {number}",
                remedy="Only the holders of the offline root keys begin a new log: tell them.",
            )

    def _check_grown(self, earlier: ShownLog, later: ShownLog, tree: ProvenTree) -> None:
        before, after = earlier.tree, later.tree
        if (before.number, before.size) > (after.number, after.size):
            raise self._shortened(earlier, later)
        if tree.root_of(before.size) != before.root:
            raise self._evidence.error(
                earlier,
                later,
                f"{later.place} shows a log of {self._country} with {after.size} entries, of which "
                f"the first {before.size} are not those of {earlier.named}",
                self._source.answers,
                tree.proof,
            )

    def _shortened(self, earlier: ShownLog, later: ShownLog) -> EquivocationError:
        before, after = earlier.tree, later.tree
        return self._evidence.error(
            earlier,
            later,
            f"{later.place} shows log {after.number} of {self._country} with {after.size} entries, "
            f"and {earlier.named} has {before.size} entries of log {before.number}",
        )

    def _check_named(self, shown: ShownLog, tree: ProvenTree, kept: Sequence[ShownLog]) -> None:
        """Raise EquivocationError for a version that is shown and not in the log.

        Else who has the keys would show anything and leave the log as it is.
        """
        known = {(role, meta) for one in kept for role, meta in one.meta.items()}
        for role, (version, length, sha256) in sorted(shown.meta.items()):
            if (role, (version, length, sha256)) in known:
                continue
            index = shown.tree.index.get(role)
            leaf = None if index is None else tree.leaf(index)
            found = leaf and (leaf.role, leaf.version, leaf.length, leaf.sha256)
            if found != (role, version, length, sha256):
                raise self._evidence.error(
                    kept[0] if kept else shown,
                    shown,
                    f"{shown.place} shows version {version} of {role} of {self._country}, which is "
                    "not in the log that is signed with it",
                    self._source.answers,
                )
