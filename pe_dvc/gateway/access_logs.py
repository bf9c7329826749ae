"""Reads of a bucket as AWS logs them: CloudTrail's data events, and S3's server access logs.

Anyone who can send a request to the bucket writes parts of these logs. So lines, documents and
fields have limits, and what is not of their form is told by its line, and left out.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from pe_dvc.gateway.ledger_entry import LedgerRead
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.json_reader import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 64 * 1024
LARGEST_TRAIL = 128 * 1024 * 1024
"""Bytes of a CloudTrail file once it is decompressed; CloudTrail writes some 50 MiB at most."""

_GZIP = b"\x1f\x8b"
_READS = frozenset(["REST.GET.OBJECT", "REST.COPY.OBJECT_GET", "REST.COPY.PART_GET"])
_EVENTS = frozenset(["GetObject", "CopyObject", "UploadPartCopy", "SelectObjectContent"])
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")
_FIELD = r"([^ ]{1,4096})"
_LINE = re.compile(
    rf"{_FIELD} {_FIELD} \[([^\]]{{1,40}})\] "  # owner, bucket, time
    rf"{_FIELD} {_FIELD} {_FIELD} {_FIELD} {_FIELD} "  # address, requester, id, operation, key
    rf'(?:"[^"]*"|-) {_FIELD} {_FIELD} {_FIELD} {_FIELD} '  # status, error, bytes sent, size
)
_TIME = "%d/%b/%Y:%H:%M:%S %z"


@dataclass(frozen=True)
class Logged:
    """One request of a log: a read and the digest of its record, or why there is none.

    ``fault`` is None for a read, and for a request that reads nothing.
    """

    read: LedgerRead | None = None
    record: bytes = b""
    fault: str | None = None


def read_access_log(file: IO[bytes], *, country: str, named: str) -> Iterator[Logged]:
    """Yield what a log says, request by request, as it is read, gzipped or not.

    ``country`` is whose bucket it is. Raises FormatError for a file that is neither log.
    """
    if file.read(2) == _GZIP:
        file.seek(0)
        plain = cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    else:
        file.seek(0)
        plain = file
    try:
        first = plain.readline(LONGEST_LINE + 1)
        if first.lstrip().startswith(b"{"):
            yield from _trail(plain, first, country, named)
        else:
            yield from _lines(plain, first, country, named)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"it is not whole: {error}", where=named) from error


def _lines(file: IO[bytes], line: bytes, country: str, named: str) -> Iterator[Logged]:
    number = 1
    while line:
        cut = _rest_of(file, line)
        if line.strip():
            yield _line_read(line, cut, country, f"{named}, line {number}")
        line = file.readline(LONGEST_LINE + 1)
        number += 1


def _rest_of(file: IO[bytes], line: bytes) -> bool:
    """Pass over what is left of a line that is too long, and say whether it was."""
    is_long = len(line) > LONGEST_LINE
    while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
        line = file.readline(LONGEST_LINE + 1)
    return is_long


def _line_read(line: bytes, cut: bool, country: str, where: str) -> Logged:
    try:
        if cut:
            raise FormatError(f"it has more than {LONGEST_LINE} bytes")
        return _of_line(line.decode(), country)
    except (ValueError, OverflowError) as error:
        return Logged(fault=f"{where}: {_reason(error)}")


def _of_line(line: str, country: str) -> Logged:
    match = _LINE.match(line)
    if match is None:
        raise FormatError("it is not a line of a server access log")
    _, bucket, at, address, requester, request, operation, key, status, _, sent, size = (
        match.groups()
    )
    if operation not in _READS or status not in ("200", "206"):
        return Logged()
    whole = sent == size and status == "200"
    read = _read(
        at=datetime.strptime(at, _TIME),
        country=country,
        # The key is encoded twice (https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html).
        object_key=unquote(unquote(key)),
        length=_number(size if whole else sent),
        person="anonymous" if requester == "-" else requester,
        client_address=address,
    )
    return Logged(read, _digest("s3", bucket, request, operation, key, at))


def _trail(file: IO[bytes], first: bytes, country: str, named: str) -> Iterator[Logged]:
    """Read a document ``{"Records": [...]}``, or events a line each."""
    if _is_event(first):
        yield from _event_lines(file, first, country, named)
        return
    data = first + file.read(LARGEST_TRAIL + 1 - len(first))
    if len(data) > LARGEST_TRAIL:
        raise FormatError(f"it has more than {LARGEST_TRAIL} bytes", where=named)
    document = read_json(data, what="a file of CloudTrail", where=named)
    records = document.get("Records") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise FormatError("it is not a file of CloudTrail: it has no list Records", where=named)
    for number, record in enumerate(records):
        yield _of_event(record, country, f"{named}, record {number}")


def _is_event(line: bytes) -> bool:
    return line.endswith(b"\n") and b'"eventName"' in line and b'"Records"' not in line


def _event_lines(file: IO[bytes], line: bytes, country: str, named: str) -> Iterator[Logged]:
    number = 1
    while line:
        where = f"{named}, line {number}"
        if _rest_of(file, line):
            yield Logged(fault=f"{where}: it has more than {LONGEST_LINE} bytes")
        elif line.strip():
            yield _of_event_line(line, country, where)
        line = file.readline(LONGEST_LINE + 1)
        number += 1


def _of_event_line(line: bytes, country: str, where: str) -> Logged:
    try:
        event = read_json(line, what="an event of CloudTrail")
    except FormatError as error:
        return Logged(fault=f"{where}: {error.message}")
    return _of_event(event, country, where)


def _of_event(event: Any, country: str, where: str) -> Logged:
    try:
        if not isinstance(event, dict) or not isinstance(event.get("eventName"), str):
            raise FormatError("it is not an event of CloudTrail")
        is_read = event["eventName"] in _EVENTS and event.get("eventSource") == "s3.amazonaws.com"
        if not is_read or event.get("errorCode"):
            return Logged()
        read = _event_read(event, country)
        return Logged(read, _digest("cloudtrail", _text(event, "eventID")))
    except (ValueError, OverflowError) as error:
        return Logged(fault=f"{where}: {_reason(error)}")


def _event_read(event: dict[str, Any], country: str) -> LedgerRead:
    asked = _object(event, "requestParameters")
    more = _object(event, "additionalEventData") if event.get("additionalEventData") else {}
    who = _object(event, "userIdentity")
    key = _text(asked, "key")
    source = asked.get("x-amz-copy-source")
    if isinstance(source, str):  # what is read of a copy
        key = unquote(source).lstrip("/").partition("/")[2].partition("?")[0]
    sent = more.get("bytesTransferredOut")
    first, last = _range(asked.get("Range"))
    length = _number(str(int(sent))) if isinstance(sent, int | float) else None
    if first and last is None and length is not None:
        length += first
    return _read(
        at=datetime.fromisoformat(_text(event, "eventTime")),
        country=country,
        object_key=key,
        first_byte=first,
        last_byte=last,
        length=length,
        person=_person(who),
        client_address=_text(event, "sourceIPAddress"),
        token_id=who.get("accessKeyId") if isinstance(who.get("accessKeyId"), str) else None,
    )


def _person(who: dict[str, Any]) -> str:
    for name in ("arn", "principalId", "invokedBy", "accountId", "type"):
        if isinstance(who.get(name), str) and who[name]:
            return str(who[name])
    raise FormatError("it does not say who read")


def _range(text: object) -> tuple[int, int | None]:
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return 0, None
    return int(match[1]), int(match[2]) if match[2] else None


def _read(*, at: datetime, length: int | None, **known: Any) -> LedgerRead:
    values: dict[str, Any] = {"first_byte": 0, "last_byte": None, "token_id": None} | known
    for name in ("object_key", "person", "client_address"):
        if len(values[name]) > 4096:
            raise FormatError(f"its {name} has more than 4096 characters")
    return LedgerRead(
        at=at,
        dataset="",
        version=None,
        sha256=None,
        kind="object",
        columns=(),
        project="",
        licence="",
        grant_id="",
        how="direct",
        length=length,
        **values,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()[:16]


def _object(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    if not isinstance(found, dict):
        raise FormatError(f"its {name} is no object")
    return found


def _text(values: dict[str, Any], name: str) -> str:
    found = values.get(name)
    if not isinstance(found, str) or not found:
        raise FormatError(f"its {name} is no text")
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, FormatError):
        return error.message
    return "a time or number in it cannot be read"
