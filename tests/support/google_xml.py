"""Google's XML API, as far as obstore speaks it, by requests to the JSON API of a server.

The server gives the generations; conditions are checked here.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

CONDITION = "x-goog-if-generation-match"


@dataclass(frozen=True)
class Asked:
    """A request; the names of ``headers`` are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        found = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}

    @property
    def bucket(self) -> str:
        return unquote(self.path.lstrip("/").partition("/")[0])

    @property
    def key(self) -> str:
        return unquote(self.path.lstrip("/").partition("/")[2])


@dataclass(frozen=True)
class Answer:
    """An answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Backend:
    """fake-gcs-server, asked by each thread over a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port, self._threads = port, threading.local()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request, and return the whole answer."""
        if not hasattr(self._threads, "connection"):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            self._threads.connection = connection
        self._threads.connection.request(method, path, body, headers)
        response = self._threads.connection.getresponse()
        return Answer(response.status, response.read(), dict(response.getheaders()))


class XmlApi:
    """Answers requests of the XML API."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self._lock = backend, threading.Lock()
        self._parts: dict[str, dict[int, bytes]] = {}

    def answer(self, asked: Asked) -> Answer:
        """Answer one."""
        if asked.method == "GET" and not asked.key:
            return self._list(asked)
        if asked.method in ("GET", "HEAD"):
            return self._read(asked)
        if "uploads" in asked.query or "uploadId" in asked.query:
            return self._multipart(asked)
        if asked.method == "DELETE":
            done = self._backend.ask("DELETE", self._object(asked))
            return Answer(204) if done.status in (200, 204) else self.refused(404, "NoSuchKey")
        return self._put(asked, asked.body)

    def refused(self, status: int, code: str) -> Answer:
        """Return an error as Google words it."""
        text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        return Answer(status, text.encode())

    def _object(self, asked: Asked) -> str:
        return f"/storage/v1/b/{asked.bucket}/o/{quote(asked.key, safe='')}"

    def _known(self, asked: Asked) -> dict[str, Any] | None:
        found = self._backend.ask("GET", self._object(asked))
        return json.loads(found.body) if found.status == 200 else None

    def _put(self, asked: Asked, body: bytes) -> Answer:
        name = urlencode({"uploadType": "media", "name": asked.key})
        with self._lock:
            known, wanted = self._known(asked), asked.headers.get(CONDITION)
            if wanted not in (None, known["generation"] if known else "0"):
                return self.refused(412, "PreconditionFailed")
            kind = {"Content-Type": "application/octet-stream"}
            at = f"/upload/storage/v1/b/{asked.bucket}/o?{name}"
            done = self._backend.ask("POST", at, body, **kind)
        if done.status != 200:
            return self.refused(done.status, "NoSuchBucket" if done.status == 404 else "Failed")
        return Answer(200, b"", _headers(json.loads(done.body)))

    def _multipart(self, asked: Asked) -> Answer:
        if asked.method == "POST" and "uploads" in asked.query:
            upload = uuid.uuid4().hex
            self._parts[upload] = {}
            return _xml("InitiateMultipartUploadResult", UploadId=upload)
        upload = asked.query["uploadId"]
        if asked.method == "PUT":
            self._parts[upload][int(asked.query["partNumber"])] = asked.body
            return Answer(200, b"", {"ETag": f'"{hashlib.md5(asked.body).hexdigest()}"'})
        parts = self._parts.pop(upload)
        if asked.method == "DELETE":
            return Answer(204)
        done = self._put(asked, b"".join(parts[number] for number in sorted(parts)))
        if done.status != 200:
            return done
        made = _xml("CompleteMultipartUploadResult", ETag=done.headers["ETag"])
        return Answer(200, made.body, done.headers)

    def _read(self, asked: Asked) -> Answer:
        known = self._known(asked)
        if known is None:
            return self.refused(404, "NoSuchKey")
        size, headers = int(known["size"]), _headers(known)
        if asked.method == "HEAD":
            return Answer(200, b"", headers | {"Content-Length": str(size)})
        wanted = {name: value for name, value in asked.headers.items() if name == "range"}
        if any(int(value.partition("=")[2].partition("-")[0]) >= size for value in wanted.values()):
            return self.refused(416, "InvalidRange")
        found = self._backend.ask("GET", f"{self._object(asked)}?alt=media", b"", **wanted)
        ranged = {k: v for k, v in found.headers.items() if k.lower() == "content-range"}
        return Answer(found.status, found.body, headers | ranged)

    def _list(self, asked: Asked) -> Answer:
        text, after = "", asked.query.get("start-after", "")
        query = {"prefix": asked.query.get("prefix", ""), "maxResults": "1000"}
        if token := asked.query.get("continuation-token"):
            query["pageToken"] = token
        found = self._backend.ask("GET", f"/storage/v1/b/{asked.bucket}/o?{urlencode(query)}")
        if found.status != 200:
            return self.refused(404, "NoSuchBucket")
        page = json.loads(found.body)
        for item in page.get("items", []):
            if item["name"] > after:
                text += (
                    f"<Contents><Key>{escape(item['name'])}</Key><Size>{item['size']}</Size>"
                    f"<LastModified>{item['updated']}</LastModified>"
                    f"<Generation>{item['generation']}</Generation>"
                    f"<ETag>{_etag(item)}</ETag></Contents>"
                )
        if more := page.get("nextPageToken"):
            text += f"<NextContinuationToken>{escape(more)}</NextContinuationToken>"
        truncated = str(bool(more)).lower()
        text = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{text}</ListBucketResult>"
        return Answer(200, f"<?xml version='1.0'?>{text}".encode())


def _etag(known: dict[str, Any]) -> str:
    return '"{}"'.format(known["etag"].strip('"'))


def _headers(known: dict[str, Any]) -> dict[str, str]:
    updated = datetime.fromisoformat(known["updated"].replace("Z", "+00:00"))
    return {
        "ETag": _etag(known),
        "x-goog-generation": known["generation"],
        "Last-Modified": format_datetime(updated, usegmt=True),
    }


def _xml(name: str, **parts: str) -> Answer:
    text = "".join(f"<{part}>{escape(value)}</{part}>" for part, value in parts.items())
    return Answer(200, f"<?xml version='1.0'?><{name}>{text}</{name}>".encode())
