"""Publishers and readers as processes of their own, and a parent that kills them.

``python -m tests.support.publishers ROLE …`` with the arguments as JSON; the answer is JSON too.
Children are forked from a parent that has imported everything and opened nothing, so that a
round costs milliseconds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pe_dvc.adapters.stores.object_store
import pe_dvc.project.push
import pe_dvc.trust.client
import pe_dvc.usecases.publish.rebase  # noqa: F401 - imported before the forks
from pe_dvc.primitives.errors import ConflictError, PeDvcError
from pe_dvc.project.stores import open_store
from tests.support.signed_repo import HandMadeRepo

if TYPE_CHECKING:
    from collections.abc import Callable


def publisher(root: str, keys: str, store: str, name: str, rounds: int) -> dict[str, Any]:
    """Build and push one dataset so many times, in a clone of one's own."""
    repo, bucket = HandMadeRepo(Path(root), Path(keys)), open_store(store)
    told, rebased = 0, 0
    for number in range(1, rounds + 1):
        repo.build(name, f"{name} {number}".encode())
        repo.update_latest()
        for _ in range(5):
            try:
                pushed = repo.push(bucket)
            except ConflictError:
                told += 1
            else:
                rebased += pushed.rebased is not None
                break
        else:
            raise AssertionError(f"{name} was told to push again five times")
    return {"told": told, "rebased": rebased}


def readers(root: str, keys: str, store: str, home: str, count: int, stop: str) -> dict[str, Any]:
    """Read all datasets again and again, in so many threads, until the file ``stop`` is there."""
    repo, failures = HandMadeRepo(Path(root), Path(keys)), []
    reads = [0] * count

    def read(number: int) -> None:
        researcher = repo.reader(open_store(store), Path(home) / str(number))
        seen = 0
        rounds: dict[str, int] = {}
        try:
            while not (Path(stop).exists() and reads[number]):
                datasets = researcher.datasets()
                for name, data in datasets.items():
                    said, of_round = data.decode().rsplit(" ", 1)
                    assert said == name, f"{name} has the bytes of {said}"
                    assert int(of_round) >= rounds.get(name, 0), f"{name} went back"
                    rounds[name] = int(of_round)
                version = researcher.version()
                assert version >= seen, f"version {version} after {seen}"
                seen = version
                reads[number] += 1
        except Exception:  # noqa: BLE001 - the test shows it
            failures.append(traceback.format_exc())

    threads = [threading.Thread(target=read, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"failures": failures, "reads": sum(reads)}


def killer(root: str, keys: str, store: str, home: str, rounds: int, seed: int) -> dict[str, Any]:
    """Kill a push at a random time, look, push again; and so on for so many rounds.

    The first push is let finish, to know how long one takes; a kill that came too late tells
    it anew, as how busy the machine is changes.
    """
    drawn, longest, killed = random.Random(seed), 0.0, 0
    repo = HandMadeRepo(Path(root), Path(keys))
    for number in range(rounds + 1):
        repo.build("cps_2024", f"cps_2024 {number}".encode())
        repo.update_latest()
        wait = drawn.uniform(0, longest) if number else None
        began = time.monotonic()
        if _forked(partial(_push, repo, store), kill_after=wait):
            killed, longest = killed + 1, longest * 1.1
        else:
            longest = time.monotonic() - began
        state = Path(home) / str(number % 5)
        _forked(partial(_look, repo, store, state, (max(number - 1, 0), number)))
        _forked(partial(_push_and_look, repo, store, state, number))
    return {"killed": killed, "rounds": rounds}


def _push(repo: HandMadeRepo, store: str) -> None:
    repo.push(open_store(store))


def _look(repo: HandMadeRepo, store: str, state: Path, allowed: tuple[int, ...]) -> None:
    found = repo.reader(open_store(store), state).datasets()
    wanted = [{"cps_2024": f"cps_2024 {number}".encode()} for number in allowed]
    assert found in wanted, f"{found} is neither of {wanted}"


def _push_and_look(repo: HandMadeRepo, store: str, state: Path, number: int) -> None:
    bucket = open_store(store)
    repo.push(bucket)
    _look(repo, store, state, (number,))
    assert repo.push(bucket).channel.written == ()


def _forked(work: Callable[[], None], kill_after: float | None = None) -> bool:
    """Run ``work`` in a child; return whether it was killed. Raises if it failed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - nothing may return into the parent's code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), f"a child ended with {code}"
    return code != 0


if __name__ == "__main__":
    roles: dict[str, Callable[..., dict[str, Any]]] = {
        "publisher": publisher,
        "readers": readers,
        "killer": killer,
    }
    try:
        print(json.dumps(roles[sys.argv[1]](**json.loads(sys.argv[2]))))
    except PeDvcError as error:
        sys.exit(f"{type(error).__name__}: {error.message}; {error.remedy}")
