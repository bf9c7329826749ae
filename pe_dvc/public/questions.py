"""Questions about published data: is it out of date, may a model read it, what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pe_dvc.public.arguments import references_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from pe_dvc.documents.compatibility import Compatibility
    from pe_dvc.documents.diff import Diff
    from pe_dvc.documents.staleness import Staleness
    from pe_dvc.primitives.reference import Reference


def stale(
    references: Sequence[str | Reference] | str | Reference = (),
    *,
    model_version: str | None = None,
    model_package: str | None = None,
    lockfile: Path | str | None = None,
    max_age: timedelta | None = None,
    store: str | None = None,
    offline: bool = False,
) -> list[Staleness]:
    """Return of each dataset what it was made from, line by line, against what there is now.

    ``references`` may hold countries, for all in their channels; without any, those of the data
    repo around the working directory. The model is ``model_package`` (``NAME``, ``NAME==VERSION``
    or a wheel) or of ``model_version``, else what ``lockfile`` or the data repo's pins, else what
    is installed. In a clone its files are compared, too. Raises as ``resolve``; FormatError for a
    model or lock file that cannot be read.
    """
    from pe_dvc.project.stale import Against, check_one_model
    from pe_dvc.project.stale import stale as project_stale

    against = Against(
        model_version=model_version,
        model_package=model_package,
        lockfile=Path(lockfile) if lockfile is not None else None,
        max_age=max_age,
        offline=offline,
    )
    check_one_model(against)
    return project_stale(references_of(references), store=store, against=against)


def compatible(
    references: Sequence[str | Reference] | str | Reference = (),
    *,
    model_version: str | None = None,
    model_package: str | None = None,
    lockfile: Path | str | None = None,
    store: str | None = None,
    offline: bool = False,
) -> list[Compatibility]:
    """Return of each dataset whether the model may read it, by what its releases claim.

    The parameters mean what they mean to ``stale``. A model may read what was built with its own
    version or its ``data_build_fingerprint``, and what a release that is not deprecated claims of
    it (PEP 440). Raises as ``stale``.
    """
    from pe_dvc.project.compatible import compatible as project_compatible
    from pe_dvc.project.stale import Against, check_one_model

    against = Against(
        model_version=model_version,
        model_package=model_package,
        lockfile=Path(lockfile) if lockfile is not None else None,
        offline=offline,
    )
    check_one_model(against)
    return project_compatible(references_of(references), store=store, against=against)


def diff(
    before: str | Path | Reference,
    after: str | Path | Reference,
    *,
    rows: bool | None = None,
    key: str | None = None,
    weight: str | None = None,
    country: str | None = None,
    store: str | None = None,
    offline: bool = False,
    progress: bool = False,
) -> Diff:
    """Return what changed between two references, channels, versions, git revisions or files.

    By manifests and profiles, without payloads. ``rows`` are compared as well where both payloads
    are on this machine: with True they are downloaded, with False never. ``key`` and ``weight``
    are columns of files that no manifest describes; ``country`` is that of words that name none,
    the data repo's by default. Raises NotFoundError and FormatError for a word that means nothing,
    and otherwise as ``fetch``.
    """
    from pe_dvc.project.diff import Asked
    from pe_dvc.project.diff import diff as project_diff
    from pe_dvc.project.diff_sides import Words
    from pe_dvc.public.reporting import reporter_for

    words = Words(country, store, offline=offline, reporter=reporter_for(progress))
    asked = Asked(rows=rows, key=key, weight=weight)
    return project_diff(str(before), str(after), words, asked)
