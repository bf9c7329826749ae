"""The errors of pe_dvc: one base class and one family per thing that can go wrong.

An error carries data (what was expected, what came, where) and says it in one
plain sentence. Exit codes and layout belong to the command line, which reads
these classes (``pe_dvc.cli.failures``).

Some are an error of Python's as well, so that code around pandas and fsspec, which knows nothing
of pe_dvc, can catch them: a missing dataset is a FileNotFoundError. What does not verify, or was
revoked, is none of these: who catches a missing file or a lost network does not pass over it.

So code that catches such an error of Python's, around calls of ours, lets a PeDvcError pass first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pe_dvc.primitives.redact import redact_text

if TYPE_CHECKING:
    from datetime import datetime

LONGEST = 20_000
"""Characters of a message that are told."""


class PeDvcError(Exception):
    """Base of every error that pe_dvc raises on purpose.

    ``remedy`` is one sentence that says what to do next, where that is known. Passwords and
    tokens are taken out of both, as messages end in logs and in issues.
    """

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        message = _told(message)
        remedy = _told(remedy) if remedy else remedy
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the message, and the remedy below it: all that logs and tracebacks show."""
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error reach the parent of a worker process: else a pool never returns."""
        return _restored, (type(self), self.args, self.__dict__)


def _told(text: str) -> str:
    """Return what people may read of a text, which a stranger may have made long, or secret."""
    # Cut twice, so that a secret that the first cut halves is not told either.
    whole = text if len(text) <= LONGEST else text[: LONGEST + 1000]
    told = redact_text(whole)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def _restored(kind: type[PeDvcError], args: tuple[Any, ...], state: dict[str, Any]) -> PeDvcError:
    error = kind.__new__(kind, *args)
    error.args = args  # which OSError leaves to __init__
    error.__dict__.update(state)
    return error


class FormatError(PeDvcError, ValueError):
    """A document, reference or declaration is not of the form it must have.

    ``where`` is the file, key or field at fault, as precise as is known.
    """

    def __init__(
        self, message: str, *, where: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(f"{where}: {message}" if where else message, remedy=remedy)
        self.where = _told(where) if where else where


class UnsupportedVersionError(FormatError):
    """A document is of a newer major schema version than this reader knows."""


class VerificationError(PeDvcError):
    """Something was read that is not what was signed or asked for."""


class DigestMismatchError(VerificationError):
    """Bytes do not have the digest or the length that was promised for them."""

    def __init__(
        self,
        *,
        what: str,
        expected: str,
        actual: str,
        source: str,
        remedy: str | None = None,
    ) -> None:
        super().__init__(
            f"{what} is not what was promised: expected {expected}, got {actual}, from {source}",
            remedy=remedy,
        )
        self.what, self.expected, self.actual = what, expected, actual
        self.source = redact_text(source)


class SignatureError(VerificationError):
    """Metadata lacks valid signatures of enough of the role's keys."""


class ExpiredError(VerificationError):
    """Signed metadata is past its expiry (UTC)."""


class RollbackError(VerificationError):
    """The store shows older metadata than was seen before."""


