"""A reader of channels as a client of tuf-conformance, whose command line it has.

The workflow and the state are pe_dvc's; what is added is reading by HTTP, downloading target
files as TUF lays them out, and a copy of the state where the suite looks for it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pe_dvc.documents.keys import channel_prefix
from pe_dvc.primitives.errors import NotFoundError, PeDvcError, StoreUnavailableError
from pe_dvc.store.checks import too_long
from pe_dvc.store.port import ObjectInfo
from pe_dvc.trust.client_state import LineageState, ReaderState
from pe_dvc.trust.fetcher import StoreFetcher
from pe_dvc.trust.lineages import find_lineage
from pe_dvc.trust.refresh import Refresh
from pe_dvc.trust.tuf_errors import TUF_FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTRY = "us"


class HttpStore:
    """Reads the metadata of the suite's repository, as if it were a country's in a bucket."""

    def __init__(self, url: str) -> None:
        self.url = url

    def read(self, key: str, *, limit: int) -> tuple[bytes, ObjectInfo]:
        name = key.removeprefix(channel_prefix(COUNTRY))
        try:
            with urllib.request.urlopen(f"{self.url}/{name}") as answer:
                data: bytes = answer.read(limit + 1)
        except urllib.error.HTTPError as error:
            if error.code in (403, 404):
                raise NotFoundError(f"no {name}") from error
            raise StoreUnavailableError(str(error), operation="read", key=key) from error
        if len(data) > limit:
            raise too_long(key, limit=limit, source=self.url)
        return data, ObjectInfo(key=key, size=len(data), etag="")


class Fetcher(StoreFetcher):
    """Reads target files as well."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        with urllib.request.urlopen(url) as answer:
            yield answer.read()


def main() -> int:
    options = _options()
    metadata: Path = options.metadata_dir
    pinned = metadata.with_name("pinned.root.json")
    if options.command == "init":
        shutil.copyfile(options.root, pinned)
        shutil.copyfile(options.root, metadata / "root.json")
        return 0
    url = options.metadata_url.rstrip("/")
    fetcher = Fetcher(HttpStore(url), COUNTRY)  # type: ignore[arg-type] # it reads, no more
    state = ReaderState(metadata.with_name("state"), COUNTRY, [url], 60)
    root = pinned.read_bytes()
    with state.locked():
        directory = find_lineage(state.directory, [root], country=COUNTRY, downloads=[fetcher.root])
        try:
            refresh = Refresh(LineageState(directory), root, fetcher)
            for name in options.target_name:
                _download(refresh, name, options)
        except (PeDvcError, *TUF_FAILURES) as error:
            print(f"refused: {error!r}", file=sys.stderr)
            return 1
        finally:
            for file in directory.glob("*.json"):
                shutil.copyfile(file, metadata / file.name)
    return 0


def _download(refresh: Refresh, name: str, options: argparse.Namespace) -> None:
    path = options.target_dir / quote(name, "")
    updater = refresh.updater
    target = updater.get_targetinfo(name)
    if target is None:
        raise NotFoundError(f"no target {name}")
    if updater.find_cached_target(target, str(path)) is None:
        updater.download_target(target, str(path), options.target_base_url)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--metadata-url")
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--target-dir", type=Path)
    parser.add_argument("--target-base-url")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("root", type=Path)
    commands.add_parser("refresh")
    commands.add_parser("download")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
