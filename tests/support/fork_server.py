"""Runs one console script again and again, each time as a process of its own, forked from here.

Most of what a short command costs is to import the same modules as the last one. Here they are
imported once; what is forked from here then runs the script from its first line, as the process
that it is: with its own arguments, directory, environment and streams, to its own exit.

    python fork_server.py SCRIPT FD  # FD: a socket that listens for requests

It ends with its standard input, which whoever started it holds open. Nothing is imported that
starts threads, which a fork would lose, and nothing is called but what makes dvc's parser of
arguments: so a command finds all as a new process would, but for what is in ``sys.modules``.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
from typing import Any

LIBRARIES = {
    "pe-dvc": (
        *("click", "rich.table", "rich.console", "tuf.api.metadata", "yaml", "obstore.store"),
        *("obstore.exceptions", "cffi", "configobj", "platformdirs", "urllib.request", "ssl"),
        *("http.client", "uuid", "tomllib", "difflib", "concurrent.futures.thread"),
        *("pe_dvc.project.push", "pe_dvc.project.channel", "pe_dvc.project.stores"),
        *("numpy", "pyarrow", "pyarrow.parquet", "rfc8785", "_strptime", "tarfile", "pwd", "grp"),
        *("encodings.idna", "tuf.ngclient", "pe_dvc.api"),
    ),
    "dvc": (
        *("dvc.cli.parser", "dvc.repo", "dvc.cachemgr", "dvc.repo.reproduce", "dvc.repo.status"),
        *("dvc.output", "dvc.dependency", "dvc.stage", "dvc.stage.cache", "dvc.dvcfile", "dvc.fs"),
        *("dvc.repo.artifacts", "dvc.repo.datasets", "dvc.repo.index", "dvc.repo.metrics"),
        *("dvc.repo.params", "dvc.repo.plots", "dvc.repo.stage", "dvc.data_cloud", "dvc.daemon"),
        *("dvc_data.hashfile.db.local", "dvc_data.index.checkout", "dvc.scm", "scmrepo.git"),
        *("dvc.analytics", "dvc.lock", "dulwich.ignore", "dulwich.worktree"),
        *("dvc._debug", "dvc.dirs", "dvc.utils.strictyaml", "dvc.repo.graph", "dvc.repo.trie"),
        *("dvc.rwlock", "dvc.repo.open_repo", "dvc.repo.brancher", "dvc.repo.worktree"),
        *("dvc_data.hashfile.status", "dvc_data.hashfile.db.index", "dvc_data.hashfile._progress"),
        *("dvc_data.index.collect", "dvc_data.index.fetch", "dvc_data.index.push"),
        *("dvc_data.hashfile.gc", "configobj", "fsspec", "networkx", "platformdirs", "pyparsing"),
        *("ruamel.yaml", "xml.etree.ElementTree", "rich.console", "rich.progress"),
    ),
}
"""What to import for each script."""
WITHOUT_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""What has numpy and pyarrow start no thread as they are imported."""
READ_LATER = ("AWS_", "DVC_", "GIT_", "PE_DVC_", "XDG_", "PYTEST_", "AZURE_", "GOOGLE_")
"""How variables begin that are read when they are needed."""
ALSO_READ_LATER = {"HOME", "PATH", "PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "USER", "LOGNAME"}
ALSO_READ_LATER |= {"SOAK", "TMPDIR"}
PACKAGES = {
    "pe-dvc": [
        *("primitives", "documents", "tlog", "store", "trust", "usecases", "public", "cli"),
        *("adapters", "project"),
    ],
    "dvc": [],
}
"""Of pe_dvc's own packages, those that import nothing which starts threads."""


def import_all(name: str) -> None:
    """Import the libraries of a script, and all of pe_dvc that starts no threads."""
    for library in LIBRARIES[name]:
        importlib.import_module(library)
    for place in PACKAGES[name]:
        package = importlib.import_module(f"pe_dvc.{place}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    if name == "dvc":
        parser: Any = importlib.import_module("dvc.cli.parser")
        made = parser.get_main_parser()  # the same for any command line
        parser.get_main_parser = lambda: made
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - pathlib may not be loaded
    assert threads == 1, f"{name}: a module that starts threads was imported, see PACKAGES"
    assert "pygit2" not in sys.modules, f"{name}: libgit2 keeps the HOME in which it was loaded"


def serve(listener: socket.socket, script: str) -> dict[str, Any] | None:
    """Fork for each request. Return it in the process forked for it; None here, at the end."""
    usual = dict(os.environ)
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj is listener:
                    answers, _ = listener.accept()
                    with answers:
                        request, streams = _read(answers)
                        if request is None or not is_like(request["environment"], usual):
                            _answer(answers, 0)
                        else:
                            child = os.fork()
                            if child == 0:
                                for number, stream in enumerate(streams):
                                    os.dup2(stream, number)
                                    os.close(stream)
                                listener.close()
                                request.setdefault("script", script)
                                return request
                            _answer(answers, child)
                            ended = os.pidfd_open(child)
                            running[ended] = child, answers.dup()
                            selector.register(ended, selectors.EVENT_READ)
                    for stream in streams:
                        os.close(stream)
                else:
                    ended = int(key.fd)
                    selector.unregister(ended)
                    os.close(ended)
                    child, answers = running.pop(ended)
                    _, status = os.waitpid(child, 0)
                    with answers:
                        _answer(answers, os.waitstatus_to_exitcode(status))


def is_like(environment: dict[str, str], usual: dict[str, str]) -> bool:
    """Tell whether a new process would start in one environment as in the other."""
    return all(
        name.startswith(READ_LATER)
        or name in ALSO_READ_LATER
        or environment.get(name) == usual.get(name)
        for name in {*environment, *usual}
    )


def _read(answers: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Return what is asked for, and the streams that come with it; None from who went away."""
    head, streams, _, _ = socket.recv_fds(answers, 4, 3)
    size = int.from_bytes(head, "big")
    text = b""
    while piece := answers.recv(size - len(text)):
        text += piece
    return (marshal.loads(text) if size and len(text) == size else None), streams


def _answer(answers: socket.socket, number: int) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a test that was given up
        answers.sendall(f"{number}\n".encode())


def become(request: dict[str, Any]) -> None:
    """Run a script in this process, as the request says."""
    script = request["script"]
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(request["umask"])
    os.chdir(request["directory"])
    sys.argv[:] = [script, *request["arguments"]]
    sys.path[0] = os.path.dirname(script)  # noqa: PTH120 - pathlib may not be loaded
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        code = end.code or 0
    leave(code)


def leave(code: int) -> None:
    """End as Python does, but leave memory to the system: to take it apart copies all of it."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Serve until nobody asks."""
    script, listener = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    sys.path[0] = os.path.dirname(script)  # noqa: PTH120 - as above
    usual = dict(os.environ)
    os.environ.update(WITHOUT_THREADS, PYDANTIC_DISABLE_PLUGINS="__all__")  # as pe-dvc does
    import_all(os.path.basename(script))  # noqa: PTH119 - as above
    os.environ.clear()
    os.environ.update(usual)
    gc.freeze()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    request = serve(listener, script)
    if request is not None:
        become(request)


if __name__ == "__main__":
    main()
