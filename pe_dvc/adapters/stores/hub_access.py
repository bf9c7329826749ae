"""How Hugging Face's hub is reached by readers, who need no huggingface_hub for it.

Endpoint and token are found as huggingface_hub finds them. urllib3 takes the token out of a request
that is redirected to another host, port or scheme: the hub sends readers of large files to hosts
that store them.
"""

from __future__ import annotations

import os
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pe_dvc.adapters.stores.endpoints import checked_endpoint
from pe_dvc.adapters.stores.retry_policy import ATTEMPTS_AGAIN, FIRST_PAUSE
from pe_dvc.adapters.stores.tls import python_context, tls_client
from pe_dvc.documents.dvc_boolean import TRUE
from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.home import expand_home
from pe_dvc.store.plain_files import read_document

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_ENDPOINT = "https://huggingface.co"
CONNECTIONS = 16
REDIRECTS = 5
CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
TRY_AGAIN = (429, 500, 502, 503, 504)
_TOKEN_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_-.")


def endpoint() -> str:
    """Return the hub's address: ``HF_ENDPOINT``, else Hugging Face's. Raises FormatError."""
    return checked_endpoint(os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT, "HF_ENDPOINT")


def token() -> str | None:
    """Return the user's token: ``HF_TOKEN``, else what ``hf auth login`` wrote; None without one.

    Raises FormatError, which does not show it, for what cannot be one.
    """
    if os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").lower() in TRUE:
        return None
    given = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN")
    where = "HF_TOKEN" if given else str(_token_file())
    if given is None:
        try:
            given = read_document(_token_file()).decode("ascii", "replace")
        except OSError:
            return None
    found = given.strip()
    if not _TOKEN_CHARACTERS.issuperset(found):
        raise FormatError(
            "holds what no token of Hugging Face's hub has",
            where=where,
            remedy="Expected letters, digits, _ and -, as in hf_…: set it again.",
        )
    return found or None


def _token_file() -> Path:
    if path := os.environ.get("HF_TOKEN_PATH"):
        return expand_home(path)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expand_home(os.environ.get("HF_HOME") or f"{cache}/huggingface") / "token"


def connect(address: str) -> Any:
    """Return urllib3's pool of connections for requests to ``address`` and where it leads to."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    options: dict[str, Any] = {
        "maxsize": CONNECTIONS,
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "retries": urllib3.Retry(
            total=None,
            connect=ATTEMPTS_AGAIN,
            read=ATTEMPTS_AGAIN,
            status=ATTEMPTS_AGAIN,
            redirect=REDIRECTS,
            other=0,
            status_forcelist=TRY_AGAIN,
            backoff_factor=FIRST_PAUSE.total_seconds(),
            raise_on_status=False,
            respect_retry_after_header=False,  # it may ask for hours
        ),
        "ssl_context": python_context(tls_client(None)),
    }
    parts = urlsplit(address)
    proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)
