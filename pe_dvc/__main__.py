"""``python -m pe_dvc`` is ``pe-dvc``."""

from __future__ import annotations

from pe_dvc.cli.main import main

if __name__ == "__main__":
    main()
