"""``pe-dvc witness``: settings, key and records of a witness, opened on this machine."""

from __future__ import annotations

import signal
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, NotFoundError, VerificationError
from pe_dvc.primitives.result import Result
from pe_dvc.project.config_file import ConfigFile
from pe_dvc.tlog.note import COSIGNATURE, VerifierKey
from pe_dvc.witness.cosigner import Witness
from pe_dvc.witness.from_bucket import Cosigned
from pe_dvc.witness.key import open_key
from pe_dvc.witness.records import Records
from pe_dvc.witness.settings import MAX_BYTES, WitnessSettings, parse_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.gateway.ledger_key import LedgerSigner


@dataclass(frozen=True, kw_only=True)
class CosignedLogs(Result):
    """Which logs were cosigned, and why others were not, by origin."""

    cosigned: tuple[Cosigned, ...]
    refused: dict[str, str]


class WitnessHere:
    """The witness that the file ``config`` describes; paths in it are relative to that file.

    ``key`` is the file of its private key, where it is another one than the settings name.
    """

    def __init__(self, config: Path, key: Path | None = None) -> None:
        self._file = ConfigFile(config, page="docs/witnesses.md", limit=MAX_BYTES)
        self.settings: WitnessSettings = parse_settings(self._file.data, where=str(config))
        self._key = self._file.path(self.settings.key) if key is None else key

    def key(self) -> str:
        """Return the public key as text, for who is to trust it; make the pair if there is none."""
        return str(self._public(open_key(self._key, create=True)))

    def witness(self) -> Witness:
        """Return what signs, by the key that must be there already."""
        signer = open_key(self._key)
        records = Records(self._file.path(self.settings.state))
        logs = self.settings.log_keys()
        return Witness(self._public(signer), signer.sign, logs, records, time.time)

    def cosign(self) -> CosignedLogs:
        """Cosign what is published now of every log of which the settings name a store."""
        from pe_dvc.project.stores import open_store
        from pe_dvc.witness.from_bucket import cosign_published

        witness, cosigned, refused = self.witness(), list[Cosigned](), dict[str, str]()
        for one in self.settings.logs:
            if one.store is None or one.country is None:
                continue
            place = self._file.address(one.store)
            try:
                found = cosign_published(
                    witness, one.origin, open_store(place), one.country, one.number
                )
            except (FormatError, VerificationError, NotFoundError) as error:
                refused[one.origin] = str(error)
            else:
                cosigned.append(found)
        return CosignedLogs(cosigned=tuple(cosigned), refused=refused)

    def serve(self, *, host: str, port: int) -> None:
        """Serve until SIGINT or SIGTERM; requests that began are finished first."""
        from pe_dvc.gateway.server import taken_port
        from pe_dvc.witness.server import server_of

        server = server_of(self.witness(), host=host, port=port)
        with closing(taken_port(host, port, "--port")) as taken:
            signal.set_wakeup_fd(-1)  # uvicorn hears of signals itself
            with suppress(KeyboardInterrupt):
                server.run(sockets=[taken])

    def _public(self, signer: LedgerSigner) -> VerifierKey:
        return VerifierKey(self.settings.name, signer.public, COSIGNATURE)
