"""Where pe_dvc keeps things on this machine: environment variables, else the platform's places."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pe_dvc.store.home import expand_home

if TYPE_CHECKING:
    from pathlib import Path

from pe_dvc.primitives.errors import NotFoundError

DEFAULT_STORE = "s3://policyengine-data"


def cache_dir() -> Path:
    """Directory of verified artifacts: ``PE_DVC_CACHE_DIR``, else the user's cache directory."""
    return _place("PE_DVC_CACHE_DIR", "user_cache_path")


def cache_limit() -> int | None:
    """Bytes that the cache may take: ``PE_DVC_CACHE_LIMIT``, such as ``20GB``; else no limit.

    Raises FormatError.
    """
    from pe_dvc.primitives.sizes import parse_size

    given = os.environ.get("PE_DVC_CACHE_LIMIT")
    return parse_size(given, where="PE_DVC_CACHE_LIMIT") if given else None


def allowed_endpoints() -> tuple[str, ...]:
    """Endpoints that credentials may be sent to: ``PE_DVC_ALLOW_ENDPOINTS``, comma-separated."""
    given = os.environ.get("PE_DVC_ALLOW_ENDPOINTS", "").split(",")
    return tuple(endpoint.strip() for endpoint in given if endpoint.strip())


def config_dir() -> Path:
    """Directory of pinned roots: ``PE_DVC_CONFIG_DIR``, else the user's configuration."""
    return _place("PE_DVC_CONFIG_DIR", "user_config_path")


def state_dir() -> Path:
    """Directory of the last verified metadata: ``PE_DVC_STATE_DIR``, else beside the cache."""
    return _place("PE_DVC_STATE_DIR", "user_state_path")


def keys_dir() -> Path:
    """Directory of private keys: ``PE_DVC_KEYS_DIR``, else ``keys`` in the configuration."""
    given = os.environ.get("PE_DVC_KEYS_DIR")
    return expand_home(given).absolute() if given else config_dir() / "keys"


def _place(variable: str, platform: str) -> Path:
    given = os.environ.get(variable)
    if given:
        return expand_home(given).absolute()
    import platformdirs

    try:
        path: Path = getattr(platformdirs, platform)("pe_dvc", appauthor=False)
    except RuntimeError as error:  # neither HOME nor the system says where it is
        raise NotFoundError(
            "this user has no home directory", remedy=f"Set HOME, or {variable} to a directory."
        ) from error
    return path
