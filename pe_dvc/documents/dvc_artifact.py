"""An artifact as dvc.yaml declares it, before it is known whether it is a dataset of pe_dvc's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DeclaredArtifact:
    """An entry of ``artifacts:`` as DVC reads it, with ``path`` relative to the repo.

    ``file`` is the dvc.yaml that holds it, ``others`` its further keys; ``noted`` is the statement
    of its producer that an import noted beside the file.
    """

    name: str
    path: str
    meta: Any
    file: str
    others: Mapping[str, Any] = field(default_factory=dict)
    noted: str | None = None

    @property
    def declares(self) -> bool:
        """Whether it is a dataset of pe_dvc's."""
        return isinstance(self.meta, Mapping) and "pe" in self.meta

    @property
    def type(self) -> Any:
        """What DVC is told that it is: any word, such as ``dataset``; None where it is not."""
        return self.others.get("type")
