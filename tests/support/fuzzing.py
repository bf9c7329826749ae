"""Hostile input: any bytes, and real documents with something changed in their structure or text.

``fuzz`` tries a target a few times; with FUZZ_SECONDS set, for its share of that.
"""

from __future__ import annotations

import json
import os
import resource
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pe_dvc.primitives.errors import PeDvcError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

Input = TypeVar("Input")

EXAMPLES = 40
TARGETS, PROCESSES = 40, 2
SECONDS = float(os.environ.get("FUZZ_SECONDS", "0")) * PROCESSES / TARGETS
"""Seconds for each target, of those that all may take."""
CPU_SECONDS = 10.0
"""Within which a target must answer: some milliseconds, on a machine that others load."""
MEMORY = 1024 * 1024
"""Kilobytes by which a target may let this process grow."""

TOKENS = (
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b"(",
        b'"',
        b"'",
        b"\\",
        b":",
        b",",
        b"=",
        b"#",
        b"-",
        b"\n",
        b"\x00",
    ),
    *(b"[" * 2000, b"{" * 2000, b'{"a":' * 500, b"- " * 500, b"a." * 500, b"[[", b'"""', b"'''"),
    *(b"&a ", b"*a", b"<<: *a", b"${", b"}", b"${a}" * 30, b"!!python/object:os.system", b"!!set"),
    *(b"1e999999999", b"-1", b"9" * 5000, b"0x" + b"f" * 500, b"NaN", b".inf", b"-0", b"1_0"),
    *(b"\\ud800", b"\xed\xa0\x80", b"\xff\xfe", b"\xef\xbb\xbf", "\u202e".encode(), b"\x1b[2J"),
    *(b"../", b"/etc/passwd", b"%(a)s", b"true", b"null", b"~", b"a , " * 30, b" " * 2000),
    *(
        b"-----BEGIN PRIVATE KEY-----",
        b"pe-data://",
        b"==",
        b"sha256:",
        b".dir",
        b"\r",
        b"\xc2\x85",
    ),
)
"""What parsers stumble over."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 2**64, -(2**70), 10**400, 1e308, -0.5, float("nan")),
    *("", "\x00", "../../x", "/x", ".git/hooks/x", "a\nb", "\ud800", "é", "\x1b[2J", "x" * 5000),
    *("${a}", "${a}" * 30, "a" * 64, "0" * 32, "0" * 32 + ".dir", "2026-01-01T00:00:00Z", "us"),
    *([], {}, [[]], [None], [{}], {"": None}, {"a": {"b": []}}, ["x"] * 50),
)
"""What a value may be where another was meant."""


def fuzz(target: Callable[[Input], object], inputs: SearchStrategy[Input]) -> None:
    """Try ``inputs``: each gives a value or an error of pe_dvc's, in bounded time and memory."""

    def check(value: Input) -> None:
        began, memory = time.process_time(), _memory()
        assert len(said(target, value)) < 25_000
        assert time.process_time() - began < CPU_SECONDS
        assert _memory() - memory < MEMORY

    end = time.monotonic() + SECONDS
    while True:
        _settings()(given(inputs)(check))()
        if time.monotonic() >= end:
            return


def said(function: Callable[[Input], object], value: Input) -> str:
    """Return what the error of pe_dvc's says that a call ends in; nothing where it ends well."""
    try:
        function(value)
    except PeDvcError as error:
        return str(error)
    return ""


def _settings() -> settings:
    long = SECONDS > 0
    return settings(
        max_examples=1000 if long else EXAMPLES,
        deadline=None if long else timedelta(seconds=CPU_SECONDS * 6),
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@st.composite
def edited(draw: DrawFn, documents: Sequence[bytes]) -> bytes:
    """Documents with some of their bytes replaced, repeated or gone; or any bytes."""
    data = draw(st.sampled_from([*documents, b""]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 10, 1000])))
        put = draw(
            st.sampled_from(TOKENS)
            | st.binary(max_size=8)
            | st.just(data[start:end] * 3)
            | st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass"))
        )
        data = data[:start] + put + data[end:]
    return data


@st.composite
def mutated(draw: DrawFn, documents: Sequence[bytes]) -> bytes:
    """JSON documents, which are YAML as well, of which some values are others, gone or doubled."""
    document = json.loads(draw(st.sampled_from(list(documents))))
    for _ in range(draw(st.integers(1, 3))):
        document = _mutate(draw, document)
    return json.dumps(document).encode()


def _mutate(draw: DrawFn, document: Any) -> Any:
    place: Any = {"": document}
    holder: Any = place
    key: Any = ""
    while isinstance(holder[key], (dict, list)) and holder[key] and draw(st.integers(0, 5)):
        holder = holder[key]
        keys = sorted(holder, key=str) if isinstance(holder, dict) else range(len(holder))
        key = draw(st.sampled_from(list(keys)))
    match draw(st.integers(0, 5)):
        case 0 if isinstance(holder, dict) and key:
            holder[draw(st.sampled_from(["", "a", "__class__", "x" * 300]) | st.text())] = (
                holder.pop(key)
            )
        case 1 if isinstance(holder, list):
            holder.append(holder[key])
        case 2 if holder is not place:
            del holder[key]
        case _:
            # A copy, so that no later change reaches the constants.
            holder[key] = draw(st.sampled_from(VALUES).map(lambda v: json.loads(json.dumps(v))))
    return place.get("")


def hostile(*documents: bytes) -> SearchStrategy[bytes]:
    """Bytes for a parser whose ``documents`` are JSON."""
    return mutated(documents) | edited(documents) | st.binary(max_size=64)