class EquivocationError(VerificationError):
    """Two documents are validly signed and contradict each other: the proof of a fork.

    They are of one version of one role, or their channel's log has two histories. ``first`` and
    ``second`` name the two places, ``evidence`` is the directory that keeps the proof.
    """

    def __init__(
        self, message: str, *, first: str, second: str, evidence: str, remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.first, self.second = redact_text(first), redact_text(second)
        self.evidence = evidence


class UntrustedError(VerificationError):
    """A person must first say that this may be trusted.

    A root: none is pinned for a country, or another one than the clone has. Or a clone: it is
    another user's, or names a program or an endpoint that its user never named.
    """


class RevokedError(PeDvcError):
    """The artifact was withdrawn by its data stewards, in metadata that they signed.

    ``sha256`` is the artifact's, ``reference`` what was asked for. ``reason``, ``authority`` (who
    decided), ``contact`` (whom to ask) and ``replacement`` (a pinned reference) are the stewards'
    words, ``revoked`` when, an aware time in UTC; None is what they did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        reference: str,
        remedy: str | None = None,
        sha256: str | None = None,
        reason: str | None = None,
        authority: str | None = None,
        contact: str | None = None,
        revoked: datetime | None = None,
        replacement: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.reference, self.sha256 = reference, sha256
        self.reason, self.authority, self.contact = reason, authority, contact
        self.revoked, self.replacement = revoked, replacement

    @property
    def brief(self) -> str:
        """What happened, without what it happened to, for lists."""
        when = f" on {self.revoked:%Y-%m-%d}" if self.revoked else ""
        return f"withdrawn{when} by {self.authority or 'the data stewards'}: {self.reason or '-'}"

    def to_json(self) -> dict[str, Any]:
        """Return what is known of the withdrawal as plain JSON values."""
        when = self.revoked and self.revoked.strftime("%Y-%m-%dT%H:%M:%SZ")
        names = ("reference", "sha256", "reason", "authority", "contact", "replacement")
        return {**{name: getattr(self, name) for name in names}, "revoked": when}


class NotFoundError(PeDvcError, FileNotFoundError):
    """What was asked for does not exist: an object, a dataset, a file, a repo."""


class NotPublishedError(NotFoundError):
    """No version of a role that the country has was published yet."""


class UnknownNameError(PeDvcError, KeyError):
    """A manifest has no table, or a table no column, of that name."""


class GateError(PeDvcError):
    """A nominated dataset does not keep to what its declaration asks for.

    ``failures`` holds one sentence for each gate and column, ``results`` what every gate found, by
    dataset (``documents.gate_note.GateResults``), where they were kept.
    """

    def __init__(
        self,
        message: str,
        *,
        failures: tuple[str, ...],
        remedy: str,
        results: Any = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.failures = failures
        self.results = results


class ConflictError(PeDvcError):
    """Another writer was first: the store holds something other than what was to be written."""


class MovedError(ConflictError):
    """Another publisher changed ``role`` in the meantime."""

    def __init__(self, message: str, *, role: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.role = role


class StoreError(PeDvcError, OSError):
    """The store could not do what was asked of it.

    ``operation`` is the verb (``read``, ``write`` …) and ``key`` the object's key or URL.
    """

    def __init__(
        self, message: str, *, operation: str, key: str, remedy: str | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.operation, self.key = operation, redact_text(key)


class StoreUnavailableError(StoreError, ConnectionError):
    """The store cannot be reached, or kept failing after bounded retries."""


class LedgerUnavailableError(StoreUnavailableError):
    """The ledger of reads could not keep an entry, so that nothing is handed out.

    ``key`` is its database.
    """

    def __init__(self, reason: str, *, where: str, operation: str = "append") -> None:
        super().__init__(
            f"the ledger of reads at {where} cannot be used: {reason}",
            operation=operation,
            key=where,
            remedy="Look at its database: whether it runs, and whether its disk has room. What "
            "was kept stays kept.",
        )


class CredentialsError(PeDvcError):
    """Who asks a gateway could not be verified: no token, or one that is worth nothing here."""


class StorePermissionError(StoreError, PermissionError):
    """The store refused the credentials, or there are none."""


class NotDeletedError(StoreError):
    """Some objects could not be removed, the others were.

    ``failures`` is the error of each that remains, by key.
    """

    def __init__(self, failures: dict[str, StoreError], *, of: int) -> None:
        key, first = next(iter(failures.items()))
        super().__init__(
            f"{of - len(failures)} of {of} objects were removed, {len(failures)} were not; "
            f"the first of these: {first.message}",
            operation="delete",
            key=key,
            remedy=first.remedy,
        )
        self.failures = failures


class DiskFullError(PeDvcError, OSError):
    """This machine has no room for a file: its disk or the user's quota is full.

    ``path`` is the file, ``reason`` what the operating system says.
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(
            f"cannot write {path}: {reason}",
            remedy="Free some space there, then run the same command again: what is complete was "
            "kept.",
        )
        self.path, self.reason = str(path), reason


class ReleaseError(PeDvcError):
    """A git tag cannot become, or is not, the release it is said to be."""
