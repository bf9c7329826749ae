"""``-v``: the log of ``pe_dvc`` on stderr."""

from __future__ import annotations


def show_logs(verbosity: int) -> None:
    """Show decisions (1) or also every request to the store (2 and more) on stderr."""
    import logging

    from pe_dvc.primitives.printable import printable_lines
    from pe_dvc.primitives.redact import redact_text

    class WithoutSecrets(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return printable_lines(redact_text(super().format(record)))

    logger = logging.getLogger("pe_dvc")
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutSecrets("%(levelname)s %(name)s: %(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
