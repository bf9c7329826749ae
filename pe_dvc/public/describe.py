"""What a dataset means, without its bytes: ``describe``, ``cite`` and ``find`` of ``pe_dvc``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.primitives.reference import Reference
from pe_dvc.project.reader import open_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pe_dvc.documents.codebook import Codebook
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.project.export import Exported
    from pe_dvc.usecases.read.describe import Description
    from pe_dvc.usecases.read.find import Findings


def describe(
    reference: str | Reference, *, store: str | None = None, offline: bool = False
) -> Description:
    """Return what a reference means now, with its manifest and its codebook.

    ``to("ddi")``, ``"croissant"``, ``"datapackage"``, ``"jsonschema"``, ``"datacite"``,
    ``"bibtex"`` and ``"citation"`` of it give text. Reads no payload. Raises as ``resolve``.
    """
    asked = Reference.of(reference)
    reader = open_reader(asked, store=store, offline=offline)
    return reader.describe(reader.resolve(asked))


def cite(
    reference: str | Reference,
    *,
    bibtex: bool = False,
    store: str | None = None,
    offline: bool = False,
) -> str:
    """Return how to cite what a reference means now, with the pin that always means its bytes.

    Reads no payload. Raises as ``resolve``.
    """
    found = describe(reference, store=store, offline=offline)
    return found.to("bibtex" if bibtex else "citation")


def find(
    text: str,
    country: str | None = None,
    *,
    channel: ChannelName = "latest",
    store: str | None = None,
    offline: bool = False,
) -> Findings:
    """Return the columns of a channel's datasets whose name or meaning has every word of ``text``.

    Without ``country``, of every country whose root is pinned here, and of the data repo around.
    Reads manifests and codebooks, and no payload. Offline those that this machine has read before.
    Raises NotFoundError for a country without that channel, and otherwise as ``resolve``.
    """
    from pe_dvc.project.find import find as project_find

    return project_find(text, country, channel=channel, store=store, offline=offline)


def export(
    reference: str | Reference,
    output: Path,
    *,
    table: str | None = None,
    period: str | None = None,
    columns: Sequence[str] = (),
    store: str | None = None,
    offline: bool = False,
    progress: bool = False,
) -> Exported:
    """Write one table of what a reference means to ``output``: .dta, .sav, .csv or .parquet.

    Variables and values are labelled from the codebook where the format has labels. ``columns``
    are those to write, all unless given. Raises as ``fetch``; NotFoundError for a table, period or
    column that is not there; FormatError for another suffix, where several tables or periods are
    there and none was named, and for numbers that the format does not hold exactly.
    """
    from pe_dvc.project.export import export as project_export
    from pe_dvc.public.reporting import reporter_for

    asked = Reference.of(reference)
    reader = open_reader(asked, store=store, reporter=reporter_for(progress), offline=offline)
    return project_export(reader, asked, Path(output), table=table, period=period, columns=columns)


def write_codebook(package: str, output: Path) -> Codebook:
    """Write to ``output`` what an installed model package says of its variables, and return it.

    Needs no data repo: run it where the model works. Raises NotFoundError if the package is not
    installed or says nothing, PeDvcError if it cannot be asked, FormatError for an ``output`` that
    is no file.
    """
    from pe_dvc.project.codebook import write_codebook as project_write

    return project_write(package, output)
