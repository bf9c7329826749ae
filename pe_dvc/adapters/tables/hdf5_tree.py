"""What stands where in an HDF5 file: every object once looked at, and none that is elsewhere.

An HDF5 file may hold links to other files and arrays whose values are in other files. Who has the
one file would not have those, so they are refused by name. With ``hdf5`` the only module that
knows h5py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pe_dvc.documents.manifest import Member
from pe_dvc.primitives.errors import FormatError
from pe_dvc.primitives.printable import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OBJECTS = 500_000
"""Most objects of a file: a table of pandas with an index for each column has 11 a column."""
MAX_DEPTH = 32
MAX_CHUNK = 512 * 1024 * 1024
"""Most bytes that HDF5 may unpack at once, as it does to read one value of a chunk."""

_FILTERS = {
    305: "lzo",
    307: "bzip2",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32017: "sz",
    32026: "blosc2",
    4: "szip",
}
_OF_HDF5PLUGIN = (307, 32001, 32004, 32008, 32013, 32015, 32017, 32026)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The objects of a file by their paths, which have no leading slash."""

    groups: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    others: list[Member] = field(default_factory=list)

    def is_empty(self, group: str) -> bool:
        """Tell whether nothing is in a group."""
        return not len(self.groups[group])


def read_tree(file: Any, label: str, *, skip: str | None = None) -> Tree:
    """Return all objects of an open file, but for what is in groups called ``skip``.

    Raises FormatError for a link out of the file or to nothing, for an array whose values are
    not in the file, or which no filter here unpacks, and for a file of too many objects.
    """
    tree, seen = Tree(), set[Any]()
    soft: list[str] = []
    for path, group, name in _links(file, tree, label, skip):
        kind = _kind_of(group, name, path, label)
        if kind == "soft":
            soft.append(path)
        elif kind == "group":
            _add_group(tree, path, group, name, seen)
        elif kind == "array":
            tree.arrays[path] = _checked_array(group, name, path, label)
        else:
            tree.others.append(Member(name=path, reason="a type, which has no values"))
    for path in soft:
        tree.others.append(_inner_link(file, path, label))
    return tree


def _links(file: Any, tree: Tree, label: str, skip: str | None) -> Iterator[tuple[str, Any, bytes]]:
    """Yield the path, group and name of every link, in the order of names."""
    import h5py

    waiting, count = [("", file)], 0
    while waiting:
        prefix, group = waiting.pop()
        below = []
        for name in sorted(group.id):
            path = f"{prefix}{_text(name)}"
            count += 1
            if count > MAX_OBJECTS or path.count("/") >= MAX_DEPTH:
                raise _too_much(label)
            yield path, group, name
            if path in tree.groups and path.rpartition("/")[2] != skip:
                below.append((f"{path}/", h5py.Group(tree.groups[path].id)))
        waiting += reversed(below)


def _too_much(label: str) -> FormatError:
    return FormatError(
        f"holds more than {MAX_OBJECTS:,} objects, or groups more than {MAX_DEPTH} deep",
        where=label,
        remedy="Save the values in fewer and larger arrays or tables.",
    )


def _kind_of(group: Any, name: bytes, path: str, label: str) -> str:
    import h5py

    link = group.id.links.get_info(name)
    if link.type == h5py.h5l.TYPE_SOFT:
        return "soft"
    if link.type != h5py.h5l.TYPE_HARD:
        raise _elsewhere(path, "is a link to another file", label)
    kinds = {h5py.h5o.TYPE_GROUP: "group", h5py.h5o.TYPE_DATASET: "array"}
    return kinds.get(h5py.h5o.get_info(group.id, name).type, "type")


def _add_group(tree: Tree, path: str, group: Any, name: bytes, seen: set[Any]) -> None:
    import h5py

    found = h5py.Group(h5py.h5g.open(group.id, name))
    where = (h5py.h5o.get_info(found.id).fileno, h5py.h5o.get_info(found.id).addr)
    if where in seen:
        tree.others.append(Member(name=path, reason="a group that stands elsewhere in the file"))
        return
    seen.add(where)
    tree.groups[path] = found


def _checked_array(group: Any, name: bytes, path: str, label: str) -> Any:
    import h5py

    array = h5py.Dataset(h5py.h5d.open(group.id, name))
    layout, external = _storage(array)
    if layout == h5py.h5d.VIRTUAL:
        raise _elsewhere(path, "is a virtual dataset, whose values are in other files", label)
    if external:
        raise _elsewhere(path, "has its values in another file (external storage)", label)
    return array


def _storage(array: Any) -> tuple[int, int]:
    """Return an array's layout, and how many other files have its values.

    The list of properties itself must not be in the traceback of an error: HDF5 2.0 ends a program
    that still has one of a virtual dataset by a segmentation fault.
    """
    plan = array.id.get_create_plist()
    return plan.get_layout(), plan.get_external_count()


def check_readable(array: Any, path: str, label: str) -> None:
    """Raise FormatError if an array's values cannot be unpacked here: by filter, or by size."""
    import h5py

    plan = array.id.get_create_plist()
    for number in range(plan.get_nfilters()):
        code = plan.get_filter(number)[0]
        if not h5py.h5z.filter_avail(code) and _is_filtered(array, number):
            raise _no_filter(code, path, label)
    if array.chunks is not None:
        size = array.dtype.itemsize
        for length in array.chunks:
            size *= length
        if size > MAX_CHUNK:
            raise FormatError(
                f"{brief(repr(path))} has chunks of {size:,} bytes, and {MAX_CHUNK:,} at most are "
                "unpacked",
                where=label,
                remedy="Save it in smaller chunks.",
            )


def _is_filtered(array: Any, number: int) -> bool:
    """Tell whether a filter was applied: who wrote the file may have been without it as well."""
    if not array.id.get_num_chunks():
        return False
    return not array.id.get_chunk_info(0).filter_mask & (1 << number)


def _no_filter(code: int, path: str, label: str) -> FormatError:
    name = _FILTERS.get(code, f"filter {code}")
    install = (
        "Run pip install hdf5plugin, or save it with complib='zlib'."
        if code in _OF_HDF5PLUGIN
        else "Save it with complib='zlib' or 'blosc'."
    )
    return FormatError(
        f"{brief(repr(path))} is compressed with {name}, which is not installed here",
        where=label,
        remedy=install,
    )


def _inner_link(file: Any, path: str, label: str) -> Member:
    """Return what a soft link is. All links out of the file have been refused by then."""
    try:
        target = file.get(path, getlink=True).path
        file[path]
    except (LookupError, OSError, RuntimeError, ValueError):
        raise _elsewhere(path, "is a link to nothing", label) from None
    return Member(name=path, reason=f"a link to {brief(target)}")


def _elsewhere(path: str, what: str, label: str) -> FormatError:
    return FormatError(
        f"{brief(repr(path))} {what}",
        where=label,
        remedy="Save all values in the file itself: who gets the file gets no other.",
    )


def _text(name: bytes) -> str:
    return name.decode(errors="backslashreplace")
