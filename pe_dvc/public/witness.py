"""``pe_dvc.Witness``: cosign logs that only grow, for readers of others' data."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pe_dvc.project.witness import CosignedLogs, WitnessHere


class Witness:
    """The witness that a file ``witness.toml`` describes (docs/witnesses.md).

    The file is read when it is first needed: every method raises NotFoundError without it, and
    FormatError for what is wrong in it. ``key`` is the file of the private key, where it is another
    one than the settings name.
    """

    def __init__(
        self, config: Path | str = "witness.toml", *, key: Path | str | None = None
    ) -> None:
        self._config = Path(config).absolute()
        self._key = None if key is None else Path(key).absolute()

    @cached_property
    def _here(self) -> WitnessHere:
        from pe_dvc.project.witness import WitnessHere

        return WitnessHere(self._config, self._key)

    def key(self) -> str:
        """Return the witness's public key as text, which maintainers list in their root.

        The private key is made where there is none, in a file that is its owner's alone, and never
        inside a git work tree: FormatError otherwise, and for one that others can read.
        """
        return self._here.key()

    def cosign(self) -> CosignedLogs:
        """Cosign what is published now of every log of which the settings name a store.

        What contradicts what was signed before is ``refused``, and kept as evidence beside the
        record. Raises StoreError, and NotFoundError without a private key.
        """
        return self._here.cosign()

    def serve(self, *, host: str = "127.0.0.1", port: int = 8081) -> None:
        """Serve C2SP tlog-witness until SIGINT or SIGTERM; requests that began are finished first.

        Raises NotFoundError without a private key (``key`` makes it), ConflictError for a port that
        is in use, FormatError for an address that is not this machine's.
        """
        self._here.serve(host=host, port=port)
