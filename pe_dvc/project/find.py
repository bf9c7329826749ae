"""Finds columns in the channels of one country, or of all that this machine can verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError, UntrustedError
from pe_dvc.primitives.names import check_country
from pe_dvc.project import directories
from pe_dvc.project.reader import Reader
from pe_dvc.usecases.read.find import find_columns, together

if TYPE_CHECKING:
    from pe_dvc.primitives.reference import ChannelName
    from pe_dvc.usecases.read.find import Findings


def find(
    text: str,
    country: str | None,
    *,
    channel: ChannelName = "latest",
    store: str | None = None,
    offline: bool = False,
) -> Findings:
    """Return the columns that are about something (``pe_dvc.find``)."""
    if country is not None:
        return _in_country(text, check_country(country), channel, store, offline)
    found, missing = [], []
    for each in countries_here():
        try:
            found.append(_in_country(text, each, channel, store, offline))
        except NotFoundError as error:  # a bucket may have one of the countries only
            missing.append(error)
    if missing and not found:
        raise missing[0]
    return together(found)


def _in_country(
    text: str, country: str, channel: ChannelName, store: str | None, offline: bool
) -> Findings:
    reader = Reader(country, store=store, offline=offline)
    reader.connect()
    return find_columns(
        text,
        country,
        channel,
        reader.channels.pointers(channel),
        lambda pointer: reader.describe(reader.resolve_pointer(pointer)),
    )


def countries_here() -> list[str]:
    """Return the countries whose roots are pinned, and that of the data repo around."""
    from pe_dvc.project.repo import DataRepo
    from pe_dvc.trust.pins import list_pins

    repo = DataRepo.around()
    own = {repo.country} if repo is not None else set()
    found = sorted({*list_pins(directories.config_dir()), *own})
    if not found:
        raise UntrustedError(
            "no country's root is pinned here",
            remedy="Pin one: pe-dvc trust add us root.json, with its data repo's root.json.",
        )
    return found
