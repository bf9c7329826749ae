"""Commands that are run often, ``pe-dvc`` and ``dvc``, forked from a process that imported them.

``tests.support.fork_server`` says what that is. Where it could make a difference, commands start as
they do for people: all of them under SOAK=1 and by ``subprocess``; here those whose environment
has a variable that Python or a library reads as it starts.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.environment import without_package_clients
from tests.support.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPTS = {"pe-dvc", "dvc"}
READ_LATER = ("AWS_", "DVC_", "GIT_", "PE_DVC_", "XDG_", "PYTEST_", "AZURE_", "GOOGLE_")
"""How variables begin that are read when they are needed."""
ALSO_READ_LATER = {"HOME", "PATH", "COLUMNS", "USER", "LOGNAME", "SOAK", "TMPDIR"}

_servers: dict[str, socket.socket] = {}
_environment: dict[str, str] = {}


def run_forked(
    command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str] | None:
    """Run a command as ``subprocess.run`` would, with its output; None if it needs a new start."""
    script = _script(command[0], environment)
    if script is None or os.environ.get("SOAK") or not hasattr(os, "pidfd_open"):
        return None
    server = _server(script)
    if not _is_like(environment):
        return None
    request = {
        "arguments": list(command[1:]),
        "directory": str(directory.absolute()),
        "environment": dict(environment),
        "umask": _umask(),
    }
    with ExitStack() as stack:
        ours, theirs = map(stack.enter_context, socket.socketpair())
        nothing = stack.enter_context(Path(os.devnull).open("rb"))
        streams, ends = [], []
        for _ in range(2):
            reads, writes = os.pipe()
            streams.append(stack.enter_context(os.fdopen(reads, "rb")))
            ends.append(stack.enter_context(os.fdopen(writes, "wb")))
        handed = [theirs.fileno(), nothing.fileno(), *(end.fileno() for end in ends)]
        socket.send_fds(server, [b"r"], handed)
        ours.sendall(json.dumps(request).encode() + b"\n")
        theirs.close()
        for end in ends:
            end.close()
        answers = stack.enter_context(ours.makefile("rb"))
        process = int(answers.readline())
        try:
            out, err = _read_all([stream.fileno() for stream in streams])
            code = int(answers.readline())
        except BaseException:
            os.kill(process, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(list(command), code, out, err)


def _script(command: str, environment: Mapping[str, str]) -> str | None:
    """Return the script of this environment that a command is, if it is one that is run often."""
    path = Path(command)
    if path.name not in SCRIPTS:
        return None
    first = environment.get("PATH", "").split(os.pathsep)[0]
    ours = path.parent == BIN if path.is_absolute() else command == path.name and first == str(BIN)
    return str(BIN / path.name) if ours else None


def _is_like(environment: Mapping[str, str]) -> bool:
    """Tell whether a new process would start in an environment as the server did in its own."""
    names = {*environment, *_environment}
    return all(
        name.startswith(READ_LATER)
        or name in ALSO_READ_LATER
        or environment.get(name) == _environment.get(name)
        for name in names
    )


def _server(script: str) -> socket.socket:
    if script not in _servers:
        if not _environment:
            _environment.update(without_package_clients(os.environ))
        ours, theirs = socket.socketpair()
        program = Path(__file__).with_name("fork_server.py")
        with theirs:
            process = subprocess.Popen(
                [sys.executable, str(program), script, str(theirs.fileno())],
                env=_environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # whoever is forked has a pipe there too
                pass_fds=[theirs.fileno()],
                cwd="/",
            )
        _servers[script] = ours
        atexit.register(_stop, ours, process)
    return _servers[script]


def _stop(server: socket.socket, process: subprocess.Popen[bytes]) -> None:
    server.close()
    process.wait(10)


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def _read_all(pipes: Sequence[int]) -> list[str]:
    """Return what comes out of pipes, until all who may write have closed them."""
    read: dict[int, list[bytes]] = {pipe: [] for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                if piece := os.read(key.fd, 1 << 16):
                    read[key.fd].append(piece)
                else:
                    selector.unregister(key.fd)
    return [_text(b"".join(read[pipe])) for pipe in pipes]


def _text(data: bytes) -> str:
    return data.decode().replace("\r\n", "\n").replace("\r", "\n")
