"""What a witness is told of a country's log: the ``[[logs]]`` entry of its ``witness.toml``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.documents.channel_log import log_name
from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.primitives.result import Result
from pe_dvc.trust.verify import role_keys
from pe_dvc.usecases.publish.log_checkpoint import ROLE, verifier_key

if TYPE_CHECKING:
    from pe_dvc.project.repo import DataRepo


@dataclass(frozen=True, kw_only=True)
class WitnessEntry(Result):
    """A country's log, as a witness asks for it.

    ``origin`` is its name, ``keys`` sign its states (verifier keys, as text), ``store`` and
    ``country`` say where it is read, and ``number`` which log it is, after a new one was begun.
    """

    origin: str
    keys: tuple[str, ...]
    store: str
    country: str
    number: int

    def to_toml(self) -> str:
        """Return it as the lines that stand in ``witness.toml``."""
        # Text of JSON is text of TOML, too.
        lines = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in self.to_json().items()
            if (name, value) != ("number", 1)
        ]
        return "\n".join(["[[logs]]", *lines, ""])


def witness_entry(repo: DataRepo) -> WitnessEntry:
    """Return the entry of a repo's log, by the root in git.

    Raises NotFoundError where no key of the timestamp is of Ed25519: no witness can follow it.
    """
    metadata = repo.signed_metadata()
    root, where = metadata.root.signed, metadata.where("root")
    name = log_name(root.unrecognized_fields, repo.country, where=where)
    found = [verifier_key(key, name.origin) for key in role_keys(root, ROLE)]
    keys = tuple(str(key) for key in found if key is not None)
    if not keys:
        raise NotFoundError(
            f"{where}: no key of {ROLE} is of Ed25519, and witnesses know no other",
            remedy=f"Replace it: pe-dvc channel keys rotate {ROLE}.",
        )
    store = repo.own_store_url
    return WitnessEntry(
        origin=name.origin,
        keys=keys,
        store=store if "://" in store else str(repo.root / store),
        country=repo.country,
        number=name.number,
    )
