"""``pe-dvc cache prune --expired``: data whose grant ended leave this machine, and that is stated.

ADR 0041. First a plan is kept, then files go, then a statement is signed and kept, then sent:
killed anywhere, the next run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pe_dvc.adapters.stores.gateway_grants import access, state
from pe_dvc.documents.destruction import Destruction, now_text, parse_destruction
from pe_dvc.documents.statement_bundle import read_statements, write_statements
from pe_dvc.primitives.digest import Sha256
from pe_dvc.primitives.errors import NotFoundError, PeDvcError, StoreError
from pe_dvc.primitives.result import Result
from pe_dvc.project import directories
from pe_dvc.project.cache import open_cache
from pe_dvc.project.destruction_book import DestructionBook
from pe_dvc.project.expired_clone import ExpiredClone
from pe_dvc.project.gateways import gateways_of
from pe_dvc.project.notes import note_once
from pe_dvc.project.repo import DataRepo
from pe_dvc.project.trust import trusted_countries
from pe_dvc.store import eviction
from pe_dvc.trust.person_key import PersonKey
from pe_dvc.usecases.expired import MustGo, add_known_here, parse_standing

if TYPE_CHECKING:
    from pe_dvc.adapters.stores.gateway_store import GatewayStore
    from pe_dvc.project.destruction_book import Plan
    from pe_dvc.store.cache import Cache
    from pe_dvc.store.eviction import CacheEntry
    from pe_dvc.usecases.expired import Standing


@dataclass(frozen=True, kw_only=True)
class Stated(Result):
    """A statement of destruction that was made: of which grant, and how many files it names.

    ``entry`` is its number in the gateway's ledger, None of one that is to be sent yet. ``left``
    is how many copies were still here.
    """

    country: str
    grant: str
    files: int
    left: int
    no_other_copies: bool
    entry: int | None


@dataclass(kw_only=True)
class Expired(Result):
    """What became of data whose grants ended.

    ``ended`` are these grants. ``cache`` entries of pe_dvc's cache, ``documents`` (manifests and
    sidecars there, a number), DVC's objects by md5 and files of the workspace were removed.
    ``in_use`` was not, since a process reads it; ``kept`` and ``kept_dvc`` were not asked for.
    ``unsent`` says why statements could not be sent; the next run tries again.
    """

    ended: list[str] = field(default_factory=list)
    cache: list[CacheEntry] = field(default_factory=list)
    documents: int = 0
    dvc: list[str] = field(default_factory=list)
    workspace: list[str] = field(default_factory=list)
    in_use: list[CacheEntry] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    kept_dvc: list[str] = field(default_factory=list)
    stated: list[Stated] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)


def prune_expired(
    *,
    dvc_cache: bool = False,
    workspace: bool = False,
    no_other_copies: bool = False,
    store: str | None = None,
) -> Expired:
    """Ask the gateways of all countries trusted here what must go; delete it, and state it.

    Raises NotFoundError without a gateway; the errors of one that does not answer, once the
    others are done: then nothing of its countries was deleted.
    """
    repo, done = DataRepo.around(), Expired()
    countries = sorted({*trusted_countries(), *([repo.country] if repo else [])})
    failures, asked = list[PeDvcError](), 0
    for country in countries:
        own = repo if repo is not None and repo.country == country else None
        for gateway in gateways_of(country, store, own):
            asked += 1
            places = _Places(country, gateway, own, dvc_cache=dvc_cache, workspace=workspace)
            try:
                places.prune(done, no_other_copies=no_other_copies)
            except PeDvcError as error:
                failures.append(error)
    if not asked:
        raise NotFoundError(
            "no gateway is known here, and only a gateway knows which grants ended",
            remedy="Name it in PE_DVC_STORE, and pin the root of its country: docs/gateway.md.",
        )
    if failures:
        for one in done.stated:
            note_once(f"{one.country}: {one.files} files of the grant {one.grant} were deleted")
        raise failures[0]
    return done


class _Places:
    """All places of this machine that have data of one country."""

    def __init__(
        self,
        country: str,
        gateway: GatewayStore,
        repo: DataRepo | None,
        *,
        dvc_cache: bool,
        workspace: bool,
    ) -> None:
        self.country, self.gateway = country, gateway
        self.cache: Cache = open_cache()
        self.clone = None if repo is None else ExpiredClone(repo, self.cache)
        self.dvc_cache, self.workspace = dvc_cache, workspace
        self.book = DestructionBook(directories.state_dir(), country)

    def prune(self, done: Expired, *, no_other_copies: bool) -> None:
        """Delete what must go, and send all statements. Raises what the gateway's answer is."""
        standing = parse_standing(access(self.gateway, self.country), where=self.gateway.url)
        add_known_here(standing, self.country, self.cache)
        done.ended += [one.grant.id for one in standing.must_go]
        artifacts = {digest for one in standing.must_go for digest in one.artifacts}
        # All plans before the first file goes: what two grants named is stated for both.
        here = self._here(artifacts)
        plans = [(one, self._plan(one, here)) for one in self._with_plans(standing)]
        self._delete(artifacts, done)
        left = self._here(artifacts | {Sha256(sha) for _, plan in plans for _, sha in plan.files})
        for one, plan in plans:
            self._state(standing.person, one, plan, left, no_other_copies=no_other_copies)
        for digest in {digest for one in standing.must_go for digest in one.documents}:
            done.documents += self.cache.remove_document(digest)
        self._send(done)

    def _with_plans(self, standing: Standing) -> list[MustGo]:
        """Return the ended grants, and those renewed since a run that was killed."""
        ended = {one.grant.id for one in standing.must_go}
        planned = set(self.book.planned()) - ended
        return [
            *standing.must_go,
            *(MustGo(grant=one) for one in standing.grants if one.id in planned),
        ]

    def _here(self, digests: set[Sha256]) -> set[tuple[str, str]]:
        """Return which of these digests are here, each with the place."""
        found = {(e.sha256, "cache") for e in eviction.entries(self.cache) if e.sha256 in digests}
        return found | (set() if self.clone is None else self.clone.present(digests))

    def _plan(self, must_go: MustGo, here: set[tuple[str, str]]) -> Plan:
        """Return the plan for a grant, kept if there is anything in it."""
        plan, is_new = self.book.plan(must_go.grant.id), False
        for digest, place in here:
            wanted = place == "cache" or self._is_asked(place)
            if wanted and (dataset := must_go.artifacts.get(Sha256(digest))) is not None:
                plan.add(dataset, digest, place)
                is_new = True
        if is_new:
            self.book.keep_plan(plan)
        return plan

    def _is_asked(self, place: str) -> bool:
        return self.dvc_cache if place == "dvc-cache" else self.workspace

    def _delete(self, digests: set[Sha256], done: Expired) -> None:
        removed, in_use = eviction.remove_artifacts(self.cache, digests)
        done.cache += removed
        done.in_use += in_use
        if self.clone is not None:
            purged = self.clone.purge(digests, dvc_cache=self.dvc_cache, workspace=self.workspace)
            done.dvc += purged.dvc
            done.workspace += purged.workspace
            done.kept += [*purged.kept, *purged.changed, *purged.unlisted]
            done.kept_dvc += purged.kept_dvc

    def _state(
        self,
        person: str,
        must_go: MustGo,
        plan: Plan,
        left: set[tuple[str, str]],
        *,
        no_other_copies: bool,
    ) -> None:
        """Sign and keep a statement of what went, if anything did or the person declares it."""
        grant, files = must_go.grant, plan.destroyed(left)
        still = sum(1 for digest, _ in left if digest in must_go.artifacts)
        declared = no_other_copies and not still and grant.state == "ended"
        if files or (declared and not self.book.was_declared(grant.id)):
            key = PersonKey.open(directories.keys_dir())
            statement = Destruction(
                country=self.country,
                person=person,
                grant=grant.id,
                project=grant.project,
                licence=grant.licence,
                destroyed=now_text(),
                key=key.public,
                nonce=plan.nonce,
                left=still,
                no_other_copies=declared,
                files=files,
            )
            envelope = write_statements([key.sign(statement.to_bytes())])
            self.book.keep_statement(plan.nonce, envelope)
        self.book.drop_plan(grant.id)

    def _send(self, done: Expired) -> None:
        """Send all statements that wait; what the gateway does not take stays."""
        for nonce, envelope in list(self.book.unsent()):
            (signed,) = read_statements(envelope, where=nonce)
            made = parse_destruction(signed.payload, where=nonce)
            entry: int | None = None
            try:
                entry = state(self.gateway, self.country, envelope)
            except StoreError as error:
                done.unsent.append(f"{made.grant}: {error.message}")
            stated = Stated(
                country=self.country,
                grant=made.grant,
                files=len(made.files),
                left=made.left,
                no_other_copies=made.no_other_copies,
                entry=entry,
            )
            done.stated.append(stated)
            if entry is not None:
                self.book.sent(nonce, envelope, stated.to_json())
