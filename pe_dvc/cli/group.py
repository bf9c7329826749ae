"""Groups of commands: lists that are not cut short, and suggestions for what was mistyped."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from pe_dvc.cli.examples import EXAMPLES
from pe_dvc.cli.exits import EXITS
from pe_dvc.cli.signals import UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterator


class Command(click.Command):
    """A command whose help ends with examples; one is shown where an argument is missing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments. Raises UsageError, with an example where one is missing."""
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            words = words_of(ctx)
            arguments = next((given for given, _ in EXAMPLES.get(words, ()) if given), None)
            if arguments is None:
                raise
            said = error.format_message().partition(" Choose from:")[0]
            message = f"{said} Such as in: pe-dvc {words} {arguments}"
            raise click.UsageError(message, ctx) from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write its examples, and what its exit codes mean beyond what they mean of all."""
        words = words_of(ctx)
        if words in EXITS:
            with formatter.section("Exit code"):
                formatter.write_text(EXITS[words])
        examples = EXAMPLES.get(words, ())
        with formatter.section("Examples") if examples else nullcontext():
            for arguments, text in examples:
                formatter.write_text(f"pe-dvc {words} {arguments}".rstrip())
                with formatter.indentation():
                    formatter.write_text(f"# {text}")


class Group(click.Group):
    """A group whose list of commands is complete, however narrow the terminal is."""

    command_class = Command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; where its output has no reader click would say that a check failed."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            ctx.exit(UNREAD)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the name and the first line of help of each command."""
        rows = [(name, _first_line(command)) for name, command in commands_of(self, ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name; say which was meant, if there is none."""
        name = str(args[0])
        is_word = not ctx.resilient_parsing and not name.startswith("-")
        if is_word and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}.{self._suggestion(ctx, name)}")
        return super().resolve_command(ctx, args)

    def _suggestion(self, ctx: click.Context, name: str) -> str:
        meant = self.meant_by(ctx, name)
        return f" Did you mean {ctx.command_path} {meant}?" if meant else ""

    def meant_by(self, ctx: click.Context, name: str) -> str | None:
        """Return the words of the command that ``name`` may have been meant for."""
        import difflib

        return next(iter(difflib.get_close_matches(name, self.list_commands(ctx), n=1)), None)


def words_of(ctx: click.Context) -> str:
    """Return the words that call a command, without the program's."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    return " ".join(words)


def commands_of(group: click.Group, ctx: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of a group that people use, by their names."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command is not None and not command.hidden:
            yield name, command


def _first_line(command: click.Command) -> str:
    return (command.help or "").partition("\n")[0]
