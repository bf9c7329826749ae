"""Runs one console script again and again, each time as a process of its own, forked from here.

Most of what a short command costs is to import the same modules as the last one. Here they are
imported once; what is forked from here then runs the script from its first line, as the process
that it is: with its own arguments, directory, environment and streams, to its own exit.

    python fork_server.py SCRIPT FD  # FD: a socket, from which requests come

Nothing is imported that starts threads, which a fork would lose, and nothing is called: so a
command finds all as a new process would, but for what is in ``sys.modules``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
from typing import Any

LIBRARIES = {
    "pe-dvc": (
        *("click", "rich.table", "rich.console", "tuf.api.metadata", "yaml", "obstore.store"),
        *("obstore.exceptions", "cffi", "configobj", "platformdirs", "urllib.request", "ssl"),
        *("http.client", "uuid", "tomllib", "difflib", "concurrent.futures.thread"),
        *("pe_dvc.project.push", "pe_dvc.project.channel", "pe_dvc.project.stores"),
    ),
    "dvc": (
        *("dvc.cli.parser", "dvc.repo", "dvc.cachemgr", "dvc.repo.reproduce", "dvc.repo.status"),
        *("dvc.output", "dvc.dependency", "dvc.stage", "dvc.stage.cache", "dvc.dvcfile", "dvc.fs"),
        *("dvc.repo.artifacts", "dvc.repo.datasets", "dvc.repo.index", "dvc.repo.metrics"),
        *("dvc.repo.params", "dvc.repo.plots", "dvc.repo.stage", "dvc.data_cloud", "dvc.daemon"),
        *("dvc_data.hashfile.db.local", "dvc_data.index.checkout", "dvc.scm", "scmrepo.git"),
        *("dvc.analytics", "dvc.lock", "dulwich.ignore", "dulwich.worktree"),
    ),
}
"""What to import for each script."""
PACKAGES = {
    "pe-dvc": [
        *("primitives", "documents", "tlog", "store", "trust", "usecases", "public", "cli"),
        *("adapters.git", "adapters.dvc", "adapters.stores"),
    ],
    "dvc": [],
}
"""Of pe_dvc's own packages, those that import no numpy, whose threads begin at once."""


def import_all(name: str) -> None:
    """Import the libraries of a script, and all of pe_dvc that starts no threads."""
    for library in LIBRARIES[name]:
        importlib.import_module(library)
    for place in PACKAGES[name]:
        package = importlib.import_module(f"pe_dvc.{place}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - pathlib may not be loaded
    assert threads == 1, f"{name}: a module that starts threads was imported, see PACKAGES"
    assert "pygit2" not in sys.modules, f"{name}: libgit2 keeps the HOME in which it was loaded"


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork for each request. Return it in the process forked for it; None here, at the end."""
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is requests:
                    _, given, _, _ = socket.recv_fds(requests, 1, 4)
                    if not given:
                        return None
                    reply, *streams = given
                    with socket.socket(fileno=reply) as answers:
                        request = _read(answers)
                        child = os.fork()
                        if child == 0:
                            for number, stream in enumerate(streams):
                                os.dup2(stream, number)
                                os.close(stream)
                            requests.close()
                            return request
                        _answer(answers, child)
                        ended = os.pidfd_open(child)
                        running[ended] = child, answers.dup()
                    for stream in streams:
                        os.close(stream)
                    selector.register(ended, selectors.EVENT_READ)
                else:
                    ended = int(key.fd)
                    selector.unregister(ended)
                    os.close(ended)
                    child, answers = running.pop(ended)
                    _, status = os.waitpid(child, 0)
                    with answers:
                        _answer(answers, os.waitstatus_to_exitcode(status))


def _read(answers: socket.socket) -> dict[str, Any]:
    with answers.makefile("rb") as lines:
        request: dict[str, Any] = json.loads(lines.readline())
        return request


def _answer(answers: socket.socket, number: int) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a test that was given up
        answers.sendall(f"{number}\n".encode())


def become(script: str, request: dict[str, Any]) -> None:
    """Run the script in this process, as the request says."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(request["umask"])
    os.chdir(request["directory"])
    sys.argv[:] = [script, *request["arguments"]]
    sys.path[0] = os.path.dirname(script)  # noqa: PTH120 - pathlib may not be loaded
    runpy.run_path(script, run_name="__main__")


def main() -> None:
    """Serve until nobody asks."""
    script, requests = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    sys.path[0] = os.path.dirname(script)  # noqa: PTH120 - as above
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # as pe-dvc does for itself
    import_all(os.path.basename(script))  # noqa: PTH119 - as above
    gc.freeze()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    request = serve(requests)
    if request is not None:
        become(script, request)


if __name__ == "__main__":
    main()
