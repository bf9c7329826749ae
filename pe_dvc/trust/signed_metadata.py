"""A country's signed metadata as git holds it, read once and verified once, then passed on.

Root chain: TUF specification 5.3; targets and what it delegates to: 5.6. ADR 0003.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from pe_dvc.trust.bucket_form import bucket_form
from pe_dvc.trust.roles import TARGETS_LIKE
from pe_dvc.trust.tuf_api import Metadata, MetaFile, Root, Targets
from pe_dvc.trust.verify import (
    check_fresh,
    check_one_id_each,
    check_root_chain,
    parse,
    verify_signed_by,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pe_dvc.trust.files import ChannelFiles


class SignedMetadata:
    """What ``files`` held when each role was first asked for. Nothing here changes a file.

    Raises NotFoundError for a file that is not there, FormatError for one that is not TUF
    metadata, and SignatureError for one whose delegator does not vouch for it.
    """

    def __init__(self, files: ChannelFiles) -> None:
        self.files = files
        self._where: dict[str, str] = {}
        self._bytes: dict[str, bytes] = {}
        self._parsed: dict[str, Metadata[Targets]] = {}
        self._verified: set[str] = set()

    @property
    def country(self) -> str:
        """The country whose metadata this is."""
        return self.files.country

    @property
    def roots(self) -> list[Metadata[Root]]:
        """Every root from version 1 on, each vouched for by the one before."""
        return self._root_chain[0]

    @property
    def root_files(self) -> list[bytes]:
        """The files of ``roots``, in the same order."""
        return self._root_chain[1]

    @cached_property
    def _root_chain(self) -> tuple[list[Metadata[Root]], list[bytes]]:
        where = self.where("root")
        current = parse(Root, self.data("root"), where=where)
        earlier = self.files.earlier_roots(current.signed.version)
        roots = [*(parse(Root, data, where=where) for data in earlier), current]
        check_root_chain(roots, where=where)
        return roots, [*earlier, self.data("root")]

    def comes_from(self, root: bytes) -> bool:
        """Return whether a root, a root.json, is one of the chain, which is verified."""
        if root in self.root_files:
            return True
        wanted = parse(Root, root, where="the root").signed
        return any(root.signed == wanted for root in self.roots)

    @property
    def root(self) -> Metadata[Root]:
        """The newest root."""
        return self.roots[-1]

    @property
    def targets(self) -> Metadata[Targets]:
        """The metadata that delegates to the channels, verified."""
        return self.verified("targets")

    def where(self, role: str) -> str:
        """Return the path of a role's file, for messages."""
        if role not in self._where:
            self._where[role] = str(self.files.path(role))
        return self._where[role]

    def data(self, role: str) -> bytes:
        """Return the bytes of a role's file."""
        if role not in self._bytes:
            self._bytes[role] = self.files.read_bytes(role)
        return self._bytes[role]

    def role(self, role: str) -> Metadata[Targets]:
        """Return the metadata of targets or of a role below it; signatures are not checked."""
        if role not in self._parsed:
            self._parsed[role] = parse(Targets, self.data(role), where=self.where(role))
        return self._parsed[role]

    def verified(self, role: str) -> Metadata[Targets]:
        """Return the metadata of targets or of a role below it, signed as its delegator asks."""
        metadata = self.role(role)
        if role not in self._verified:
            verify_signed_by(self.delegator(role), role, metadata, where=self.where(role))
            self._verified.add(role)
        return metadata

    def delegator(self, role: str) -> Root | Targets:
        """Return the metadata that names the keys of ``role``, verified."""
        is_top_level = role in ("root", "targets", "snapshot", "timestamp")
        return self.root.signed if is_top_level else self.targets.signed

    def meta_file(self, role: str) -> MetaFile:
        """Return what a snapshot says of a role's file: version, length and sha256."""
        data, _ = bucket_form(self.data(role), where=self.where(role))
        return MetaFile.from_data(self.role(role).signed.version, data, ["sha256"])

    def check_publishable(self, now: datetime, *, but: Collection[str] = ()) -> None:
        """Refuse what readers would refuse, in roles ``but`` some.

        Raises SignatureError, and ExpiredError at ``now``.
        """
        _ = self.roots, [self.role(role) for role in TARGETS_LIKE]
        check_fresh("root", self.root.signed, now, where=self.where("root"))
        for role, metadata in (("root", self.root), ("targets", self.targets)):
            check_one_id_each(metadata.signed, where=self.where(role))
        for role in TARGETS_LIKE:
            if role in but:
                continue
            check_fresh(role, self.verified(role).signed, now, where=self.where(role))

    def with_role(self, role: str, data: bytes) -> SignedMetadata:
        """Return the same metadata, but for the file of one role below targets."""
        other = copy(self)
        other._bytes = self._bytes | {role: data}
        other._parsed = {name: parsed for name, parsed in self._parsed.items() if name != role}
        other._verified = self._verified - {role}
        return other

    def up_to_root(self, version: int) -> SignedMetadata:
        """Return the same metadata as of an earlier root, which vouches for targets as well."""
        earlier = copy(self)
        earlier._root_chain = self.roots[:version], self.root_files[:version]
        return earlier
