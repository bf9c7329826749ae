"""What is at the source of a raw input now, as far as its server says so without a download.

Requests carry no credentials, and of the answer only what names the content is kept.
"""

from __future__ import annotations

import re
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pe_dvc.adapters.git.command import run_git
from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from pe_dvc.documents.provenance import Origin

TIMEOUT = 15.0
REDIRECTS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, kw_only=True)
class AtSource:
    """What a source says now: one of these, or the ``reason`` why nothing is known."""

    sha256: str | None = None
    etag: str | None = None
    revision: str | None = None
    reason: str | None = None


def ask_source(origin: Origin) -> AtSource:
    """Ask where something was imported from what it is now. What fails is the reason."""
    scheme = origin.url.partition("://")[0].lower()
    if origin.revision is not None:
        return _git(origin.url)
    if scheme in ("http", "https"):
        return _http(origin.url)
    if scheme == "hf":
        return _hub(origin.url)
    if "://" not in origin.url:
        return AtSource(reason=f"{origin.url} was on the machine that imported it")
    return AtSource(reason=f"{scheme}:// is not asked: dvc update tells")


def plain_etag(etag: str) -> str:
    """Return an ETag without its quotes and the mark of a weak one."""
    return etag.strip().removeprefix("W/").strip('"')


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Return nothing: what redirects says something of the content, too."""


def _http(url: str) -> AtSource:
    opener = urllib.request.build_opener(_StayHere)
    for _ in range(REDIRECTS):
        if urlsplit(url).scheme not in ("http", "https"):
            return AtSource(reason="it redirects to another scheme")
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "pe_dvc"})
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                headers, moved = answer.headers, False
        except urllib.error.HTTPError as error:
            headers, moved = error.headers, error.code in (301, 302, 303, 307, 308)
            if not moved:
                return AtSource(reason=f"its server answers {error.code}")
        except (OSError, HTTPException, ValueError) as error:
            return AtSource(reason=f"its server does not answer: {type(error).__name__}")
        # Hugging Face names the sha256 of a large file where it redirects to it.
        linked = plain_etag(headers.get("X-Linked-Etag") or "")
        if _SHA256.fullmatch(linked):
            return AtSource(sha256=linked)
        if not moved:
            etag = headers.get("ETag")
            return AtSource(etag=etag, reason=None if etag else "its server names no ETag")
        url = urljoin(url, headers.get("Location") or "")
    return AtSource(reason="it redirects without end")


def _git(url: str) -> AtSource:
    """Return the newest commit of a git repo; only by HTTPS, so that it starts no program."""
    if urlsplit(url).scheme != "https":
        return AtSource(reason="only https:// is asked for commits: dvc update tells")
    fixed = {"GIT_ALLOW_PROTOCOL": "https", "GIT_ASKPASS": "true", "GIT_CONFIG_NOSYSTEM": "1"}
    with tempfile.TemporaryDirectory() as nowhere:
        try:
            asked = ("-c", "credential.helper=", "ls-remote", "--", url, "HEAD")
            done = run_git(Path(nowhere), *asked, variables=fixed)
        except PeDvcError as error:
            return AtSource(reason=error.message)
    commit = done.stdout.split("\t")[0]
    if done.returncode or not _COMMIT.fullmatch(commit):
        return AtSource(reason="its git server does not answer")
    return AtSource(revision=commit)


def _hub(uri: str) -> AtSource:
    from pe_dvc.adapters.hub.hub import Hub
    from pe_dvc.documents.hub_uri import HubPlace, parse_hub_uri

    try:
        found = parse_hub_uri(uri)
        place = HubPlace(repo_type=found.repo_type or "dataset", repo_id=found.repo_id)
        file = Hub(place).files("main").get(found.path or "")
    except PeDvcError as error:
        return AtSource(reason=error.message)
    if file is None:
        return AtSource(reason="the hub's main has no such file any more")
    sha256 = str(file.sha256) if file.sha256 else None
    return AtSource(sha256=sha256, reason=None if sha256 else "the hub names no sha256 of it")
