"""What obstore raises, as the errors of pe_dvc.

obstore has few exception classes and puts the HTTP status, S3's error code and the kind of a
network failure into its text alone; what is found there is said again without the rest, since
addresses may carry signatures.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pe_dvc.adapters.stores.advice import OF_ENVIRONMENT, Advice
from pe_dvc.adapters.stores.fork_guard import refuse_fork
from pe_dvc.adapters.stores.redirects import NOWHERE
from pe_dvc.primitives.errors import (
    LONGEST,
    ConflictError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from pe_dvc.primitives.redact import redact_text
from pe_dvc.primitives.turns import blocking_wait

# Texts, which `re` compiles once something fails.
_STATUS = r"status code: (\d{3}) ([A-Za-z ]+)"
_CODE = r"<Code>(\w+)</Code>"
_MESSAGE = r"<Message>([^<]{1,200})</Message>"
_NETWORK = r"kind: (\w+)"
_CAUSES = r"(?i)dns error|connection (?:refused|reset)|network is unreachable"
_UNTRUSTED = r"(?i)InvalidCertificate|invalid peer certificate"
_ELSEWHERE = r"redirect without LOCATION|status code: 301|AuthorizationHeaderMalformed"
# The last is azurite's answer to a range of an empty object.
_PAST_END = r"status code: 416|Wanted range starting at|bytes 0--1/0"
_STRANGE_KEY = r"Encountered object with invalid path[^\n]*"
_LOST = r"(?i)connection (?:reset|aborted|closed)|broken pipe"
_REPEATED = r"after [1-9]\d* retries"
_UNDECIDED = "ConditionalRequestConflict"
_CREDENTIALS = r"(?i)token request|CredentialError|credential"
_LIMIT = r"Tokio runtime|spawn worker thread|PoisonError"
"""Of a panic where obstore, first used, starts its threads, and of each after that one."""
_CHECK_CLOCK = (
    "This machine's clock and the store's differ by more than a quarter of an hour: set it."
)


class StoreRequest(NamedTuple):
    """A request to a store: its verb, the address of the bucket and the key below it.

    ``advice`` is what people can do if it fails.
    """

    verb: str
    url: str
    key: str
    advice: Advice = OF_ENVIRONMENT

    @property
    def address(self) -> str:
        """The address of the object."""
        return f"{self.url}/{self.key}" if self.key else self.url


class ErrorTranslator:
    """Turns what obstore raises within into the errors of pe_dvc, which name the request."""

    # No generator, as thousands of requests pass through two of these each.
    def __init__(self, request: StoreRequest) -> None:
        self._request = request
        self._waiting = blocking_wait()

    def __enter__(self) -> None:
        refuse_fork(self._request.verb, self._request.key)
        self._waiting.__enter__()

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        self._waiting.__exit__()
        if isinstance(error, Exception) and _is_ours(error):
            problem = translate(error, self._request)
            error.args = (redact_text(str(error)[:LONGEST]),)  # tracebacks show it as the cause
            raise problem from error
        if type(error).__name__ == "PanicException" and re.search(_LIMIT, str(error)):
            raise _limited(self._request, str(error)) from error


def _is_ours(error: Exception) -> bool:
    # By the name of its module: only the adapter itself imports obstore.
    of_obstore = type(error).__module__ == "obstore.exceptions"
    return of_obstore or isinstance(error, FileNotFoundError)


def translate(error: Exception, request: StoreRequest) -> PeDvcError:
    """Return the error of pe_dvc that says what ``error`` says."""
    kind, text = type(error).__name__, str(error)[:LONGEST]
    status = int(match[1]) if (match := re.search(_STATUS, text)) else None
    if "NoSuchBucket" in text or "The specified bucket does not exist" in text:
        return _no_bucket(request)
    if kind in ("PermissionDeniedError", "UnauthenticatedError") or status in (401, 403):
        return _refused(request, _reason(text))
    if is_undecided(error):
        return _unavailable(request, text, status)
    if kind in ("AlreadyExistsError", "PreconditionError"):
        why = "it exists already" if kind == "AlreadyExistsError" else "it changed meanwhile"
        return ConflictError(f"{request.key} in {request.url} was not written: {why}")
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"cannot {request.verb} {request.address}: it does not exist")
    return _unavailable(request, text, status)


def is_past_end(error: Exception) -> bool:
    """Tell whether a range was refused because the object ends before it starts."""
    return re.search(_PAST_END, str(error)) is not None


def is_undecided(error: Exception) -> bool:
    """Tell whether S3 was busy with another conditional write of the object, and did neither.

    obstore takes that for an object that exists; the other write may yet fail.
    """
    return _UNDECIDED in str(error)


def is_lost(error: Exception) -> bool:
    """Tell whether the connection broke after the request was sent, before its answer."""
    text = str(error)
    return re.search(_STATUS, text) is None and re.search(_LOST, text) is not None


def is_repeated(error: Exception) -> bool:
    """Tell whether obstore has sent the request more than once."""
    return re.search(_REPEATED, str(error)) is not None


def _no_bucket(request: StoreRequest) -> StoreUnavailableError:
    # Not a NotFoundError: "no such object" is an answer that use cases act on, and a bucket
    # that is misspelt must not look like one that is empty.
    return StoreUnavailableError(
        f"cannot {request.verb} {request.address}: the bucket does not exist",
        operation=request.verb,
        key=request.key,
        remedy=request.advice.bucket,
    )


def _refused(request: StoreRequest, reason: str) -> StorePermissionError:
    return StorePermissionError(
        f"cannot {request.verb} {request.address}: the store refused ({reason})",
        operation=request.verb,
        key=request.key,
        remedy=_CHECK_CLOCK if "RequestTimeTooSkewed" in reason else request.advice.credentials,
    )


def _limited(request: StoreRequest, text: str) -> StoreUnavailableError:
    files = "Too many open files" in text
    return StoreUnavailableError(
        f"cannot {request.verb} {request.address}: this machine lets this program "
        + ("open no more files" if files else "start no more threads"),
        operation=request.verb,
        key=request.key,
        remedy="Raise the limits on open files (`ulimit -n`), processes (`ulimit -u`) and memory "
        "(`ulimit -v`), or those of its container, and run it again.",
    )


def _unavailable(request: StoreRequest, text: str, status: int | None) -> StoreUnavailableError:
    remedy = request.advice.network
    if NOWHERE in text:
        remedy = request.advice.redirected
    elif re.search(_STRANGE_KEY, text):
        remedy = "Remove that object, or move it out of the country's folder: it is not pe_dvc's."
    elif re.search(_ELSEWHERE, text):
        remedy = request.advice.region
    elif status in (400, 501) and request.verb in ("write", "upload"):
        remedy = request.advice.checksums
    elif status is None and re.search(_CREDENTIALS, text):
        remedy = request.advice.credentials
    elif re.search(_UNTRUSTED, text):
        remedy = request.advice.certificate
    return StoreUnavailableError(
        f"cannot {request.verb} {request.address}: {_reason(text)}",
        operation=request.verb,
        key=request.key,
        remedy=remedy,
    )


def _reason(text: str) -> str:
    """Return the part of obstore's text that a person can use."""
    if NOWHERE in text:
        return "it redirects to another host, where no credentials are sent"
    if match := re.search(_STRANGE_KEY, text):
        return match[0]
    if re.search(_ELSEWHERE, text):
        return "the bucket is in another region"
    if match := re.search(_STATUS, text):
        said = [found[1] for found in (re.search(_CODE, text), re.search(_MESSAGE, text)) if found]
        return f"HTTP {match[1]} {match[2].strip()}" + "".join(f", {part}" for part in said)
    if re.search(_UNTRUSTED, text):
        return "the server's certificate is not trusted"
    if match := re.search(_CAUSES, text):
        return match[0].lower()
    if match := re.search(_NETWORK, text):
        return {"Timeout": "it took too long to answer", "Connect": "no connection"}.get(
            match[1], f"network failure ({match[1]})"
        )
    return text.splitlines()[0] if text else "unknown failure"
