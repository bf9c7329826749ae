"""``witness.toml``: whose word a witness has, and which logs it watches. No secret stands in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from pe_dvc.documents.pydantic_reader import StrictRecord, read_strict
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country
from pe_dvc.primitives.toml_reader import read_toml
from pe_dvc.tlog.note import ED25519, VerifierKey, check_key_name

MAX_BYTES = 1024 * 1024


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class WitnessedLog(StrictRecord):
    """A log: its ``origin``, and the ``keys`` that sign its checkpoints, as verifier keys.

    ``store`` and ``country`` say where ``witness cosign`` reads it; ``number`` which log of that
    country, after a new one was begun.
    """

    origin: Annotated[str, Field(min_length=1)]
    keys: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
    store: str | None = None
    country: str | None = None
    number: Annotated[int, Field(ge=1)] = 1


class WitnessSettings(StrictRecord):
    """All of ``witness.toml``. Paths are relative to it.

    ``name`` is the witness's, in its cosignatures: an address without scheme, such as
    ``witness.example.org/one``. ``key`` is the file of its private key, ``state`` the directory of
    what it signed last.
    """

    name: str
    key: str
    state: str
    logs: Annotated[tuple[WitnessedLog, ...], BeforeValidator(_listed)] = ()

    def log_keys(self) -> dict[str, tuple[VerifierKey, ...]]:
        """Return the keys of each log, by its origin."""
        return {one.origin: tuple(map(VerifierKey.parse, one.keys)) for one in self.logs}


def parse_settings(data: bytes, *, where: str) -> WitnessSettings:
    """Return the settings in the bytes of a witness.toml. Raises FormatError naming the key."""
    document = read_toml(data, where=where, limit=MAX_BYTES, remedy="Correct the file.")
    found = read_strict(WitnessSettings, document, file=where, path="")
    check_key_name(found.name, where=f"{where}: name")
    origins = [one.origin for one in found.logs]
    for index, one in enumerate(found.logs):
        at = f"{where}: logs.{index}"
        if origins.count(one.origin) > 1:
            raise FormatError(f"the log {one.origin} is listed twice", where=at)
        if (one.store is None) != (one.country is None):
            raise FormatError("store and country go together", where=at)
        if one.country is not None:
            check_country(one.country, where=at)
        for key in one.keys:
            _check_log_key(key, where=f"{at}.keys")
    return found


def _check_log_key(text: str, *, where: str) -> None:
    try:
        kind = VerifierKey.parse(text).kind
    except FormatError as error:
        raise FormatError(error.message, where=where) from None
    if kind != ED25519:
        raise FormatError("expected a log's key, got a witness's", where=where)
