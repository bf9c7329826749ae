"""The process that hooks run in: ``python -m pe_dvc.adapters.codebook_process PACKAGE FILE``.

Writes what the first hook says that knows the package, as JSON, or ``null``.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pe_dvc.adapters.codebook_hooks import GROUP


def _ask(package: str) -> Any:
    # Ours last: a model may say more of itself. Else by name, and not as they were installed.
    hooks = entry_points(group=GROUP)
    for entry in sorted(hooks, key=lambda hook: (hook.value.startswith("pe_dvc."), hook.name)):
        found = entry.load()(package)
        if found is not None:
            return {"schema_version": 1, **found}
    return None


def main() -> None:
    """Answer, and end."""
    package, file = sys.argv[1:]
    Path(file).write_text(json.dumps(_ask(package)), encoding="utf-8")


if __name__ == "__main__":
    main()
