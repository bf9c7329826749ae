"""The grammar of release names: versions such as ``1.78.2``, and labels of people's own.

A label is what data repos with tags such as ``populace-us-2024-spm-20260915`` write. What may be
released is for each data repo to say (``[tool.pe_dvc.release] tags``); this is what may follow
the ``@`` of a reference and become part of a key.
"""

from __future__ import annotations

import re

RESERVED = ("latest", "next", "stable", "lts")
"""What reads as a channel, in any case, and so names no release."""

# 2.0rc1, 1.78.2.post1 and 1.0.0-rc.1+5: suffixes of PEP 440 and of semantic versioning.
_SUFFIX = r"(?:[-+.]|(?=(?:a|b|c|rc|alpha|beta|pre|preview|post|dev)[0-9]))[0-9A-Za-z.+-]{1,64}"
_VERSION = rf"v?(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){{1,3}}(?:{_SUFFIX})?"
_LABEL = r"[A-Za-z0-9][A-Za-z0-9._-]{2,127}"
# A digest, or the commit of a git repo, written without saying so.
_HASH = r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}"


def is_version(text: str) -> bool:
    """Tell whether ``text`` is a version, such as ``1.78.2``, ``v1.78.2`` or ``2.0rc1``."""
    return re.fullmatch(_VERSION, text) is not None


def is_release(text: str) -> bool:
    """Tell whether ``text`` can name a release: a version or a label.

    A label has 3 to 128 ASCII letters, digits, ``.``, ``_`` and ``-``, and begins with a letter
    or digit. It is nothing that git refuses as a ref, no channel or nearly one, and no bare hash.
    """
    if is_version(text):
        return True
    return (
        re.fullmatch(_LABEL, text) is not None
        and ".." not in text
        and not text.endswith((".", ".lock"))
        and not _is_like_a_channel(text.casefold())
        and re.fullmatch(_HASH, text) is None
    )


def _is_like_a_channel(word: str) -> bool:
    """Tell whether a word is a channel's name or a slip of one, such as ``lastest``."""
    if word in RESERVED or not word.isalpha():
        return word in RESERVED
    import difflib

    return bool(difflib.get_close_matches(word, RESERVED, n=1, cutoff=0.8))
