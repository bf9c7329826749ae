"""The command ``pe-dvc``: a table of commands, each loaded only when it is called."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from importlib import import_module
from typing import NoReturn

import click

from pe_dvc.cli.failures import guarded
from pe_dvc.cli.group import Group, commands_of
from pe_dvc.cli.help_formatter import HelpFormatter
from pe_dvc.cli.logs import show_warning
from pe_dvc.cli.signals import INTERRUPTED, TERMINATED, end_now, end_on_signals

# name: (module, help line). The help lines stand here so that `pe-dvc --help` imports
# no command; a test holds them equal to the commands' own.
SECTIONS = {
    "Read data": {
        "trust": ("pe_dvc.cli.trust", "Manage pinned roots of trust."),
        "ls": ("pe_dvc.cli.ls", "List the datasets in a country's channels."),
        "show": ("pe_dvc.cli.show", "Show what a dataset is, without downloading it."),
        "find": ("pe_dvc.cli.find", "Find columns by name or meaning."),
        "cite": ("pe_dvc.cli.cite", "Print how to cite a dataset."),
        "get": ("pe_dvc.cli.get", "Download datasets, verified, and print their paths."),
        "diff": ("pe_dvc.cli.diff", "Show what changed between two versions of data, and where."),
        "stale": ("pe_dvc.cli.stale", "Tell whether published data is out of date."),
        "export": ("pe_dvc.cli.export", "Write a dataset's table for other programs, with labels."),
        "cache": ("pe_dvc.cli.cache", "List, verify and prune the local cache."),
    },
    "Work in a clone": {
        "pull": (
            "pe_dvc.cli.pull",
            "Download this checkout's datasets into DVC's cache and the workspace.",
        ),
        "verify": (
            "pe_dvc.cli.verify",
            "Check every dataset of this checkout against its manifest.",
        ),
        "check": (
            "pe_dvc.cli.check",
            "Check that manifests, the signed pointer and dvc.lock agree.",
        ),
        "reproduce": (
            "pe_dvc.cli.reproduce",
            "Build a dataset again from its recorded inputs, and compare.",
        ),
        "install": (
            "pe_dvc.cli.install",
            "Add git hooks that check commits, verify checkouts and push data.",
        ),
    },
    "Maintain a data repo": {
        "init": ("pe_dvc.cli.init", "Set up a git repo as a country's data repo."),
        "add": (
            "pe_dvc.cli.add",
            "Declare files as datasets, and track them.",
        ),
        "import": (
            "pe_dvc.cli.import_hub",
            "Take files of Hugging Face's hub as datasets.",
        ),
        "manifest": ("pe_dvc.cli.manifest", "Write and check the manifests of a data repo."),
        "codebook": ("pe_dvc.cli.codebook", "Ask a model what its variables mean."),
        "channel": ("pe_dvc.cli.channel", "Sign and inspect the channels latest and next."),
        "push": ("pe_dvc.cli.push", "Publish payloads, manifests and channels, in that order."),
        "release": (
            "pe_dvc.cli.release",
            "Turn git tags into releases that policyengine.py certifies.",
        ),
        "revoke": (
            "pe_dvc.cli.revoke",
            "Withdraw datasets, so that readers refuse them and their bytes leave the bucket.",
        ),
        "unrevoke": (
            "pe_dvc.cli.unrevoke",
            "Take back the withdrawal of artifacts, each a pinned reference.",
        ),
        "fsck": (
            "pe_dvc.cli.fsck",
            "Check every object in the bucket; --repair restores what it can.",
        ),
        "gc": ("pe_dvc.cli.gc", "Remove objects that no commit, channel or release refers to."),
        "site": ("pe_dvc.cli.site", "Make pages of what is published, to browse."),
        "gateway": (
            "pe_dvc.cli.gateway",
            "Hand out gated data to named people, and note each read.",
        ),
        "mirror": ("pe_dvc.cli.mirror", "Keep copies of the bucket elsewhere, and check them."),
        "witness": (
            "pe_dvc.cli.witness",
            "Cosign logs that only grow, so that no history is rewritten.",
        ),
        "audit": ("pe_dvc.cli.audit", "Ask who read gated data, and verify the answer."),
        "schema": ("pe_dvc.cli.schema", "Print the JSON Schema of a document."),
    },
}

COMMANDS = {name: line for section in SECTIONS.values() for name, line in section.items()}

HIDDEN = {"git-hook": "pe_dvc.cli.git_hook"}
"""Commands that programs call, not people."""

click.Context.formatter_class = HelpFormatter  # of all commands: each has a context of its own


OTHER_WORDS = {
    "describe": "show",
    "download": "get",
    "fetch": "get",
    "grep": "find",
    "info": "show",
    "list": "ls",
    "publish": "push",
    "search": "find",
}
"""What the commands are called in other tools."""


class LazyGroup(Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of that name."""
        module = HIDDEN.get(cmd_name) or COMMANDS.get(cmd_name, (None, ""))[0]
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, importing none."""
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])

    def meant_by(self, ctx: click.Context, name: str) -> str | None:
        """Return the command that may have been meant, also one of a group: ``promote``."""
        if name in OTHER_WORDS:
            return OTHER_WORDS[name]
        for group_name, group in commands_of(self, ctx):
            if isinstance(group, click.Group) and name in group.commands:
                return f"{group_name} {name}"
        return super().meant_by(ctx, name)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "-V", "--version", package_name="pe_dvc", prog_name="pe-dvc")
@click.option(
    "-v",
    "--verbose",
    count=True,
    help="Log decisions to stderr; -vv also requests to the store.",
)
def cli(verbose: int) -> None:
    """Verified, content-addressed microdata releases on top of DVC.

    A dataset is named by a reference such as

        pe-data://us/enhanced_cps_2024@latest

    where @latest may also be @next, a release such as @1.78.2, or @sha256:<64 hex digits>.

    Results go to stdout, messages to stderr. Exit codes: 0 ok, 1 a check failed, 2 usage,
    3 not found, 4 revoked, 5 store unavailable, 6 other, 130 and 143 interrupted.
    """
    if verbose:
        from pe_dvc.cli.logs import show_logs

        show_logs(verbose)


def main() -> NoReturn:
    """Run the command line and exit with its documented code."""
    # This process is ours: it wants none of the plugins that pydantic would look for in every
    # installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Most objects of a command live until it ends, and few are garbage. By default Python would
    # traverse them again and again: a tenth of the start, a fifth of reading a long dvc.yaml.
    gc.set_threshold(100_000)
    end_on_signals()
    warnings.showwarning = show_warning
    code = guarded(cli)
    if code in (INTERRUPTED, TERMINATED):
        end_now(code)  # threads may still wait for a server
    if "duckdb" not in sys.modules:  # which reports what is not collected as leaks
        gc.freeze()  # what is left goes with the process; to collect it first takes 50 ms
    sys.exit(code)
