"""What belongs to the whole data repo: ``[tool.pe_dvc]`` of its pyproject.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.dataclass_reader import Read, read_plain, whole_number
from pe_dvc.documents.disclosure import MINIMUM_CARRIERS, Access, Disclosure, default_access
from pe_dvc.documents.dvc_files import is_dvc_file
from pe_dvc.documents.key_errors import wrong_value
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country, check_in_work_tree
from pe_dvc.primitives.toml_reader import read_toml
from pe_dvc.project.root import FILE, TABLE, with_pyproject
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.documents.mirrors import MirrorTable
    from pe_dvc.documents.release_settings import ReleaseSettings
    from pe_dvc.documents.witness_table import WitnessTable


GATED = "gated"
"""Of a channel: builds pass the gates of their datasets first."""

MAX_BYTES = 256 * 1024
"""Most bytes of a pyproject.toml."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The snapshot of calibration targets: its id, and the file that holds it."""

    snapshot_id: str
    path: str


@dataclass(frozen=True, kw_only=True)
class DisclosureTable:
    """What a steward decided about what is said of microdata."""

    minimum_carriers: int = MINIMUM_CARRIERS
    """Units that any number must rest on, of a gated country."""


@dataclass(frozen=True, kw_only=True)
class ChannelSettings:
    """What the channels are held to: ``latest`` is ``gated``, or takes every build.

    ``bins`` says whether pointers are in bins; None leaves each channel as it is.
    """

    latest: str | None = None
    bins: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ReleaseTable:
    """The table ``[tool.pe_dvc.release]`` as it stands in ``file``."""

    value: Any
    file: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The table ``[tool.pe_dvc]``. Paths are relative to the repo, with forward slashes."""

    country: str
    store: str | None = None
    """URL of the store, where it is not derived from the DVC remote."""
    remote: str | None = None
    """Name of the DVC remote, where it is not DVC's default one."""
    branch: str | None = None
    """The branch whose ``git push`` publishes, where it is not the git remote's default branch."""
    contact: str | None = None
    access: Access | None = None
    """Whether the microdata are public or gated, where it is not the country's default."""
    disclosure: DisclosureTable = field(default_factory=DisclosureTable)
    model_package: str | None = None
    core_package: str | None = None
    lockfile: str | None = None
    unlocked: dict[str, str] = field(default_factory=dict)
    """Packages whose installed version may be another than the locked one, with the reason."""
    model_wheel: str | None = None
    """The wheel of the model, for its fingerprint where it is not installed."""
    data_vintage: str | None = None
    licence: str | None = None
    """Of datasets that declare none of their own; ``citation`` likewise."""
    citation: str | None = None
    calibration: Calibration | None = None
    manifests: str = "manifests"
    channels: str = "channels"
    signers: dict[str, str | list[str]] = field(default_factory=dict)
    """For each role of a channel, the URIs of its signers."""
    channel: ChannelSettings = field(default_factory=ChannelSettings)
    release: ReleaseTable | None = None
    mirrors: dict[str, MirrorTable] = field(default_factory=dict)
    """Other stores that hold copies, by name."""
    copies: int = 0
    """How many copies must remain in mirrors of what ``pe-dvc gc`` removes from the store."""
    witnesses: dict[str, WitnessTable] = field(default_factory=dict)
    """Who is asked to cosign the channel's log, by name."""
    single_publisher: bool = False
    """Whether only one machine ever publishes: then a store may ignore conditional writes."""
    allowed_params: tuple[str, ...] = ()
    """Parameters published although they look secret, as ``params.yaml:train.api_key``."""

    def is_own(self, path: str) -> bool:
        """Tell whether a file of the data repo is pe_dvc's or DVC's, and so must be committed."""
        folders = (f"{self.manifests}/", f"{self.channels}/")
        return path == FILE or is_dvc_file(path) or path.startswith(folders)

    @property
    def disclosure_rule(self) -> Disclosure:
        """What may be said of numbers and values computed from the microdata."""
        return Disclosure(
            access=self.access or default_access(self.country),
            minimum_carriers=self.disclosure.minimum_carriers,
        )

    @property
    def release_settings(self) -> ReleaseSettings | None:
        """What is declared about releases, None if nothing is. Raises FormatError."""
        # Not read with the rest: its models take long to load, and few commands ask.
        from pe_dvc.documents.pydantic_reader import read_strict
        from pe_dvc.documents.release_settings import ReleaseSettings

        if self.release is None:
            return None
        value, file = self.release.value, self.release.file
        return read_strict(ReleaseSettings, value, file=file, path=f"{TABLE}.release")


