"""What the DVC configuration of a clone may decide, and what only its user may.

A clone's author writes ``.dvc/config``, and may put ``.dvc/config.local`` into git, too. They may
say where the data are. Only the user says which program or file credentials come from, and which
endpoint they are sent to: in a file that did not come with the clone, or in the environment.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pe_dvc.documents.dvc_boolean import TRUE
from pe_dvc.primitives.errors import NotFoundError, UntrustedError
from pe_dvc.project import directories

if TYPE_CHECKING:
    from pathlib import Path

    from pe_dvc.adapters.dvc.config import Remote

_FILES = ("configpath", "credentialpath")
"""Files of credentials; AWS's may name a program that prints them (``credential_process``)."""
_OWN_KEYS = ("access_key_id", "secret_access_key")
_OTHER_SECRETS = ("session_token", "sse_customer_key")


def came_with_clone(file: Path, root: Path) -> bool:
    """Tell whether a file of DVC's configuration may be the work of the clone's author.

    ``.dvc/config`` is. ``config.local`` is its user's own, unless git holds it, or a link or a
    submodule on the way to it; without git that is unknown.
    """
    from pe_dvc.adapters.git.repo import GitRepo

    if file == root / ".dvc" / "config":
        return True
    if not file.is_relative_to(root):
        return False
    try:
        return GitRepo(root).holds(file.relative_to(root).as_posix())
    except NotFoundError:
        return True


class CloneOptions:
    """The options of a remote that no file of the user's own says, in the data repo at ``root``."""

    def __init__(self, remote: Remote, root: Path) -> None:
        self._remote, self._root = remote, root.absolute()

    def check_files(self) -> None:
        """Raise UntrustedError if the clone names a file of credentials."""
        for option in _FILES:
            if self._is_clones(option):
                value = self._remote.options[option]
                raise UntrustedError(
                    f"{self._file(option)}: {option} of the remote {self._remote.name!r} is "
                    f"{value}: such a file can start programs, and this came with the clone",
                    remedy=f"Nothing was read from it. {self._remedy(option)}",
                )

    def refusals(self) -> dict[str, UntrustedError]:
        """Return, by option, why credentials of the user may not be sent where it leads."""
        sent = [*_OWN_KEYS, *(o for o in _OTHER_SECRETS if self._remote.options.get(o))]
        if all(self._is_clones(option) for option in sent):
            return {}  # the clone's own credentials: nothing of the user's is sent
        found = {}
        if self._is_clones("endpointurl") and not self._endpoint_allowed():
            found["endpointurl"] = self._endpoint_refusal()
        verify = self._remote.options.get("ssl_verify", "").strip().lower()
        if verify not in {"", *TRUE} and self._is_clones("ssl_verify"):
            found["ssl_verify"] = UntrustedError(
                f"{self._file('ssl_verify')}: the remote {self._remote.name!r} has ssl_verify = "
                f"{verify}, with which others could read your credentials, and this came with the "
                "clone",
                remedy=f"Nothing was sent. {self._remedy('ssl_verify')}",
            )
        return found

    def _endpoint_allowed(self) -> bool:
        from pe_dvc.adapters.git.repo import GitRepo
        from pe_dvc.adapters.stores.endpoints import same_endpoint

        endpoint = self._remote.options["endpointurl"]
        if any(same_endpoint(endpoint, allowed) for allowed in directories.allowed_endpoints()):
            return True
        try:
            return not GitRepo(self._root).has_remotes()
        except NotFoundError:
            return False

    def _endpoint_refusal(self) -> UntrustedError:
        endpoint = self._remote.options["endpointurl"]
        anonymous = shlex.join(
            ["dvc", "remote", "modify", "--local", self._remote.name, "allow_anonymous_login"]
        )
        return UntrustedError(
            f"{self._file('endpointurl')}: your credentials would go to {endpoint}, the "
            f"endpointurl of the remote {self._remote.name!r}, which only this clone names",
            remedy=f"Nothing was sent. {self._remedy('endpointurl')}\n"
            f"In CI, set PE_DVC_ALLOW_ENDPOINTS={shlex.quote(endpoint)}\n"
            f"A public bucket needs no credentials: {anonymous} true",
        )

    def _remedy(self, option: str) -> str:
        """Return how the user allows an option once: each value is quoted for a shell."""
        name, value = self._remote.name, self._remote.options[option]
        file = self._root / ".dvc" / "config.local"
        if file in self._remote.said_by.get(option, ()):
            return (
                f"Look at {file}; if it is right, take it out of git, where it never belongs: "
                f"git rm --cached {shlex.quote(str(file))}"
            )
        command = shlex.join(["dvc", "remote", "modify", "--local", name, option, value])
        return f"If you trust it, say so once: {command}"

    def _is_clones(self, option: str) -> bool:
        said_by = self._remote.said_by.get(option, ())
        return bool(said_by) and all(came_with_clone(file, self._root) for file in said_by)

    def _file(self, option: str) -> Path:
        return self._remote.said_by[option][-1]
