"""Commands that are run often, ``pe-dvc`` and ``dvc``, forked from a process that imported them.

``tests.support.fork_server`` says what that is. What a stage of ``dvc repro`` runs by these names,
and by ``python``, is forked, too (``tests.support.forked_stage``). Where it could make a
difference, commands start as they do for people: all of them under SOAK=1 and by ``subprocess``;
here those whose environment has a variable that Python or a library reads as it starts.
"""

from __future__ import annotations

import atexit
import marshal
import os
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.environment import without_package_clients
from tests.support.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPTS = {"pe-dvc", "dvc"}
FORK_SERVER = Path(__file__).with_name("fork_server.py")
IN_STAGES = {"pe-dvc": "pe-dvc", "dvc": "dvc", "python": "pe-dvc"}
"""Commands that are forked in a stage of ``dvc repro``, too, each with its server."""
_AT_START = dict(os.environ)
"""Has what package clients need to reach a registry; a fixture of the session sees that, too."""

_servers: dict[str, str] = {}


def run_forked(
    command: Sequence[str], directory: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str] | None:
    """Run a command as ``subprocess.run`` would, with its output; None if it needs a new start."""
    script = _script(command[0], environment)
    if script is None or os.environ.get("SOAK") or not hasattr(os, "pidfd_open"):
        return None
    request: dict[str, Any] = {
        "arguments": list(command[1:]),
        "directory": str(directory.absolute()),
        "environment": _without_registries(environment),
        "umask": _umask(),
    }
    if Path(script).name == "dvc":
        request["environment"] = with_forked_commands(request["environment"])
    text = marshal.dumps(request)
    with ExitStack() as stack:
        ours = stack.enter_context(socket.socket(socket.AF_UNIX))
        ours.connect(_server(Path(script).name))
        nothing = stack.enter_context(Path(os.devnull).open("rb"))
        streams, ends = [], []
        for _ in range(2):
            reads, writes = os.pipe()
            streams.append(stack.enter_context(os.fdopen(reads, "rb")))
            ends.append(stack.enter_context(os.fdopen(writes, "wb")))
        handed = [nothing.fileno(), *(end.fileno() for end in ends)]
        socket.send_fds(ours, [len(text).to_bytes(4, "big")], handed)
        ours.sendall(text)
        for end in ends:
            end.close()
        answers = stack.enter_context(ours.makefile("rb"))
        process = int(answers.readline())
        if not process:
            return None
        try:
            out, err = _read_all([stream.fileno() for stream in streams])
            code = int(answers.readline())
        except BaseException:
            os.kill(process, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(list(command), code, out, err)


def with_forked_commands(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a script's commands are forked, too, unless under SOAK=1."""
    if os.environ.get("SOAK") or not hasattr(os, "pidfd_open"):
        return dict(environment)
    return {
        **environment,
        "PATH": f"{_commands_of_stages()}{os.pathsep}{environment['PATH']}",
    }


def _without_registries(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is there for package clients only; what a test has set itself stays."""
    kept = without_package_clients(environment)
    return {n: v for n, v in environment.items() if n in kept or v != _AT_START.get(n)}


def _script(command: str, environment: Mapping[str, str]) -> str | None:
    """Return the script of this environment that a command is, if it is one that is run often."""
    path = Path(command)
    if path.name not in SCRIPTS:
        return None
    first = environment.get("PATH", "").split(os.pathsep)[0]
    ours = path.parent == BIN if path.is_absolute() else command == path.name and first == str(BIN)
    return str(BIN / path.name) if ours else None


@cache
def _place() -> Path:
    """Return a directory of ours, for as long as this process runs."""
    place = Path(tempfile.mkdtemp(prefix="pe-dvc-forks-"))
    atexit.register(shutil.rmtree, place)
    return place


@cache
def _commands_of_stages() -> Path:
    """Return a directory with what is to be found first on the PATH of a stage."""
    place = _place() / "bin"
    place.mkdir()
    program = Path(__file__).with_name("forked_stage.py")
    for name, server in IN_STAGES.items():
        words = [sys.executable, "-I", "-S", str(program), _server(server), str(BIN / name)]
        script = place / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        script.chmod(0o755)
    return place


def _server(name: str) -> str:
    """Return the socket of a script's server, which is started when it is first asked for."""
    if name not in _servers:
        at = str(_place() / name)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(at)
            listener.listen(128)
            process = subprocess.Popen(
                [sys.executable, str(FORK_SERVER), str(BIN / name), str(listener.fileno())],
                env=without_package_clients(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # whoever is forked has a pipe there too
                pass_fds=[listener.fileno()],
                cwd="/",
            )
        _servers[name] = at
        atexit.register(_stop, process)
    return _servers[name]


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
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
