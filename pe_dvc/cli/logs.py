"""What goes to stderr besides messages: warnings, and with ``-v`` the log of ``pe_dvc``."""

from __future__ import annotations

from typing import Any

from pe_dvc.cli.output import say


def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Say a warning in one line, without the line of code that it comes from."""
    say(f"warning: {message}")


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
