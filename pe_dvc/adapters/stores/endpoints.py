"""Where requests to a bucket go: the host that an endpoint names, and who may be sent there.

Options of a DVC remote may come with a clone that an attacker wrote. So text that becomes
part of a host's name is held to the letters of one: ``region = x.example.org/`` would otherwise
send signed requests to another host.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import FormatError, UntrustedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pe_dvc.adapters.stores.advice import Advice

_ENDPOINT = (
    r"(?P<scheme>https?)://(?:[^@/?#\\\s]*@)?"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?(?P<path>/[^?#\\\s]*)?"
)
ENCRYPT = (
    "Use https:// in the remote's endpointurl. If the network is your own, name the endpoint in "
    "AWS_ENDPOINT_URL_S3; for a public bucket set allow_anonymous_login."
)
_WORD = r"[A-Za-z0-9-]+"


def checked_endpoint(endpoint: str, option: str) -> str:
    """Return an endpoint without a slash at its end; ``option`` is where it was set.

    Raises FormatError for what is not one.
    """
    if not endpoint:
        return ""
    from pe_dvc.adapters.stores.open_bucket import is_url

    if not re.fullmatch(_ENDPOINT, endpoint) or not is_url(endpoint):
        raise FormatError(
            f"the endpoint {endpoint!r} is not a URL: expected the form of https://s3.example.org",
            remedy=f"Correct {option}.",
        )
    return endpoint.rstrip("/")


def checked_word(value: str, option: str, advice: Advice) -> str:
    """Return what becomes a part of a host's name. Raises FormatError for other than a word."""
    if value and not re.fullmatch(_WORD, value):
        raise FormatError(
            f"{value!r} is not a {option}: expected letters, digits and hyphens",
            remedy=advice.options,
        )
    return value


def same_endpoint(one: str, other: str) -> bool:
    """Tell whether two endpoints are the same, however they are spelled."""
    found, wanted = re.fullmatch(_ENDPOINT, one.strip()), re.fullmatch(_ENDPOINT, other.strip())
    return bool(found and wanted and _spelled(found) == _spelled(wanted))


def check_may_send(
    endpoint: str,
    refusals: Mapping[str, UntrustedError],
    exempt: Collection[str] = (),
    *,
    remedy: str = ENCRYPT,
) -> None:
    """Raise UntrustedError where credentials may not be sent to ``endpoint``.

    That is where they would go unencrypted to another machine, against which ``remedy`` helps, or
    where ``refusals`` has the reason by an option that is not ``exempt``.
    """
    for option, refusal in refusals.items():
        if option not in exempt:
            raise refusal
    found = re.fullmatch(_ENDPOINT, endpoint)
    if found and found["scheme"] == "http" and not _is_loopback(found["host"]):
        raise UntrustedError(
            f"your credentials would go to {endpoint} in the clear, for all on the way to read",
            remedy=remedy,
        )


def _spelled(found: re.Match[str]) -> tuple[str, str, str]:
    default = ":443" if found["scheme"] == "https" else ":80"
    return (
        found["scheme"],
        found["host"].lower() + (found["port"] or default),
        (found["path"] or "").rstrip("/"),
    )


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
