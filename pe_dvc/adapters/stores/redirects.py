"""No redirect takes credentials to another host.

obstore's HTTP client follows redirects, with all headers but ``Authorization``: a session token
and a customer's encryption key would go wherever the endpoint says. It has no option against
that, but it can be told of a proxy, and of a host that is asked without one. So the proxy is an
address where nothing can listen: every other host is out of reach.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

NOWHERE = "127.0.0.1:0"
"""Nothing can listen on port 0, so every connection to it is refused."""


def one_host_only(address: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return obstore's client options that keep requests on the host of ``address``, a URL.

    Hosts below it count as the same. Nothing is returned where a proxy of the environment is to
    be used for it: there can be only one, and it reaches every host.
    """
    host = urlsplit(address).hostname or ""
    if not host or _goes_by_proxy(urlsplit(address).scheme, host, environ):
        return {}
    return {"proxy_url": f"http://{NOWHERE}", "proxy_excludes": host}


def _goes_by_proxy(scheme: str, host: str, environ: Mapping[str, str]) -> bool:
    names = {f"{scheme}_proxy", "all_proxy"}
    if not any(environ[name] for name in environ if name.lower() in names):
        return False
    from urllib.request import proxy_bypass  # 15 ms that few need

    return not proxy_bypass(host)
