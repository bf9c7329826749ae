"""Which credentials are sent to a gateway: those that their user keeps for that host.

A clone may name any address as its store. So a token of the environment, which names no host, goes
only where the user said that it may.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pe_dvc.primitives.errors import FormatError
from pe_dvc.store.home import expand_home

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TOKEN = "PE_DVC_GATEWAY_TOKEN"


def authorization(url: str, options: Mapping[str, str], named: Collection[str]) -> str | None:
    """Return the header ``Authorization`` for a gateway, None without credentials.

    ``options`` are a DVC remote's, ``named`` the addresses that the user named themselves. Raises
    FormatError, which shows no token, for one that cannot be in a header, or a netrc that is none.
    """
    if (given := os.environ.get(TOKEN)) and _origin(url) in {_origin(one) for one in named}:
        return f"Bearer {_checked(given.strip(), TOKEN)}"
    password = options.get("password")
    if password and options.get("auth") == "custom":
        if options.get("custom_auth_header", "").lower() == "authorization":
            return _checked(password, "the remote's password")
    elif password:
        return _basic(options.get("user", ""), _checked(password, "the remote's password"))
    found = _of_netrc(urlsplit(url).hostname or "")
    return None if found is None else _basic(*found)


def _of_netrc(host: str) -> tuple[str, str] | None:
    """Return user and password that the user's netrc has for a host; never those of ``default``."""
    import netrc

    path = expand_home(os.environ.get("NETRC") or "~/.netrc")
    try:
        entry = netrc.netrc(str(path)).hosts.get(host)
    except FileNotFoundError:
        return None
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError):
        raise FormatError("cannot be read as a netrc file", where=str(path)) from None
    if entry is None or not entry[2]:
        return None
    return entry[0], _checked(entry[2], str(path))


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _checked(text: str, where: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise FormatError("holds what no token has: set it again", where=where)
    return text


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or default
