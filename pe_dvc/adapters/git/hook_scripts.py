"""The scripts of git hooks: what pe_dvc adds for each data repo of a git repo."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HEAD = """\
#!/bin/sh
# Written by `pe-dvc install`, taken away by `pe-dvc install --uninstall`.
# Runs, besides what pe_dvc adds for each data repo, the hook of this name where git looked before.
earlier={earlier}
"""
_EXEC = '[ -x "$earlier" ] || exit 0\nexec "$earlier" "$@"\n'
_OURS = """\
ours={notes}
add_in() (
    cd "$1" 2>/dev/null && grep -q '^\\[tool\\.pe_dvc' pyproject.toml 2>/dev/null || exit 0
    shift
    command -v pe-dvc >/dev/null || PATH={path}:$PATH
    command -v pe-dvc >/dev/null || {{ printf '%s\\n' {missing} >&2; exit 1; }}
    {command}
)
add() {{
    failed=0
    for data_repo in {data_repos}; do {add_in} || failed=1; done
    return $failed
}}
"""
_MISSING = (
    "pe-dvc is not installed, and the git hooks of this clone run it.",
    "  Install it, or take the hooks away: git config --local --unset core.hooksPath",
    "  The option --no-verify of git commit and git push leaves them out once.",
)
# What git writes to a hook is for all: it is read once, with the newline that $() would drop.
_INPUT = "given=$(cat; echo .)\ngiven=${given%.}\n"
_FEED = 'printf %s "$given" | '
_BEFORE = 'add "$@" || exit 1\n[ -x "$earlier" ] || exit 0\n{earlier}\n'
_AFTER = """\
status=0
if [ -x "$earlier" ]; then {earlier}; status=$?; fi
{condition}add "$@"
exit $status
"""


@dataclass(frozen=True, kw_only=True)
class HookPart:
    """What pe_dvc adds to a hook: a ``command`` of the shell, run before or after the earlier hook.

    It runs in each data repo; that it fails in one keeps it from none. ``condition`` is a test of
    the shell that guards one after the earlier hook. ``reads`` gives it what git writes to the
    hook's standard input. ``$ours`` is a directory for notes.
    """

    command: str
    before: bool = False
    condition: str | None = None
    reads: bool = False


def hook_script(
    part: HookPart | None,
    *,
    earlier: str,
    notes: Path,
    data_repos: Sequence[str],
    program: Path,
) -> str:
    """Return the script of a hook that runs ``part``, and the hook ``earlier``.

    ``data_repos`` are paths from the top of the work tree; ``program`` is the pe-dvc for a PATH
    that has none.
    """
    head = _HEAD.format(earlier=shlex.quote(earlier))
    if part is None:
        return head + _EXEC
    feed = _FEED if part.reads else ""
    call = 'add_in "$data_repo" "$@"'
    ours = _OURS.format(
        notes=shlex.quote(str(notes)),
        # No option of cd, and nothing in CDPATH.
        data_repos=" ".join(shlex.quote(f"./{path}") for path in data_repos),
        path=shlex.quote(str(program.parent)),
        missing=shlex.join(_MISSING),
        command=part.command,
        add_in=f"{feed}{call}" if part.reads else f"{call} </dev/null",
    )
    condition = f"{part.condition} && " if part.condition else ""
    form = _BEFORE if part.before else _AFTER
    lines = form.format(earlier=f'{feed}"$earlier" "$@"', condition=condition)
    return head + ours + (_INPUT if part.reads else "") + lines
