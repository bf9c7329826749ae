"""Line endings that git rewrites when it checks files out (``core.autocrlf``, gitattributes)."""

from __future__ import annotations


def as_committed(data: bytes) -> bytes:
    r"""Return a document of ours with the line endings that it was written with.

    Signatures and digests are of those bytes. JSON as pe_dvc writes it has no carriage return:
    in a text that stands as ``\r``, two characters.
    """
    return data.replace(b"\r\n", b"\n")
