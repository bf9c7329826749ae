"""Lets a wheel have the scripts of others that pages of a site run."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ScriptsHook(BuildHookInterface[Any]):
    """Fetches them; a wheel without them makes sites without live tables."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the scripts, but not for the editable install of a checkout: make does that."""
        if version == "editable":
            return
        try:
            runpy.run_path(str(Path(__file__).with_name("fetch.py")))["fetch"]()
        except (OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"sites will have no live tables: {error}")
