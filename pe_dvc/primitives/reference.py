"""References: how a dataset is named, ``pe-data://{country}/{name}@{selector}``."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from pe_dvc.primitives.digest import Sha256, check_sha256
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.names import check_country, check_inside, check_name
from pe_dvc.primitives.release_names import is_release

SCHEME = "pe-data"
EXAMPLE = "pe-data://us/enhanced_cps_2024@latest"

ChannelName = Literal["latest", "next"]
CHANNELS: tuple[ChannelName, ...] = ("latest", "next")

_SHAPE = re.compile(r"(?:pe-data://)?([^/@]+)/([^@]+)@([^@/]+)(?:/(.+))?")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One dataset, and which of its artifacts: by channel, by digest or by release.

    Exactly one of ``channel``, ``sha256`` and ``release`` is set. ``member`` is a file, by its path
    inside, of a dataset that is a directory.
    """

    country: str
    name: str
    channel: ChannelName | None = None
    sha256: Sha256 | None = None
    release: str | None = None
    member: str | None = None

    @classmethod
    def of(cls, reference: str | Reference) -> Reference:
        """Return a reference that may be text still (``parse``). Raises TypeError, FormatError."""
        if isinstance(reference, str):
            return cls.parse(reference)
        if isinstance(reference, cls):
            return reference
        raise TypeError(f"expected a reference such as {EXAMPLE!r}, got {reference!r}")

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read ``pe-data://us/enhanced_cps_2024@latest`` (the scheme may be left out).

        After the ``@`` stands ``latest``, ``next``, ``sha256:`` and 64 hex digits, or the tag
        of a release; after that, for a file in a dataset that is a directory, its path in there.
        Raises FormatError.
        """
        match = _SHAPE.fullmatch(text)
        if match is None or match[1].lower().startswith(f"{SCHEME}:"):
            raise FormatError(
                f"{text!r} is not a reference: expected the form of {EXAMPLE}",
                remedy=_meant_scheme(text) or _remedy(text.removeprefix(f"{SCHEME}://")),
            )
        country, name, selector, member = match.groups()
        check_country(country, where=text)
        check_name(name, where=text)
        if member is not None:
            check_inside(member, where=text)
        for channel in CHANNELS:
            if selector == channel:
                return cls(country=country, name=name, channel=channel, member=member)
        if selector.startswith("sha256:"):
            digest = check_sha256(selector.removeprefix("sha256:"), where=text)
            return cls(country=country, name=name, sha256=digest, member=member)
        if is_release(selector):
            return cls(country=country, name=name, release=selector, member=member)
        raise FormatError(
            f"{selector!r} selects nothing: expected latest, next, sha256:<64 hex digits>, or a "
            "release such as 1.78.2 or populace-us-2024-spm-20260915",
            where=text,
            remedy=_meant_selector(country, name, selector),
        )

    @classmethod
    def pinned(cls, country: str, name: str, sha256: Sha256) -> Reference:
        """Return the reference that always means these bytes."""
        return cls(country=country, name=name, sha256=sha256)

    @property
    def selector(self) -> str:
        """What stands after the ``@``."""
        if self.sha256 is not None:
            return f"sha256:{self.sha256}"
        return self.channel or self.release or ""

    def __str__(self) -> str:
        inside = "" if self.member is None else f"/{self.member}"
        return f"{SCHEME}://{self.country}/{self.name}@{self.selector}{inside}"


def _meant_scheme(text: str) -> str | None:
    """Return what a text may have been meant for whose scheme is almost right, else None."""
    scheme, colon, rest = text.partition(":")
    meant = f"{SCHEME}://{rest.lstrip('/')}"
    return (
        f"Did you mean {meant}?" if scheme.lower() == SCHEME and colon and meant != text else None
    )


def _remedy(text: str) -> str:
    """Return what to do about a text, without its scheme, that has not the form of a reference."""
    country, slash, name = text.partition("/")
    if not slash and "@" in text:
        return f"The country comes first: us/{text}, if it is of the US."
    with suppress(FormatError):
        check_country(country)
        if not slash:
            return f"pe-dvc ls {country} lists the references of {country}."
        check_name(name)
        return (
            f"Did you mean {SCHEME}://{text}@latest, the newest build, or @next, what was reviewed?"
        )
    return (
        "After the name stands @latest, @next, a release such as @1.78.2, or @sha256: and 64 hex "
        "digits. pe-dvc ls COUNTRY lists references."
    )


def _meant_selector(country: str, name: str, selector: str) -> str | None:
    """Return what a selector that selects nothing may have been meant for, None if unknown."""
    import difflib

    with suppress(FormatError):
        return f"Did you mean {Reference.pinned(country, name, check_sha256(selector))}?"
    close = difflib.get_close_matches(selector, CHANNELS, n=1)
    return f"Did you mean {SCHEME}://{country}/{name}@{close[0]}?" if close else None
