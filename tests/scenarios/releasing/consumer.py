"""policyengine, pyshacl and tro-utils, in an environment of their own."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

HERE = Path(__file__).parent
LOCK = HERE / "policyengine.lock"
US_DATA_LOCK = HERE / "us-data.lock"
SHAPES = HERE / "trov-0.1-shapes.ttl"

_FILE = re.compile(
    r"/[^/]+/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"
)
_PACKAGE = re.compile(r"/[^/]+/pypi/(?P<name>[^/]+)/(?P<version>[^/]+)/json")


def environment() -> Path:
    """Return the consumer's environment, made from the locked requirements where it is not yet."""
    digest = hashlib.sha256(LOCK.read_bytes() + US_DATA_LOCK.read_bytes()).hexdigest()[:12]
    place = Path(sys.prefix) / f"consumer-{digest}"
    with FileLock(f"{place}.lock"):
        if not (place / ".ready").exists():
            uv = Path(sys.prefix) / "bin/uv"
            python = place / "bin/python"
            _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, place)
            _run(uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", LOCK)
            # For its schema alone: it asks for a newer Python, and for much else.
            only = ("--no-deps", "--target", place / "us-data", "--python-version", "3.12")
            _run(uv, "pip", "install", "--quiet", "--require-hashes", *only, "-r", US_DATA_LOCK)
            (place / ".ready").touch()
    return place


def _run(*command: Any) -> None:
    subprocess.run([str(part) for part in command], check=True)


class Hub:
    """A loopback server that answers as a dataset hub and a package index would."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str, str], bytes] = {}
        """By repo, revision and path."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(hub.answer(self.path))

            def do_HEAD(self) -> None:
                self._answer(hub.answer(self.path), body=False)

            def _answer(self, data: bytes | None, *, body: bool = True) -> None:
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                if body:
                    self.wfile.write(data or b"")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> bytes | None:
        if match := _FILE.fullmatch(path):
            return self.files.get((match["repo"], match["revision"], match["path"]))
        if match := _PACKAGE.fullmatch(path):
            url = f"https://wheels.example.org/{match['name']}-{match['version']}.whl"
            wheel = {"packagetype": "bdist_wheel", "digests": {"sha256": "f" * 64}, "url": url}
            return json.dumps({"urls": [wheel]}).encode()
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Consumer:
    """policyengine in a process of its own, and the server that it asks."""

    def __init__(self) -> None:
        self.place = environment()
        self.hub = Hub()
        self._process = subprocess.Popen(
            [self.place / "bin/python", HERE / "consumer_main.py", self.hub.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name: str, **arguments: Any) -> Any:
        """Return the answer of ``name`` in ``consumer_main``; fail if it raised."""
        answer = self._ask(name, arguments)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def refusal(self, name: str, **arguments: Any) -> str:
        """Return what ``name`` raised; fail if it did not."""
        answer = self._ask(name, arguments)
        assert "error" in answer, answer
        return str(answer["error"])

    def tro_schemas(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the JSON Schemas of TROs of policyengine.py and of policyengine-us-data."""
        (theirs,) = self.place.glob("lib/*/site-packages/policyengine/data/schemas/trace_tro.*")
        (us_data,) = self.place.glob("us-data/policyengine_us_data/schemas/trace_tro.*")
        return json.loads(theirs.read_bytes()), json.loads(us_data.read_bytes())

    def tro_utils(self, *arguments: str | Path) -> str:
        """Run tro-utils and return what it said."""
        done = subprocess.run(
            [self.place / "bin/tro-utils", *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def close(self) -> None:
        stdin, stdout = self._pipes()
        stdin.close()
        self._process.wait(30)
        stdout.close()
        self.hub.close()

    def _ask(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._pipes()
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()}
        stdin.write(json.dumps({"call": name, **plain}) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout
