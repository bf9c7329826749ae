"""A store whose every operation can be made to fail, in every way that a bucket has.

Wraps any store. Operations are numbered as they come; the fault of one number strikes there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pe_dvc.primitives.errors import (
    ConflictError,
    NotFoundError,
    PeDvcError,
    StorePermissionError,
    StoreUnavailableError,
)
from tests.support.stores import Result, WrappedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pe_dvc.primitives.digest import Sha256
    from pe_dvc.store.port import ObjectInfo, Progress, Store

Moment = Literal["before", "middle", "after"]


class Killed(BaseException):
    """The process died: nothing may catch this."""


@dataclass(frozen=True)
class Fault:
    """What happens at an operation; ``after`` means that the operation took effect.

    ``error`` makes what is raised from operation and key; None kills the process.
    """

    name: str
    moment: Moment
    error: Callable[[str, str], PeDvcError] | None = None


def _unavailable(why: str) -> Callable[[str, str], PeDvcError]:
    return lambda operation, key: StoreUnavailableError(
        f"cannot {operation} {key}: {why}", operation=operation, key=key
    )


def _refused(operation: str, key: str) -> PeDvcError:
    return StorePermissionError(f"cannot {operation} {key}: 403", operation=operation, key=key)


ERRORS: dict[str, Callable[[str, str], PeDvcError]] = {
    "403": _refused,
    "404": lambda operation, key: NotFoundError(f"cannot {operation} {key}: 404"),
    "409": lambda operation, key: ConflictError(f"{key} was not written: it exists already"),
    "412": lambda operation, key: ConflictError(f"{key} was not written: it changed meanwhile"),
    **{status: _unavailable(f"HTTP {status}") for status in ("429", "500", "503")},
    "time-out": _unavailable("it took too long to answer"),
}
"""What the adapters make of each answer of a bucket, retries being used up."""

MOMENTS: tuple[Moment, ...] = ("before", "middle", "after")
STREAMS = ("upload", "list")
"""Operations of several requests, which have a middle of their own."""
KILLS = [Fault(f"killed {moment}", moment) for moment in MOMENTS]
FAILURES = [
    *(Fault(f"{name} without effect", "before", error) for name, error in ERRORS.items()),
    *(Fault(f"{name} with effect", "after", error) for name, error in ERRORS.items()),
    Fault("truncated", "middle", _unavailable("the answer broke off")),
]
ONE_OF_EACH_FAMILY = [f for f in FAILURES if f.name[:3] in ("403", "404", "409", "503", "tru")]
"""Publishing tells errors apart by family, and not by status."""


class FaultyStore(WrappedStore):
    """``inner``, with a fault at operation number ``at``; after a kill nothing works any more.

    With ``twice``, that operation is sent twice, as by a network that repeats a request, and the
    second answer is the one that arrives.
    """

    def __init__(
        self, inner: Store, fault: Fault | None = None, at: int = -1, *, twice: bool = False
    ) -> None:
        super().__init__(inner)
        self.fault, self.at, self.twice = fault, at, twice
        self.log: list[tuple[str, str]] = []
        self.dead = False

    def upload(
        self,
        key: str,
        path: Path,
        *,
        sha256: Sha256 | None = None,
        progress: Progress | None = None,
    ) -> Sha256:
        strikes = self._strikes_now("middle")

        def send() -> Sha256:
            def cut(count: int) -> None:
                if strikes:
                    raise self._raised("upload", key)
                if progress is not None:
                    progress(count)

            return self.inner.upload(key, path, sha256=sha256, progress=cut)

        return self._do("upload", key, send)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        strikes = self._strikes_now("middle")
        found = self._do("list", prefix, lambda: [*self.inner.list(prefix)])
        for number, info in enumerate(found):
            if strikes and number >= len(found) // 2:
                raise self._raised("list", prefix)
            yield info
        if strikes and not found:
            raise self._raised("list", prefix)

    def _strikes_now(self, moment: Moment) -> bool:
        fault = self.fault
        return fault is not None and fault.moment == moment and len(self.log) == self.at

    def _do(self, operation: str, key: str, work: Callable[[], Result]) -> Result:
        if self.dead:
            raise Killed
        strikes = {moment: self._strikes_now(moment) for moment in MOMENTS}
        again = self.twice and len(self.log) == self.at
        self.log.append((operation, key))
        # A single request is carried out or not: its middle is before its effect. What streams
        # (an upload, a listing) has a middle of its own and is cut there.
        if strikes["before"] or (strikes["middle"] and operation not in STREAMS):
            raise self._raised(operation, key)
        try:
            return (work(), work())[1] if again else work()
        finally:
            if strikes["after"]:
                raise self._raised(operation, key)

    def _raised(self, operation: str, key: str) -> BaseException:
        assert self.fault is not None
        if self.fault.error is None:
            self.dead = True
            return Killed()
        return self.fault.error(operation, key)
