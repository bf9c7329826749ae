"""What ``pe-dvc`` and ``python`` are in a stage of ``dvc repro``: forked, as commands of tests are.

    python -I -S forked_stage.py SOCKET REAL ARGUMENTS…

Whatever the fork server does not serve starts as the real program. As this starts for each stage,
it imports nothing that takes long.
"""

from __future__ import annotations

import _socket
import marshal
import os
import sys


def ask(socket: str, script: str, arguments: list[str]) -> int | None:
    """Have a script forked with our streams, directory and environment; None if it is not."""
    umask = os.umask(0o022)
    os.umask(umask)
    request = {
        "script": script,
        "arguments": arguments,
        "directory": os.getcwd(),  # noqa: PTH109 - pathlib takes longer than all else here
        "environment": dict(os.environ),
        "umask": umask,
    }
    text = marshal.dumps(request)
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        server.connect(socket)
    except OSError:
        return None
    handed = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)]
    server.sendmsg([len(text).to_bytes(4, "big")], handed)
    left = memoryview(text)
    while left:
        left = left[server.send(left) :]
    said = b""
    while piece := server.recv(100):
        said += piece
    process, *code = map(int, said.split())
    return code[0] if process else None


def main() -> None:
    """End as the forked process does; or be the real one."""
    socket, real, *arguments = sys.argv[1:]
    script = real
    if os.path.basename(real) == "python":  # noqa: PTH119 - as above
        script, *rest = arguments or [""]
    else:
        rest = arguments
    if script == real or script.endswith(".py"):
        code = ask(socket, script, rest)
        if code is not None and code < 0:
            os.kill(os.getpid(), -code)
        if code is not None:
            os._exit(code)
    os.execv(real, [real, *arguments])


if __name__ == "__main__":
    main()
