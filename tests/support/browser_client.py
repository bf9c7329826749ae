"""The client of channels that runs in browsers, on Node.js; and both clients, compared."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from contextlib import ExitStack, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from pe_dvc.documents.pointer import Pointer
from pe_dvc.primitives.errors import FormatError, PeDvcError
from pe_dvc.store.several import SeveralStores
from pe_dvc.trust import sources
from pe_dvc.trust.client import ChannelClient
from tests.support.bucket_server import served
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pe_dvc.store.port import ReadableStore
    from pe_dvc.trust.seen import SeenFile

STATIC = ROOT / "pe_dvc/site/static"
_SCRIPT = ROOT / "tests/support/trust_client.mjs"
_OLDEST_NODE = 20


def node() -> str:
    """Return the machine's Node.js. Skips tests where there is none, or an old one."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("!!! not tested, as there is no Node.js: apt-get install nodejs")
    version = _version(found)
    if int(version.removeprefix("v").split(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"!!! not tested, as Node.js is {version}, and {_OLDEST_NODE} is needed")
    return found


@cache
def _version(program: str) -> str:
    """Ask once: hundreds of tests start Node.js, and most ask less of it than to start."""
    return subprocess.check_output([program, "--version"], text=True).strip()


def client_class() -> type[ChannelClient]:
    """Return both clients where there is Node.js, else Python's."""
    return BothClients if shutil.which("node") else ChannelClient


def run_node(script: str | Path, question: object) -> Any:
    """Return what a module prints as JSON, to which ``question`` is given as JSON."""
    done = subprocess.run(
        [node(), str(script)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask_browser(
    store: ReadableStore,
    country: str,
    root: bytes,
    state: Path,
    role: str,
    *,
    seen: Sequence[SeenFile] = (),
    lookup: str | None = None,
) -> dict[str, Any]:
    """Return the verdict of a new client: a role's ``version`` and ``entries``, or an ``error``.

    With ``lookup`` a dataset's ``pointer``, too, if there is one.
    ``seen`` is what pages bring of what was published; ``blamed`` are the numbers of stores.
    """
    state.mkdir(parents=True, exist_ok=True)
    stores = store.stores if isinstance(store, SeveralStores) else [store]
    with ExitStack() as stack:
        servers = [stack.enter_context(served(one)) for one in stores]
        verdict: dict[str, Any] = run_node(
            _SCRIPT,
            {
                "client": (STATIC / "trust.js").as_uri(),
                "addresses": [server.url for server in servers],
                "country": country,
                "root": base64.b64encode(root).decode(),
                "state": str(state / "browser.json"),
                "role": role,
                "lookup": lookup,
                "seen": [*_floors(seen, country, [one.url for one in stores])],
                "grace": int(sources.GRACE * 1000),
            },
        )
    return verdict


def _floors(files: Sequence[SeenFile], country: str, urls: list[str]) -> Iterator[str]:
    """Yield what a site would bring of these files: those of its stores that can be read."""
    for file in files:
        with suppress(FormatError, AssertionError):  # that of a test: it must not be read
            seen = file.publication()
            if seen.is_of(country, urls):
                yield seen.for_pages().decode()


class BothClients(ChannelClient):
    """Python's client, which answers only if the browser's comes to the same verdict."""

    def __init__(
        self, store: ReadableStore, country: str, root: bytes, state_dir: Path, **options: Any
    ) -> None:
        super().__init__(store, country, root, state_dir, **options)
        self._asked = (store, country, root, state_dir)
        self._seen, self._is_offline = options.get("seen", ()), options.get("offline", False)

    def _first(self, role: str) -> Any:
        if self._is_offline:
            return super()._first(role)
        theirs = ask_browser(*self._asked, role, seen=self._seen)
        try:
            found = super()._first(role)
        except PeDvcError as error:
            if theirs.get("error") != type(error).__name__:
                pytest.fail(f"a browser says {theirs}, Python {error!r}")
            raise
        assert theirs.get("version") == found.version, theirs
        pointers = [one for one in found.entries.values() if isinstance(one, Pointer)]
        assert theirs["entries"] == [
            {
                "name": one.name,
                "sha256": one.sha256,
                "size": one.size,
                "manifestSha256": one.manifest_sha256,
            }
            for one in pointers
        ]
        return found
