"""``-v``: the log of ``pe_dvc`` on stderr."""

from __future__ import annotations


def show_logs(verbosity: int) -> None:
    """Show decisions (1) or also every request to the store (2 and more) on stderr."""
    import logging

    logger = logging.getLogger("pe_dvc")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
