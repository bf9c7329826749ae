"""Ctrl-C and SIGTERM: a command ends within a second, whatever its threads wait for.

Python tells the main thread of a signal, which then unwinds. It cannot where it waits for a
library, and the threads of a pool cannot be told at all. So a thread of its own hears of each
signal, too: it gives the command ``PATIENCE`` seconds to unwind, then ends the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

from pe_dvc.primitives.interruption import undo_all

if TYPE_CHECKING:
    from types import FrameType

PATIENCE = 0.5
"""Seconds for the command to unwind by itself."""
CLEANUP = 0.3
"""Seconds for what is undone when it did not."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED, TERMINATED = (128 + number for number in SIGNALS)
UNREAD = 128 + signal.SIGPIPE
"""Exit codes, as shells have them; the last where the output has no reader, as after `| head`."""

_received: list[int] = []
_said = threading.Event()


class Terminated(KeyboardInterrupt):
    """SIGTERM came: everything unwinds as after Ctrl-C."""


def end_on_signals() -> None:
    """From now on end this process soon after the first SIGINT or SIGTERM that it does not ignore.

    For the command line alone: a program that imports pe_dvc keeps its own handlers.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    listening = threading.Thread(target=_listen, args=(reads,), daemon=True, name="signals")
    with contextlib.suppress(RuntimeError):  # no threads here: what needs some will say so
        listening.start()


def exit_code() -> int:
    """Return the exit code of the signal that came; Ctrl-C's where none did."""
    return 128 + _received[0] if _received else INTERRUPTED


def comes_of_a_signal(error: BaseException | None) -> bool:
    """Return whether an error is the unwinding after a signal, or says that this is its cause.

    Python 3.11 makes a RuntimeError of what is raised in ``__set_name__``, as while a module is
    imported.
    """
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__
    return False


def interrupted_text() -> str:
    """Return what is said when the command was stopped; to be said once."""
    _said.set()
    how = "terminated" if exit_code() == TERMINATED else "interrupted"
    return f"pe-dvc: {how}. What is complete was kept; run the command again to continue."


def end_now(code: int) -> NoReturn:
    """End the process without waiting for its threads."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _terminate(number: int, _: FrameType | None) -> None:
    _received.append(number)
    raise Terminated


def _listen(reads: int) -> None:
    """Wait for a signal, then for the command to end, and end it if it does not."""
    while (number := os.read(reads, 1)[0]) not in SIGNALS:
        pass  # of a child, of the terminal: nothing to us
    _received.append(number)
    threading.Event().wait(PATIENCE)
    undo_all(CLEANUP)
    if not _said.is_set():
        with contextlib.suppress(OSError):
            os.write(2, f"{interrupted_text()}\n".encode())  # the main thread may hold the stream
    os._exit(exit_code())
