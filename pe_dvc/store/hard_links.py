"""A new file takes its name by a hard link, which fails where the name is taken already."""

from __future__ import annotations

import errno
import os

_NO_LINKS = frozenset(
    [errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV]
)
"""What the operating system says of a link that a file system does not have: exFAT, SMB, FUSE."""


class NoHardLinksError(OSError):
    """The file system has no hard links."""


def link_new(new: str, name: str, *, source: int, folder: int) -> None:
    """Give the file ``new`` in the directory ``source`` one more name, in ``folder``.

    Both are descriptors. Of many processes exactly one gets the name, and what it wrote is
    complete. Raises FileExistsError where the name is taken, NoHardLinksError where there are none.
    """
    try:
        os.link(new, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise NoHardLinksError(error.errno, "the file system has no hard links") from error
