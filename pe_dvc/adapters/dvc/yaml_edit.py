"""Adds entries to a dvc.yaml as a person would: by lines, so that all else stays as written.

A YAML library would write the whole file again, in its own layout, and move comments that stand
between two sections. The result is read again and compared with what was meant, so that a file
of an unusual layout is refused and never spoilt.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.yaml import compose_yaml, read_yaml
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STEP = "  "
_PLAIN = re.compile(r"[A-Za-z_][\w./+@-]*", re.ASCII)
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def scalar(text: str) -> str:
    """Return a text as YAML has it, in quotes where it could be taken for something else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """Return a value as YAML on one line, such as ``{key: person_id}``."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{scalar(k)}: {flow(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value) if isinstance(value, str) else json.dumps(value)


def add_entries(text: str, section: str, entries: Mapping[str, str], *, name: str) -> str:
    """Return ``text`` with ``entries`` at the end of the top-level mapping ``section``.

    ``entries`` are blocks of YAML by their keys, each with its key and without indentation; the
    section is made where there is none. ``name`` is what messages call the file. Raises
    FormatError, with the lines to add, for a file that cannot be edited by lines.
    """
    block = "".join(entries.values())
    meant = read_yaml(text.encode(), name)
    meant[section] = {**(meant.get(section) or {}), **read_yaml(block.encode(), name)}
    node = _child(compose_yaml(text.encode(), name), section)
    if node is None:
        gap = "\n" if text.strip() else ""
        edited = f"{_ended(text)}{gap}{section}:\n{_indented(block, _STEP)}"
    else:
        edited = _below(text, node, block)
    lines = f"{section}:\n{_indented(block, _STEP)}"
    return _checked(edited, meant, lines, name)


def entries_of(text: str, section: str) -> dict[str, str]:
    """Return the blocks of a top-level mapping by their keys, without indentation.

    The comment lines before a key are part of its block.
    """
    node = _child(compose_yaml(text.encode(), section), section)
    lines, blocks, start = text.splitlines(keepends=True), {}, node.start_mark.line
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    for key, value in node.value:
        end = text.count("\n", 0, _end(value)) + 1
        blocks[key.value] = textwrap.dedent("".join(lines[start:end]))
        start = end
    return blocks


def add_items(text: str, path: Sequence[str], items: Sequence[str], *, name: str) -> str:
    """Return ``text`` with ``items`` at the end of the list that stands at ``path``.

    The list is made where there is none, after the first key of the mapping that is to hold it.
    Raises FormatError, with the lines to add, for a file that cannot be edited by lines.
    """
    *parents, key = path
    meant = read_yaml(text.encode(), name)
    holder, node = meant, compose_yaml(text.encode(), name)
    for parent in parents:
        holder, node = holder[parent], _child(node, parent)
    holder[key] = [*(holder.get(key) or []), *items]
    found = _child(node, key)
    if found is None or not found.value:
        edited = _new_list(text, node, key, items, found)
    elif found.flow_style:
        at = found.value[-1].end_mark.index
        edited = f"{text[:at]}, {', '.join(map(scalar, items))}{text[at:]}"
    else:
        indent = " " * found.start_mark.column
        edited = _after(text, _end(found), _listed(items, indent))
    return _checked(edited, meant, f"{key}:\n{_listed(items, _STEP)}", name)


def _new_list(text: str, holder: Any, key: str, items: Sequence[str], found: Any) -> str:
    """Write the first items of a list, which is not there, or empty as ``found``."""
    line = f"{scalar(key)}: [{', '.join(map(scalar, items))}]"
    if found is not None and found.end_mark.index > found.start_mark.index:
        inside = line.partition(": ")[2]
        return text[: found.start_mark.index] + inside + text[found.end_mark.index :]
    if holder.flow_style:
        at = _end(holder.value[-1][1])
        return f"{text[:at]}, {line}{text[at:]}"
    first_key, first = holder.value[0]
    indent = " " * first_key.start_mark.column
    block = _listed(items, indent + _STEP)
    if found is not None:
        return _after(text, _key_of(holder, key).end_mark.index, block)
    return _after(text, max(_end(first_key), _end(first)), f"{indent}{scalar(key)}:\n{block}")


def _below(text: str, node: Any, block: str) -> str:
    """Write a block at the end of the mapping ``node``, which may be empty."""
    if node.value and not node.flow_style:
        indent = " " * node.value[0][0].start_mark.column
        return _after(text, _end(node), _indented(block, indent))
    start, end = node.start_mark.index, node.end_mark.index
    # An empty one: `artifacts:` or `artifacts: {}`. Any other on one line is refused by the check.
    return _after(text[:start].rstrip(" ") + text[end:], start - 1, _indented(block, _STEP))


def _child(node: Any, key: str) -> Any:
    if node is None or not isinstance(node.value, list):
        return None
    return next((value for k, value in node.value if k.value == key), None)


def _key_of(node: Any, key: str) -> Any:
    return next(k for k, _ in node.value if k.value == key)


def _end(node: Any) -> int:
    """Return where the last character of a node's own content is, comments after it left out."""
    if isinstance(node.value, str) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    # What an alias stands for is further up: then its key is the last.
    return max(map(_end, last)) if isinstance(last, tuple) else max(_end(last), _start(last))


def _start(node: Any) -> int:
    return int(node.start_mark.index)


def _after(text: str, at: int, lines: str) -> str:
    """Put ``lines`` after the line in which the content up to ``at`` ends."""
    at = len(text[:at].rstrip())
    line_end = text.find("\n", at)
    if line_end < 0:
        return f"{_ended(text)}{lines}"
    return text[: line_end + 1] + lines + text[line_end + 1 :]


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _listed(items: Sequence[str], indent: str) -> str:
    return "".join(f"{indent}- {scalar(item)}\n" for item in items)


def _indented(block: str, indent: str) -> str:
    return "".join(
        f"{indent}{line}" if line.strip() else line for line in block.splitlines(keepends=True)
    )


def _checked(edited: str, meant: Mapping[str, Any], lines: str, name: str) -> str:
    """Return ``edited`` if it says what is meant. Raises FormatError."""
    try:
        found = read_yaml(edited.encode(), name)
    except FormatError:
        found = {}
    if found != meant:
        raise FormatError(
            "is laid out in a way that pe_dvc cannot add to",
            where=name,
            remedy=f"Write its mappings one key a line, or add these lines yourself:\n{lines}",
        )
    return edited
