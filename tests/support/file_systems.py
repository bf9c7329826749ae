"""File systems that lack what others have. The system call is replaced, as mounting takes root."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import pytest


def without_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hard links are refused as Linux refuses them on exFAT and SMB: by EPERM."""

    def link(source: str, target: str, **_: object) -> NoReturn:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)

    monkeypatch.setattr(os, "link", link)
