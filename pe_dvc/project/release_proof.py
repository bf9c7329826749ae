"""The proof that goes with an exported release: that it is in the channel's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import NotFoundError
from pe_dvc.usecases.progress import Silent

if TYPE_CHECKING:
    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.signed_metadata import SignedMetadata
    from pe_dvc.usecases.progress import Reporter
    from pe_dvc.usecases.release.make_log_proof import MadeProof


def log_proof(
    store: ReadableStore, signed: SignedMetadata, reporter: Reporter | None
) -> MadeProof | None:
    """Return the proof of what is exported; None, and a note that says why, where there is none.

    Raises VerificationError where the files of the log were altered, and StoreError.
    """
    from pe_dvc.usecases.release.make_log_proof import make_log_proof

    try:
        return make_log_proof(store, signed)
    except NotFoundError as error:
        said = " ".join(str(error).split("\n"))  # a note is one line
        (reporter or Silent()).note(f"exported without proof from the channel's log: {said}")
        return None
