"""``pe_dvc.Repo.channel``: the commands ``pe-dvc channel`` on the signed metadata in git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.public.arguments import names_of
from pe_dvc.public.channel_keys import KeyCommands
from pe_dvc.public.reporting import reporter_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pe_dvc.project.channel import InitializedChannels
    from pe_dvc.project.channel_recover import Recovered
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.project.witness_entry import WitnessEntry
    from pe_dvc.usecases.channel.key_edits import KeyChange
    from pe_dvc.usecases.channel.promote import Promoted
    from pe_dvc.usecases.channel.review import Review
    from pe_dvc.usecases.channel.role_status import RoleStatus
    from pe_dvc.usecases.channel.rollback import RolledBack
    from pe_dvc.usecases.channel.standing import Standing
    from pe_dvc.usecases.channel.update import ChannelUpdate
    from pe_dvc.usecases.publish.refresh import Refreshed


class ChannelCommands:
    """Changes the signed metadata of a data repo; what is written waits to be committed.

    Keys are those of ``PE_DVC_KEYS_DIR`` and of ``[tool.pe_dvc.signers]``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def keys(self) -> KeyCommands:
        """The commands ``pe-dvc channel keys``."""
        return KeyCommands(self._path)

    def init(
        self,
        country: str,
        *,
        thresholds: Mapping[str, int] | None = None,
        key_counts: Mapping[str, int] | None = None,
        signers: Mapping[str, Sequence[str]] | None = None,
        public_keys: Mapping[str, Sequence[Path]] | None = None,
    ) -> InitializedChannels:
        """Lay out a country's channels, and make a key for every role without one.

        All are by role: how many must sign, how many keys to make, signers' URIs, public key
        files. Where other people must sign root or targets, too, all is a draft until they did
        (``sign``). Raises ConflictError where there are channels, FormatError, SignatureError,
        StoreError for a store that ignores conditional writes.
        """
        from pe_dvc.project.channel import init_channels

        repo = self._open()
        repo.check_country(country)
        return init_channels(
            repo,
            thresholds=thresholds,
            key_counts=key_counts,
            signers=signers,
            public_keys=public_keys,
        )

    def update(self) -> ChannelUpdate:
        """Point ``latest`` at the artifacts of the manifests, and sign it where a key is here.

        Raises NotFoundError without manifests, GateError where ``latest`` is gated and a gate
        fails, VerificationError.
        """
        from pe_dvc.project.channel_update import update_latest

        return update_latest(self._open())

    def rollback(
        self,
        channel: str,
        names: Sequence[str] = (),
        *,
        to: str,
        reason: str,
        store: str | None = None,
        progress: bool = False,
    ) -> RolledBack:
        """Take datasets of a channel back to what was published, all that it had unless named.

        ``to`` is a version of the channel (``12``), or of the other (``latest:12``), ``@sha256:…``
        or a release. ``reason`` is signed. Raises NotFoundError for what is not published or not
        whole, RevokedError, VerificationError, ConflictError, FormatError.
        """
        from pe_dvc.project.channel_rollback import rollback

        return rollback(
            self._open(),
            channel,
            names_of(names),
            to=to,
            reason=reason,
            store=store,
            reporter=reporter_for(progress),
        )

    def hold(self, name: str, *, reason: str) -> ChannelUpdate:
        """Keep a dataset of ``latest`` as it is, whatever is built, until ``release_hold``.

        ``reason`` is signed. Raises NotFoundError for a dataset that ``latest`` lacks, FormatError,
        SignatureError for a ``latest`` that waits for signatures.
        """
        from pe_dvc.project.channel_hold import hold

        return hold(self._open(), name, reason=reason)

    def release_hold(self, name: str) -> ChannelUpdate:
        """Let builds move a dataset of ``latest`` again. Raises NotFoundError for one not held."""
        from pe_dvc.project.channel_hold import release_hold

        return release_hold(self._open(), name)

    def promote(
        self,
        names: Sequence[str] = (),
        *,
        source: str = "latest",
        override: str | None = None,
        store: str | None = None,
        progress: bool = False,
    ) -> Promoted:
        """Nominate datasets of ``source``, all unless named, in ``next``.

        ``source`` is ``latest``, or what was published: ``latest:12``, ``@sha256:…``, a release.
        ``override`` is the reason why a failed gate does not matter; it is signed. Raises
        GateError, also for a dataset that is held, SignatureError for an unsigned ``latest``,
        NotFoundError.
        """
        from pe_dvc.project.channel_promote import promote

        reporter = reporter_for(progress)
        return promote(
            self._open(),
            names_of(names),
            source=source,
            override=override,
            store=store,
            reporter=reporter,
        )

    def review(
        self,
        role: str,
        *,
        gates: bool = True,
        store: str | None = None,
        progress: bool = False,
    ) -> Review:
        """Return what a signature of a role would stand for: what changes, who signed, gates.

        ``gates`` of ``next`` need the files; those that are not here are fetched. Raises
        SignatureError without a key of the role, NotFoundError, FormatError, VerificationError.
        """
        from pe_dvc.project.channel_review import review_to_sign

        reporter = reporter_for(progress)
        return review_to_sign(self._open(), role, gates=gates, store=store, reporter=reporter)

    def sign(self, role: str, *, shown: str | None = None) -> RoleStatus:
        """Add this machine's signatures to a role, or to its draft, where there is one.

        ``shown`` is the ``digest`` of a review: if the role changed since, nothing is signed.
        Raises SignatureError without a key, ConflictError.
        """
        from pe_dvc.project.channel import sign

        return sign(self._open(), role, shown=shown)

    def renew(self, role: str) -> RoleStatus:
        """Give a role a new version that expires later. Raises SignatureError without its key.

        Of root and targets it is a draft until enough have signed.
        """
        from pe_dvc.project.channel import renew

        return renew(self._open(), role)

    def refresh(self, *, store: str | None = None) -> Refreshed:
        """Sign the bucket's snapshot and timestamp again, where half of their days are gone.

        Raises SignatureError without their keys, VerificationError, StoreError.
        """
        from pe_dvc.project.channel import refresh

        return refresh(self._open(), store=store)

    def status(self) -> list[RoleStatus]:
        """Return who signed each role and each draft, who is missing, and when it expires."""
        from pe_dvc.project.channel import status

        return status(self._open())

    def standing(self, *, store: str | None = None, offline: bool = False) -> Standing:
        """Return where the channels stand: what git holds against what readers are shown.

        ``offline`` looks at git alone. Raises SignatureError, StoreError.
        """
        from pe_dvc.project.channel_standing import standing

        return standing(self._open(), store=store, offline=offline)

    def recover(
        self,
        roles: Sequence[str] = (),
        *,
        signers: Mapping[str, Sequence[str]] | None = None,
        public_keys: Mapping[str, Sequence[Path]] | None = None,
        new_log: bool = False,
        store: str | None = None,
    ) -> Recovered:
        """Put new keys in the place of stolen ones, and sign again what git holds of their roles.

        ``roles`` are ``latest``, ``snapshot`` and ``timestamp`` unless given; ``next=KEYID`` is one
        key of several. With ``new_log`` the new root begins a new log of what is published.
        Raises SignatureError without the keys of root and targets, NotFoundError.
        """
        from pe_dvc.project.channel_recover import recover

        return recover(
            self._open(),
            names_of(roles),
            signers=signers,
            public_keys=public_keys,
            new_log=new_log,
            store=store,
        )

    def adopt(self, role: str, *, store: str | None = None) -> int | None:
        """Take over into git what was published of a role; return its version, None if it is here.

        Raises VerificationError, NotFoundError, StoreError.
        """
        from pe_dvc.project.channel_adopt import adopt

        return adopt(self._open(), role, store=store)

    def witnesses(
        self, keys: Sequence[str], *, threshold: int | None = None, days: int = 7
    ) -> KeyChange:
        """Have readers demand ``threshold`` of these witnesses, ``days`` old at most; none of none.

        Without ``threshold`` more than half: of fewer, some could be shown another history.
        ``keys`` are as ``Witness.key`` returns them. A new root, or the draft of one where others
        must sign, too. Raises FormatError, NotFoundError, SignatureError.
        """
        from pe_dvc.project.channel_keys import demand_witnesses

        return demand_witnesses(self._open(), keys, threshold=threshold, days=days)

    def witness_entry(self) -> WitnessEntry:
        """Return what a witness must be told to follow this country's log, by the root in git.

        Raises NotFoundError where no key of the timestamp is of Ed25519, SignatureError.
        """
        from pe_dvc.project.witness_entry import witness_entry

        return witness_entry(self._open())

    def _open(self) -> DataRepo:
        from pe_dvc.project.repo import DataRepo

        return DataRepo.find(self._path)
