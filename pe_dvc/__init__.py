"""Verified, content-addressed microdata releases on top of DVC.

The names below are the public API; each is imported when it is first used::

    import pe_dvc

    path = pe_dvc.fetch("pe-data://us/enhanced_cps_2024@latest")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pe_dvc import errors as errors
    from pe_dvc.api import fetch as fetch
    from pe_dvc.api import get as get
    from pe_dvc.api import get_all as get_all
    from pe_dvc.api import ls as ls
    from pe_dvc.api import manifest as manifest
    from pe_dvc.api import open as open  # noqa: A004 - a name of the module only
    from pe_dvc.api import releases as releases
    from pe_dvc.api import resolve as resolve
    from pe_dvc.api import schema as schema
    from pe_dvc.api import verified_at as verified_at
    from pe_dvc.documents.manifest import Manifest as Manifest
    from pe_dvc.primitives.errors import PeDvcError as PeDvcError
    from pe_dvc.primitives.reference import Reference as Reference
    from pe_dvc.primitives.warnings import DeprecatedReleaseWarning as DeprecatedReleaseWarning
    from pe_dvc.project.channel_log import Channels as Channels
    from pe_dvc.public.describe import cite as cite
    from pe_dvc.public.describe import describe as describe
    from pe_dvc.public.describe import export as export
    from pe_dvc.public.describe import find as find
    from pe_dvc.public.describe import write_codebook as write_codebook
    from pe_dvc.public.gateway import Gateway as Gateway
    from pe_dvc.public.ledger import Ledger as Ledger
    from pe_dvc.public.ledger import ReadFilter as ReadFilter
    from pe_dvc.public.machine import Cache as Cache
    from pe_dvc.public.machine import TrustedRoots as TrustedRoots
    from pe_dvc.public.questions import compatible as compatible
    from pe_dvc.public.questions import diff as diff
    from pe_dvc.public.questions import stale as stale
    from pe_dvc.public.repo import Repo as Repo
    from pe_dvc.public.site import build_site as build_site
    from pe_dvc.public.site import build_site_file as build_site_file
    from pe_dvc.public.site import serve_site as serve_site
    from pe_dvc.public.witness import Witness as Witness
    from pe_dvc.usecases.read.describe import Description as Description
    from pe_dvc.usecases.read.ls import Listed as Listed
    from pe_dvc.usecases.read.resolve import Resolved as Resolved

_PUBLIC = {
    "Cache": "pe_dvc.public.machine",
    "Channels": "pe_dvc.project.channel_log",
    "DeprecatedReleaseWarning": "pe_dvc.primitives.warnings",
    "Description": "pe_dvc.usecases.read.describe",
    "Gateway": "pe_dvc.public.gateway",
    "Ledger": "pe_dvc.public.ledger",
    "Listed": "pe_dvc.usecases.read.ls",
    "Manifest": "pe_dvc.documents.manifest",
    "PeDvcError": "pe_dvc.primitives.errors",
    "ReadFilter": "pe_dvc.public.ledger",
    "Reference": "pe_dvc.primitives.reference",
    "Repo": "pe_dvc.public.repo",
    "Resolved": "pe_dvc.usecases.read.resolve",
    "TrustedRoots": "pe_dvc.public.machine",
    "Witness": "pe_dvc.public.witness",
    "build_site": "pe_dvc.public.site",
    "build_site_file": "pe_dvc.public.site",
    "compatible": "pe_dvc.public.questions",
    "diff": "pe_dvc.public.questions",
    "cite": "pe_dvc.public.describe",
    "describe": "pe_dvc.public.describe",
    "export": "pe_dvc.public.describe",
    "fetch": "pe_dvc.api",
    "find": "pe_dvc.public.describe",
    "get": "pe_dvc.api",
    "get_all": "pe_dvc.api",
    "ls": "pe_dvc.api",
    "manifest": "pe_dvc.api",
    "open": "pe_dvc.api",
    "releases": "pe_dvc.api",
    "resolve": "pe_dvc.api",
    "schema": "pe_dvc.api",
    "serve_site": "pe_dvc.public.site",
    "stale": "pe_dvc.public.questions",
    "verified_at": "pe_dvc.api",
    "write_codebook": "pe_dvc.public.describe",
}

__all__ = sorted(_PUBLIC)

__version__: str
"""The version of this package, such as ``0.1.0``; read when it is asked for, as all names are."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pe_dvc")
    from importlib import import_module

    if name == "errors":
        return import_module("pe_dvc.errors")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__", "errors"]
