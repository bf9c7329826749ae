"""The proof that a channel's history was rewritten: signed documents, and what the tiles gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.canonical import readable_json
from pe_dvc.primitives.digest import sha256_bytes
from pe_dvc.primitives.errors import EquivocationError
from pe_dvc.trust.forks import FOLDER, keep_proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pe_dvc.trust.log_memory import ShownLog


class LogEvidence:
    """Keeps the evidence of rewritten histories of one country in the state directory."""

    def __init__(self, state_dir: Path, country: str) -> None:
        self._directory, self._country = state_dir / FOLDER / country, country

    def error(
        self,
        earlier: ShownLog,
        later: ShownLog,
        said: str,
        tiles: Mapping[str, bytes] | None = None,
        proof: Sequence[bytes] = (),
    ) -> EquivocationError:
        """Keep two publications and what was read of the log, and return the error.

        ``said`` is what the later one shows that cannot be.
        """
        kept = [self._keep(one, role) for one in (earlier, later) for role in _ROLES]
        kept.append(self._keep_log(earlier, later, said, tiles or {}, proof))
        files = list(dict.fromkeys(file for file in kept if file is not None))
        return EquivocationError(
            f"{said}: holders of the keys of snapshot and timestamp have rewritten what was "
            "published",
            first=earlier.place,
            second=later.place,
            evidence=str(self._directory),
            remedy="Nothing was read. The proof is kept in\n"
            + "".join(f"    {file}\n" for file in files)
            + "Send these files to the maintainers of the data. If an older pe_dvc published last, "
            "they push once more with a current one. If it was none of them, keys were stolen: "
            "they replace them, and begin a new log by the offline root; then you can read again.",
        )

    def _keep(self, shown: ShownLog, role: str) -> str | None:
        data: bytes = getattr(shown, role)
        return self._write(role, data) if data else None

    def _keep_log(
        self,
        earlier: ShownLog,
        later: ShownLog,
        said: str,
        tiles: Mapping[str, bytes],
        proof: Sequence[bytes],
    ) -> str:
        document = {
            "country": self._country,
            "said": said,
            "earlier": _names(earlier),
            "later": _names(later),
            "proof": [one.hex() for one in proof],
            "tiles": {key: data.hex() for key, data in tiles.items()},
        }
        return self._write("log", readable_json(document))

    def _write(self, kind: str, data: bytes) -> str:
        return keep_proof(self._directory, f"{kind}.{sha256_bytes(data)}.json", data)


_ROLES = ("timestamp", "snapshot")


def _names(shown: ShownLog) -> dict[str, str]:
    """Return the place of a publication, and the files of it that are kept beside."""
    files = {role: getattr(shown, role) for role in _ROLES}
    named = {role: f"{role}.{sha256_bytes(data)}.json" for role, data in files.items() if data}
    return {"place": shown.place, **named}
