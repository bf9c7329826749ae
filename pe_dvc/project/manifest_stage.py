"""The stage of ``dvc repro`` that writes manifests, and the files that it must depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pe_dvc.adapters.dvc.lineage import Lineage
from pe_dvc.documents.dvc_files import PIPELINE
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.adapters.dvc.files import DvcFiles
    from pe_dvc.documents.declaration import Declaration

COMMAND = "pe-dvc manifest write"


class MissingDep(NamedTuple):
    """A dataset whose changes make ``dvc repro`` write no manifest.

    ``dep`` is the file or directory that the deps of the stage lack; ``where`` is their place.
    """

    name: str
    dep: str
    where: str

    @property
    def remedy(self) -> str:
        """What to do, as the start of a sentence."""
        return f"add the line `- {self.dep}` to {self.where}"


def missing_deps(dvc: DvcFiles, declarations: Iterable[Declaration]) -> dict[str, MissingDep]:
    """Return the datasets that no stage which writes manifests depends on, by name.

    Empty where no stage of the repo writes manifests: then something else runs the command.
    """
    stages = [stage for stage in dvc.stages_calling(COMMAND) if not stage.generated]
    if not stages:
        return {}
    file, _, name = stages[0].address.rpartition(":")
    where, lineage = f"{file or PIPELINE}: stages.{name}.deps", Lineage(dvc)
    found = {}
    for declaration in declarations:
        if not any(stage.depends_on(declaration.path) for stage in stages):
            output = lineage.output_of(declaration.path)
            dep = output.path if output is not None else declaration.path
            found[declaration.name] = MissingDep(name=declaration.name, dep=dep, where=where)
    return found


def check_deps(dvc: DvcFiles, declarations: Iterable[Declaration]) -> None:
    """Raise FormatError, naming the lines to add, for datasets in ``missing_deps``."""
    found = missing_deps(dvc, declarations)
    if not found:
        return
    first = next(iter(found.values()))
    lines = sorted({f"- {one.dep}" for one in found.values()})
    raise FormatError(
        f"lacks {first.dep} of the dataset {first.name}"
        + (f", and those of {len(found) - 1} more" if len(found) > 1 else "")
        + ": dvc repro would write no new manifest when it changes",
        where=first.where,
        remedy="Add to it:\n    " + "\n    ".join(lines),
    )
