"""Values of options that are given by role: ``next=2``, ``next=awskms:1234abcd``."""

from __future__ import annotations

from typing import Any

import click


class Counts(click.ParamType[tuple[str, int]]):
    """``ROLE=N``, such as ``next=2``."""

    name = "ROLE=N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return the role and the number. Fails as usage for anything else."""
        role, _, count = str(value).partition("=")
        if not role or not count.isdigit() or int(count) < 1:
            self.fail(f"{value!r} is not of the form next=2", param, ctx)
        return role, int(count)


class RoleValue(click.ParamType[tuple[str, str]]):
    """``ROLE=VALUE``, such as ``next=awskms:1234abcd``."""

    def __init__(self, value: str) -> None:
        self.name = f"ROLE={value}"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the role and the value. Fails as usage for anything else."""
        role, _, rest = str(value).partition("=")
        if not role or not rest:
            self.fail(f"{value!r} is not of the form {self.name}", param, ctx)
        return role, rest


def by_role(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """Return the values of each role, in the order given."""
    found: dict[str, list[str]] = {}
    for role, value in pairs:
        found.setdefault(role, []).append(value)
    return found