def read_settings(root: Path) -> Settings:
    """Return the settings of the repo at ``root``.

    Raises NotFoundError without a pyproject.toml, and FormatError, naming the key and the
    remedy, where the table is missing or wrong.
    """
    path = with_pyproject(root) / FILE
    return parse_settings(read_document(path, limit=MAX_BYTES), where=str(path))


def parse_settings(data: bytes, *, where: str) -> Settings:
    """Return the settings in the bytes of a pyproject.toml. Raises FormatError."""
    document = read_toml(data, where=where, limit=MAX_BYTES, remedy="Correct the file.")
    table = _table(document, where)
    settings = read_plain(Settings, table, file=where, path=TABLE, readers=_READERS)
    check_country(settings.country, where=f"{where}: {TABLE}.country")
    for key in ("manifests", "channels", "lockfile", "model_wheel"):
        _check_inside(getattr(settings, key), key, where)
    if settings.calibration is not None:
        _check_inside(settings.calibration.path, "calibration.path", where)
    return settings


def _signers(value: Any, *, file: str, path: str) -> dict[str, str | list[str]]:
    if not isinstance(value, Mapping):
        raise wrong_value("expected the URIs of each role", value, file=file, path=path)
    for role, uris in value.items():
        if not all(isinstance(uri, str) for uri in (uris if isinstance(uris, list) else [uris])):
            fault = "expected a URI or a list of them"
            raise wrong_value(fault, uris, file=file, path=f"{path}.{role}")
    return dict(value)


def _access(value: Any, *, file: str, path: str) -> Access:
    if value not in ("public", "gated"):
        raise wrong_value('expected "public" or "gated"', value, file=file, path=path)
    return "gated" if value == "gated" else "public"


def _flag(value: Any, *, file: str, path: str) -> bool:
    if not isinstance(value, bool):
        raise wrong_value("expected true or false", value, file=file, path=path)
    return value


def _channel(value: Any, *, file: str, path: str) -> ChannelSettings:
    found = read_plain(ChannelSettings, value, file=file, path=path, readers={"bins": _flag})
    if found.latest not in (None, GATED):
        fault = f'expected "{GATED}", or no such key'
        raise wrong_value(fault, found.latest, file=file, path=f"{path}.latest")
    return found


def _release(value: Any, *, file: str, path: str) -> ReleaseTable:
    return ReleaseTable(value=value, file=file)


def _texts(value: Any, *, file: str, path: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong_value("expected a list of texts", value, file=file, path=path)
    return tuple(value)


def _reasons(value: Any, *, file: str, path: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise wrong_value("expected a reason for each package", value, file=file, path=path)
    for name, reason in value.items():
        if not isinstance(reason, str) or not reason.strip():
            raise wrong_value("expected a reason", reason, file=file, path=f"{path}.{name}")
    return dict(value)


def _mirrors(value: Any, *, file: str, path: str) -> dict[str, MirrorTable]:
    from pe_dvc.documents.mirrors import read_mirrors

    return read_mirrors(value, file=file, path=path)


def _witnesses(value: Any, *, file: str, path: str) -> dict[str, WitnessTable]:
    from pe_dvc.documents.witness_table import read_witnesses

    return read_witnesses(value, file=file, path=path)


_DISCLOSURE: dict[str, Read] = {
    "minimum_carriers": whole_number("a number of units, 1 or more", least=1)
}

_READERS: dict[str, Read] = {
    "access": _access,
    "copies": whole_number("a number of copies", least=0),
    "mirrors": _mirrors,
    "calibration": partial(read_plain, Calibration),
    "disclosure": partial(read_plain, DisclosureTable, readers=_DISCLOSURE),
    "signers": _signers,
    "channel": _channel,
    "release": _release,
    "single_publisher": _flag,
    "allowed_params": _texts,
    "unlocked": _reasons,
    "witnesses": _witnesses,
}
"""What reads each key that is no text."""


def _table(document: dict[str, Any], path: str) -> Any:
    tool = document.get("tool")
    if not isinstance(tool, dict) or "pe_dvc" not in tool:
        raise FormatError(
            "is missing",
            where=f"{path}: {TABLE}",
            remedy=f'Run pe-dvc init, or add [{TABLE}] with country = "us" to {path}.',
        )
    return tool["pe_dvc"]


def _check_inside(value: str | None, key: str, path: str) -> None:
    try:
        check_in_work_tree(value if value is not None else "x")
    except FormatError:
        raise FormatError(
            f"{value!r} is not a path in the repo: expected a relative one without '..', "
            "and not in .git or .dvc",
            where=f"{path}: {TABLE}.{key}",
            remedy=f"Write {key} relative to the repo, with forward slashes.",
        ) from None
