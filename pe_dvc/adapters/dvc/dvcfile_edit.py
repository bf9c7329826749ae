"""Notes in a ``.dvc`` file: where else the bytes lie, and whether they go to the bucket.

The location stands in ``meta.pe``, which DVC leaves alone, with the sha256 of the bytes that lie
there: it says nothing of another file that is put into the place. Nor does the statement of the
producer, which stands there with DVC's hash of what it is about. ``push`` is DVC's own.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from pe_dvc.adapters.dvc.yaml import compose_yaml, read_yaml
from pe_dvc.adapters.dvc.yaml_edit import add_entries, scalar
from pe_dvc.documents.dvc_output import Location
from pe_dvc.primitives.digest import check_sha256
from pe_dvc.primitives.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping


def location_in(document: Mapping[str, Any], *, where: str) -> Location | None:
    """Return the location that a ``.dvc`` file notes, None without one. Raises FormatError."""
    meta = document.get("meta")
    ours = meta.get("pe") if isinstance(meta, dict) else None
    if ours is None:
        return None
    uri, sha256 = (ours.get(key) if isinstance(ours, dict) else None for key in Location.KEYS)
    if not isinstance(uri, str) or not isinstance(sha256, str):
        raise FormatError(
            f"needs {' and '.join(Location.KEYS)}",
            where=f"{where}: meta.pe",
            remedy="Restore it from git, or run pe-dvc import again.",
        )
    checked = check_sha256(sha256, where=f"{where}: meta.pe.sha256")
    provenance, md5 = ours.get("provenance"), ours.get("md5")
    if not isinstance(provenance, str) or not isinstance(md5, str):
        return Location(uri=uri, sha256=checked)
    return Location(uri=uri, sha256=checked, provenance=provenance, md5=md5)


def with_location(text: str, location: Location, *, push: bool, name: str) -> str:
    """Return the text of a ``.dvc`` file with this location, and no other.

    ``name`` is what messages call the file. Raises FormatError for a file that is not laid out as
    DVC writes it.
    """
    document = read_yaml(text.encode(), name)
    pe = f"pe:\n  location: {scalar(location.uri)}\n  sha256: {scalar(location.sha256)}\n"
    if location.provenance is not None and location.md5 is not None:
        pe += f"  provenance: {scalar(location.provenance)}\n  md5: {scalar(location.md5)}\n"
    (out,) = document["outs"]
    bare = _without(text, name, "meta", "pe")
    if "meta" in read_yaml(bare.encode(), name):
        edited = add_entries(bare, "meta", {"pe": pe}, name=name)
    else:
        edited = f"{bare}meta:\n{textwrap.indent(pe, '  ')}"
    meant = {**document, "meta": {**(document.get("meta") or {}), **read_yaml(pe.encode(), name)}}
    if push != out.get("push", True):
        edited = _with_push(edited, name, push=push)
        meant["outs"] = [{k: v for k, v in out.items() if k != "push"}]
        meant["outs"][0] |= {} if push else {"push": False}
    if _parsed(edited, name) != meant:
        raise FormatError(
            "is not laid out as DVC writes it",
            where=name,
            remedy="Remove it, and run pe-dvc import again.",
        )
    return edited


def _parsed(text: str, name: str) -> dict[str, Any] | None:
    try:
        return read_yaml(text.encode(), name)
    except FormatError:
        return None


def _with_push(text: str, name: str, *, push: bool) -> str:
    outs = next(
        value for key, value in compose_yaml(text.encode(), name).value if key.value == "outs"
    )
    pairs = outs.value[0].value
    lines = text.splitlines(keepends=True)
    if push:
        (at,) = (key.start_mark.line for key, _ in pairs if key.value == "push")
        return "".join(lines[:at] + lines[at + 1 :])
    last = pairs[-1][0].start_mark
    lines.insert(last.line + 1, f"{' ' * last.column}push: false\n")
    return "".join(lines)


def _without(text: str, name: str, section: str, key: str) -> str:
    """Return the text without an entry of a mapping at its top, and without one that is empty."""
    node = compose_yaml(text.encode(), name)
    found = next((pair for pair in node.value if pair[0].value == section), None)
    entry = next((p for p in found[1].value if p[0].value == key), None) if found else None
    if found is None or entry is None:
        return text
    first, last = (found if len(found[1].value) == 1 else entry), entry[1].value[-1]
    lines = text.splitlines(keepends=True)
    return "".join(lines[: first[0].start_mark.line] + lines[last[1].end_mark.line + 1 :])
