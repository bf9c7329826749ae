"""What the channel commands say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pe_dvc.cli.output import echo, say
from pe_dvc.primitives.sizes import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pe_dvc.usecases.channel.review import Review
    from pe_dvc.usecases.channel.role_status import RoleStatus
    from pe_dvc.usecases.channel.update import ChannelUpdate


def say_update(done: ChannelUpdate) -> None:
    """Say what changed in a channel."""
    say(f"{done.channel} is at version {done.version}{'' if done.changed else ', unchanged'}")
    if done.kept:
        say(f"kept as another publisher has it, until you git pull: {', '.join(done.kept)}")
    if done.compared:
        say(f"gates passed, compared with {done.compared}")
    for name, why in done.stay.items():
        say(f"  {name} stays: {why}")
    for verb, names in (("+", done.added), ("~", done.replaced), ("-", done.removed)):
        for name in names:
            say(f"  {verb} {name}")
    if not done.signed:
        say(
            f"{done.channel} is NOT signed: {counted(done.missing, 'signature')} missing. Readers "
            f"cannot see it until a key holder runs pe-dvc channel sign {done.channel}."
        )


def print_status(status: RoleStatus) -> None:
    """Print who signed a role, who did not, and when it expires."""
    for line in status_lines(status):
        echo(line)


def status_lines(status: RoleStatus) -> list[str]:
    """Return the lines that say who signed a role, who did not, and when it expires."""
    count, needed = len(status.signed_by), status.threshold
    signed = (
        f"{count} signatures, {needed} needed"
        if count > needed
        else f"{count} of {needed} signatures"
    )
    missing = f", {status.missing} missing" if status.missing else ""
    expiry = "EXPIRED" if status.expired else "expires"
    draft = "DRAFT, not in force: " if status.draft else ""
    lines = [
        f"{status.role:<9} version {status.version:<4} {draft}{signed}{missing}, "
        f"{expiry} {status.expires:%Y-%m-%d}"
    ]
    if status.fingerprint is not None:
        lines.append(f"{'':<9} fingerprint {status.fingerprint}")
    for verb, keyids in (
        ("signed", status.signed_by),
        ("not signed", status.unsigned_by),
        ("signature that does not count,", status.uncounted),
    ):
        for keyid in keyids:
            name = f" ({status.names[keyid]})" if keyid in status.names else ""
            lines.append(f"{'':<9} {verb} by key {keyid}{name}")
    return lines


def say_drafts(drafts: Iterable[RoleStatus]) -> None:
    """Say who must still sign drafts of root and targets."""
    for one in drafts:
        if one.role in ("root", "targets") or one.request:
            say(f"{one.role} {one.version} is a draft: {one.request or 'signed'}")


def say_review(review: Review) -> None:
    """Say what a signature would stand for."""
    for line in review_lines(review):
        say(line)


def review_lines(review: Review) -> list[str]:
    """Return the lines that say what a role changes, what gates say, and who signed."""
    lines = [f"{review.role}: changes against {review.base}"]
    for role, keys in review.keys.items():
        before = "" if keys.threshold_before is None else f", before {keys.threshold_before}"
        lines.append(f"  {role}: {counted(keys.threshold, 'key')} must sign{before}")
        for verb, named in (("+", keys.added), ("-", keys.removed)):
            lines += [f"    {verb} key {k}{f' ({n})' if n else ''}" for k, n in named.items()]
    for change in review.fields:
        version = f"{review.role} {change.version}: " if len(review.status) > 1 else ""
        first, *others = change.says
        lines += [f"  {version}{first}", *(f"      {sentence}" for sentence in others)]
    for name, entry in review.entries.items():
        verb = "+" if entry.before is None else "-" if entry.after is None else "~"
        shown = [f"sha256:{digest}" for digest in (entry.before, entry.after) if digest]
        lines.append(f"  {verb} {name}  {' -> '.join(shown)}")
        lines += [f"      {remark}" for remark in entry.remarks]
        lines += [f"      failed when it was nominated: {one}" for one in entry.failed]
    if not (review.keys or review.entries or review.fields):
        lines.append("  nothing but version and expiry")
    lines += [f"  gates: {sentence}" for sentence in review.gates]
    return [*lines, *(line for status in review.status for line in status_lines(status))]
