"""From errors to sentences and exit codes: what a user sees when something fails."""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.signals import UNREAD, comes_of_a_signal, interrupted_text
from pe_dvc.cli.signals import exit_code as signal_code
from pe_dvc.primitives.errors import (
    DiskFullError,
    NotFoundError,
    PeDvcError,
    RevokedError,
    StoreError,
    UnknownNameError,
)
from pe_dvc.primitives.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

OK, CHECK_FAILED, USAGE, NOT_FOUND, REVOKED, STORE_UNAVAILABLE, OTHER = range(7)

_EXTRA = re.compile(r"extra *== *['\"]([a-z0-9-]+)['\"]")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9._-]+")
_BROUGHT_BY = {"anyio": "starlette"}

_BY_FAMILY: tuple[tuple[type[PeDvcError], int], ...] = (
    (NotFoundError, NOT_FOUND),
    (UnknownNameError, NOT_FOUND),
    (RevokedError, REVOKED),
    (StoreError, STORE_UNAVAILABLE),
    (DiskFullError, OTHER),
    (PeDvcError, CHECK_FAILED),
)


def exit_code(error: PeDvcError) -> int:
    """Return the documented exit code of an error's family."""
    return next(code for family, code in _BY_FAMILY if isinstance(error, family))


_TOO_MANY = frozenset([errno.EMFILE, errno.ENFILE])
_MORE_FILES = "Raise the limit on open files, as by `ulimit -n 1024`, and run it again."
_NO_THREAD = "can't start new thread"
"""What Python's RuntimeError says then."""
_MORE_THREADS = (
    "Raise the limits on processes (`ulimit -u`) and memory (`ulimit -v`), or those of its "
    "container, and run it again."
)


@contextmanager
def answers_by_exit_code(ctx: click.Context) -> Iterator[None]:
    """Keep 1 for the answer of a command that has one: what does not verify ends with 6."""
    try:
        yield
    except PeDvcError as error:
        if exit_code(error) != CHECK_FAILED:
            raise
        say_error(error)
        ctx.exit(OTHER)


def guarded(command: click.Command) -> int:
    """Run a command; say what failed on stderr; return the exit code.

    With ``PE_DVC_DEBUG`` set, an error's traceback is shown as well.
    """
    try:
        code = _run(command)
    except BrokenPipeError:
        code = UNREAD
    if code == UNREAD:
        for stream in (1, 2):  # the interpreter will flush what is left for them
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    return code


def _run(command: click.Command) -> int:
    try:
        # What `ctx.exit` was given comes back as the result; commands themselves return nothing.
        code = command.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return _interrupted()
    except PeDvcError as error:
        say_error(error)
        return exit_code(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(_os_error_text(error), _MORE_FILES if error.errno in _TOO_MANY else None)
        return OTHER
    except ModuleNotFoundError as error:
        if (error.name or "pe_dvc").startswith("pe_dvc"):
            return _bug()
        _say(
            f"this command needs the Python package {error.name}, which is not installed here",
            _install_text(error.name or ""),
        )
        return OTHER
    except Exception as error:  # noqa: BLE001 - the last door: whatever no signal caused is a bug
        if str(error) == _NO_THREAD:
            _say("this machine starts no more threads for this user or command", _MORE_THREADS)
            return OTHER
        return _interrupted() if comes_of_a_signal(error) else _bug()
    return OK if code is None else int(code)


def _install_text(package: str) -> str:
    from importlib import metadata

    package = _BROUGHT_BY.get(package, package)
    # The extra is looked up in what is installed: a list of our own would lag behind it.
    for line in metadata.requires("pe_dvc") or ():
        needed, _, marker = line.partition(";")
        extra, name = _EXTRA.search(marker), _DISTRIBUTION.match(needed)
        if extra and name and name[0].replace("-", "_").lower() == package.lower():
            return (
                f"Install it: pip install {name[0]}. "
                "Or install pe_dvc with the extra that brings "
                f"it: pip install '.[{extra[1]}]' in a checkout of it."
            )
    return (
        "requirements-reader.lock has what reading needs, and no more. Install pe_dvc with all "
        "its dependencies: pip install . in a checkout of it."
    )


def _interrupted() -> int:
    click.echo(interrupted_text(), err=True)
    return signal_code()


def _bug() -> int:
    _print_traceback()
    _say("this is a bug in pe_dvc: please report it with the lines above", None)
    return OTHER


def say_error(error: PeDvcError) -> None:
    """Say on stderr what failed, and what to do about it."""
    _say(error.message, error.remedy)


def _os_error_text(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.ENOENT and not error.filename and not _stands_somewhere():
        return "the working directory was removed"
    return f"{reason}: {error.filename}" if error.filename else f"{reason}, while writing a file"


def _stands_somewhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _say(message: str, remedy: str | None) -> None:
    click.echo(f"pe-dvc: {printable_lines(message)}", err=True)
    if remedy:
        click.echo(f"  {printable_lines(remedy)}", err=True)
    if os.environ.get("PE_DVC_DEBUG"):
        _print_traceback()


def _print_traceback() -> None:
    import traceback

    from pe_dvc.primitives.redact import redact_text

    click.echo(printable_lines(redact_text(traceback.format_exc()).rstrip()), err=True)
