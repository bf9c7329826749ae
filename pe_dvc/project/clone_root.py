"""Whether a clone may be believed: its root must come from the one that is pinned.

A clone brings its own root, and with it its own keys. Where a root of the country is pinned, a
clone of another one has other people's data under the same name.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pe_dvc.primitives.errors import (
    ConflictError,
    FormatError,
    NotFoundError,
    UntrustedError,
    VerificationError,
)
from pe_dvc.project import directories
from pe_dvc.project.notes import note_once
from pe_dvc.trust.key_binding import bound_root
from pe_dvc.trust.pins import pin_path, pinned_root
from pe_dvc.trust.verify import fingerprint

if TYPE_CHECKING:
    from pe_dvc.trust.files import ChannelFiles


def check_root(files: ChannelFiles, *, required: bool = False, quiet: bool = False) -> None:
    """Check a clone's signed metadata ``files`` against the root that is pinned, if one is.

    Without a pin the clone's own root counts, and a note says so unless ``quiet`` or this machine
    has key files that were made for that root. Raises
    UntrustedError if the pinned root is not in the clone's chain of roots, or, where ``required``,
    if the clone has no root at all.
    """
    pinned = pinned_root(directories.config_dir(), files.country)
    if not files.exists():
        if pinned is not None and required:
            raise _without_root(files, pinned)
        return
    root = files.read_bytes("root")
    if pinned is None:
        if not (quiet or _has_keys(files, root)):
            _note(files, root)
    elif root != pinned and not _comes_from(files, pinned):
        raise _of_another_root(files, pinned, root)


def refuse_pinned(country: str) -> None:
    """Raise ConflictError if a root is pinned: one that is made now would be another."""
    pinned = pinned_root(directories.config_dir(), country)
    if pinned is not None:
        raise ConflictError(
            f"this machine trusts a root of {country} already, "
            f"{pin_path(directories.config_dir(), country)} (fingerprint {fingerprint(pinned)}), "
            "and a root made here would be another one",
            remedy=f"If {country} has channels, get them by git pull. To begin new ones, first run "
            f"pe-dvc trust remove {country}.",
        )


def _has_keys(files: ChannelFiles, root: bytes) -> bool:
    bound = bound_root(directories.keys_dir() / files.country)
    return bound is not None and (root == bound or _comes_from(files, bound))


def _comes_from(files: ChannelFiles, pinned: bytes) -> bool:
    from pe_dvc.trust.signed_metadata import SignedMetadata

    try:
        return SignedMetadata(files).comes_from(pinned)
    except (VerificationError, FormatError, NotFoundError):
        return False  # a chain that does not hold comes from nowhere


def _of_another_root(files: ChannelFiles, pinned: bytes, root: bytes) -> UntrustedError:
    country, path = files.country, files.path("root")
    return UntrustedError(
        f"the root of this clone, {path} (fingerprint {fingerprint(root)}), does not come from "
        f"{_pin(country, pinned)}",
        remedy="Nothing was read or signed under it. If the pinned root is newer than this "
        "checkout, run git pull; for the data of an old commit, dvc pull or @sha256: references.\n"
        "If not, ask a maintainer which fingerprint is right. If it is the clone's:\n"
        f"    pe-dvc trust remove {country}\n"
        f"    pe-dvc trust add {country} {shlex.quote(str(path))}",
    )


def _without_root(files: ChannelFiles, pinned: bytes) -> UntrustedError:
    return UntrustedError(
        f"this clone has no {files.path('root')}, so nothing in it can come from "
        f"{_pin(files.country, pinned)}",
        remedy="Nothing was read. Get the file back (git checkout, git pull); for the data of a "
        "commit from before the channels, run dvc pull.",
    )


def _pin(country: str, pinned: bytes) -> str:
    path = pin_path(directories.config_dir(), country)
    return f"the root that is pinned for {country}, {path} (fingerprint {fingerprint(pinned)})"


def _note(files: ChannelFiles, root: bytes) -> None:
    country, path = files.country, shlex.quote(str(files.path("root")))
    note_once(
        f"no root is pinned for {country}, so this clone's own is trusted, with the fingerprint\n"
        f"{fingerprint(root)}\n"
        f"If a maintainer confirms it, pin it: pe-dvc trust add {country} {path}"
    )
