"""A loopback server that speaks the API of Hugging Face's hub, for one dataset or model repo.

Revisions, trees, branches, tags, commits with a parent, LFS uploads, downloads by redirect to
another host, ranges; private and gated repos. What it was asked is in ``requests``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN = "hf_" + "abcdefghij" * 3
LFS_SUFFIXES = (".h5", ".npz", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request: its host says whom it was sent to."""

    method: str
    host: str
    path: str
    token: str | None


class RefusedError(Exception):
    """An answer of the hub that is no success."""

    def __init__(self, status: int, code: str | None = None, message: str | None = None) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message


@dataclass
class HubServer:
    """The hub, with one repo. ``commits`` are trees by commit id."""

    repo: str
    repo_type: str = "dataset"
    private: bool = False
    gated: bool = False
    """Whether the account of the token has no access yet."""
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)
    before_commit: Callable[[str], None] | None = None
    """Called with the branch before a commit is looked at."""
    altered: dict[str, bytes] = field(default_factory=dict)
    """What a download gives instead of what is there, by path."""
    ignores_ranges: bool = False
    """Whether every download is answered with the whole."""
    elsewhere: str | None = None
    """The address that downloads of large files are sent to, the loopback by another name."""
    loops: bool = False
    """Whether it redirects to itself without end."""
    cut_after: int | None = None
    """Bytes after which the connection breaks off, once."""

    def __post_init__(self) -> None:
        self.branches["main"] = self.add({".gitattributes": b"*.h5 filter=lfs\n"})
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                hub.handle(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                """Say nothing of clients that hang up."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The endpoint, for ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()

    def add(self, files: Mapping[str, bytes], parent: str | None = None) -> str:
        """Make a commit of files on top of another."""
        tree = {**self.commits.get(parent or "", {}), **files}
        seed = json.dumps([parent, len(self.commits), sorted(tree)]).encode()
        oid = hashlib.sha1(seed).hexdigest()
        self.commits[oid] = tree
        return oid

    def push(self, branch: str, files: Mapping[str, bytes]) -> str:
        """Commit on a branch, as somebody else would."""
        self.branches[branch] = self.add(files, self.branches[branch])
        return self.branches[branch]

    def at(self, revision: str) -> dict[str, bytes]:
        """Return the files of a revision."""
        return self.commits[self.commit(revision)]

    def commit(self, revision: str) -> str:
        """Return the commit of a revision."""
        found = self.branches.get(revision) or self.tags.get(revision)
        if found is None and revision in self.commits:
            found = revision
        if found is None:
            raise RefusedError(404, "RevisionNotFound", "Invalid rev id")
        return found

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        length = int(request.headers.get("Content-Length") or 0)
        if request.headers.get("Transfer-Encoding") == "chunked":
            body = _chunked(request)
        else:
            body = request.rfile.read(length)
        authorization = request.headers.get("Authorization")
        token = authorization.removeprefix("Bearer ") if authorization else None
        host = request.headers.get("Host", "")
        self.requests.append(
            Asked(method=request.command, host=host, path=unquote(request.path), token=token)
        )
        try:
            status, headers, data = self._answer(request, body, token)
        except RefusedError as refusal:
            headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
            status, data = refusal.status, b"{}"
        request.send_response(status)
        for name, value in headers.items():
            if value is not None:
                request.send_header(name, value)
        if "Content-Length" not in headers:
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command == "HEAD":
            return
        if self.cut_after is not None and len(data) > self.cut_after:
            request.wfile.write(data[: self.cut_after])
            self.cut_after, request.close_connection = None, True
            return
        request.wfile.write(data)

    def _answer(
        self, request: BaseHTTPRequestHandler, body: bytes, token: str | None
    ) -> tuple[int, dict[str, Any], bytes]:
        parts = urlsplit(request.path)
        path = unquote(parts.path)
        if found := re.fullmatch(r"/cdn/([0-9a-f]{64})(?:/(.*))?", path):
            data = self.altered.get(found[2] or "", self.large[found[1]])
            return _range(request, data, ignored=self.ignores_ranges)
        if found := re.fullmatch(r"/lfs/([0-9a-f]{64})", path):
            assert hashlib.sha256(body).hexdigest() == found[1]
            self.large[found[1]] = body
            return 200, {}, b""
        repo = ("datasets/" if self.repo_type == "dataset" else "") + re.escape(self.repo)
        api = f"{self.repo_type}s/{re.escape(self.repo)}"
        if not re.match(rf"/(?:{repo}|api/{api})(?:/|\.git|$)", path):
            raise RefusedError(404, "RepoNotFound", "Repository not found")
        self._admit(request.command, path, token)
        if path.startswith("/api/"):
            rest = parts.path.split(f"{self.repo}", 1)[1].strip("/")
            return self._api(request.command, rest, body, parse_qs(parts.query))
        if path.endswith(".git/info/lfs/objects/batch"):
            return _json(self._batch(json.loads(body)))
        if found := re.fullmatch(rf"/{repo}/resolve/([^/]+)/(.+)", parts.path):
            return self._resolve(request, unquote(found[1]), unquote(found[2]))
        raise AssertionError(f"unknown: {request.command} {request.path}")

    def _admit(self, method: str, path: str, token: str | None) -> None:
        reads = method in ("GET", "HEAD")
        if token is not None and token != TOKEN:
            raise RefusedError(401, None, "Invalid credentials in Authorization header")
        if self.gated and "/resolve/" in path:
            raise RefusedError(403 if token else 401, "GatedRepo", "Access to it is restricted")
        if token is None and self.private:
            raise RefusedError(401, "RepoNotFound", "Repository not found")
        if token is None and not reads:
            raise RefusedError(401, None, "Unauthorized")

    def _api(
        self, method: str, rest: str, body: bytes, query: dict[str, list[str]]
    ) -> tuple[int, dict[str, Any], bytes]:
        verb, _, name = rest.partition("/")
        argument = unquote(name)
        if verb in ("", "revision"):
            oid = self.commit(argument or "main")
            return _json({"id": self.repo, "sha": oid, "private": self.private, "siblings": []})
        if verb == "tree":
            return _json([self._entry(p, d) for p, d in sorted(self.at(argument).items())])
        if verb == "paths-info":
            wanted = parse_qs(body.decode()).get("paths") or json.loads(body)["paths"]
            held = self.at(argument)
            return _json([self._entry(path, held[path]) for path in wanted if path in held])
        if verb == "branch" and method == "DELETE":
            if self.branches.pop(argument, None) is None:
                raise RefusedError(404, "RevisionNotFound")
            return _json({})
        if verb == "branch":
            if argument in self.branches:
                raise RefusedError(409)
            self.branches[argument] = self.commit(json.loads(body).get("startingPoint", "main"))
            return _json({})
        if verb == "tag":
            tag = json.loads(body)["tag"]
            if tag in self.tags:
                raise RefusedError(409)
            self.tags[tag] = self.commit(argument)
            return _json({})
        if verb == "preupload":
            files = json.loads(body)["files"]
            return _json({"files": [self._mode(file["path"], argument) for file in files]})
        assert verb == "commit", rest
        return _json(self._commit(argument, body))

    def _mode(self, path: str, revision: str) -> dict[str, Any]:
        mode = "lfs" if path.endswith(LFS_SUFFIXES) else "regular"
        held = self.at(revision).get(path)
        return {
            "path": path,
            "uploadMode": mode,
            "shouldIgnore": False,
            "oid": None if held is None else self._entry(path, held)["oid"],
        }

    def _entry(self, path: str, data: bytes) -> dict[str, Any]:
        header = f"blob {len(data)}\0".encode()
        entry = {
            "type": "file",
            "path": path,
            "size": len(data),
            "oid": hashlib.sha1(header + data).hexdigest(),
        }
        if path.endswith(LFS_SUFFIXES):
            sha256 = hashlib.sha256(data).hexdigest()
            entry["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 130}
        return entry

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        objects = []
        for one in asked["objects"]:
            entry: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.large:
                entry["actions"] = {"upload": {"href": f"{self.url}/lfs/{one['oid']}"}}
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def _commit(self, branch: str, body: bytes) -> dict[str, Any]:
        if self.before_commit is not None:
            self.before_commit(branch)
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        head = self.branches[branch]
        if header.get("parentCommit", head) != head:
            raise RefusedError(412, None, "A commit has happened since")
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if line["key"] == "lfsFile":
                files[value["path"]] = self.large[value["oid"]]
        oid = self.push(branch, files)
        url = f"{self.url}/datasets/{self.repo}/commit/{oid}"
        return {"success": True, "commitOid": oid, "commitUrl": url}

    def _resolve(
        self, request: BaseHTTPRequestHandler, revision: str, path: str
    ) -> tuple[int, dict[str, Any], bytes]:
        held = self.at(revision)
        if path not in held:
            raise RefusedError(404, "EntryNotFound", "Entry not found")
        data, entry = held[path], self._entry(path, held[path])
        headers: dict[str, Any] = {"X-Repo-Commit": self.commit(revision), "ETag": entry["oid"]}
        if self.loops:
            return 302, headers | {"Location": request.path}, b""
        if "lfs" not in entry:
            data = self.altered.get(path, data)
            status, more, body = _range(request, data, ignored=self.ignores_ranges)
            return status, headers | more, body
        sha256 = entry["lfs"]["oid"]
        self.large[sha256] = data
        headers |= {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(data))}
        # Another host: whoever follows must not take the token along.
        address = self.elsewhere or f"http://localhost:{self.port}"
        headers["Location"] = f"{address}/cdn/{sha256}/{path}"
        return 302, headers, b""


def _json(value: Any) -> tuple[int, dict[str, Any], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _range(
    request: BaseHTTPRequestHandler, data: bytes, *, ignored: bool
) -> tuple[int, dict[str, Any], bytes]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or "")
    if found is None or ignored:
        return 200, {"Content-Length": str(len(data)), "Accept-Ranges": "bytes"}, data
    first, last = int(found[1]), int(found[2] or len(data) - 1)
    part = data[first : last + 1]
    if not part:
        return 416, {"Content-Range": f"bytes */{len(data)}"}, b""
    content_range = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
    return 206, {"Content-Length": str(len(part)), "Content-Range": content_range}, part


def _chunked(request: BaseHTTPRequestHandler) -> bytes:
    parts = []
    while size := int(request.rfile.readline().strip() or b"0", 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)
