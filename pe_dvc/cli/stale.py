"""``pe-dvc stale``: is published data out of date, and may the model read it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pe_dvc.cli.failures import CHECK_FAILED, NOT_FOUND, OK, answers_by_exit_code
from pe_dvc.cli.group import Command
from pe_dvc.cli.output import echo, json_option, offline_option, print_json, store_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from pe_dvc.documents.compatibility import Compatibility
    from pe_dvc.documents.staleness import Comparison, Staleness

_SIGNS = {"same": "=", "differs": "≠", "unknown": "?", "not checked": "-"}


@click.command("stale", cls=Command)
@click.argument("references", nargs=-1, metavar="[REF]...")
@click.option("--model-version", metavar="VERSION", help="Compare with this version of the model.")
@click.option(
    "--model-package",
    metavar="PACKAGE",
    help="Compare with this: NAME==VERSION, or a wheel, which need not be installed.",
)
@click.option(
    "--lockfile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with what this pins: uv.lock, poetry.lock, pylock.toml or requirements of pip. "
    "Default: the data repo's, then what is installed.",
)
@click.option("--max-age", type=click.IntRange(min=1), metavar="DAYS", help="Stale if older.")
@click.option("--compatible", is_flag=True, help="Ask instead whether the model may read the data.")
@click.option("--markdown", is_flag=True, help="Print Markdown, as for an issue.")
@store_option
@offline_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    references: tuple[str, ...],
    model_version: str | None,
    model_package: str | None,
    lockfile: Path | None,
    max_age: int | None,
    compatible: bool,
    markdown: bool,
    store: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Tell whether published data is out of date.

    REF is a reference, or a country for all in its channels; without any, the data repo's. What
    each was made from is compared with what there is now: model and core package, calibration
    targets, raw inputs at their source, and in a clone the build scripts.

    Another version of the model with the same data_build_fingerprint does not make data stale.
    """
    import pe_dvc

    if markdown and as_json:
        raise click.UsageError("--markdown and --json are two forms of one answer.")
    model: Any = {
        "model_version": model_version,
        "model_package": model_package,
        "lockfile": lockfile,
    }
    with answers_by_exit_code(ctx):
        if compatible:
            judged = pe_dvc.compatible(references, **model, store=store, offline=offline)
            print_json(judged) if as_json else _print_compatible(judged)
            ctx.exit(_code([one.verdict for one in judged]))
        found = pe_dvc.stale(
            references, **model, max_age=_days(max_age), store=store, offline=offline
        )
        if as_json:
            print_json(found)
        elif markdown:
            _print_markdown(found)
        else:
            _print(found)
        ctx.exit(_code([one.verdict for one in found]))


def _days(number: int | None) -> timedelta | None:
    from datetime import timedelta

    return None if number is None else timedelta(days=number)


def _code(verdicts: Sequence[str]) -> int:
    if {"stale", "incompatible"} & set(verdicts):
        return CHECK_FAILED
    return NOT_FOUND if "unknown" in verdicts else OK


def _print(found: Sequence[Staleness]) -> None:
    for one in found:
        built = f", built {one.built_at}" if one.built_at else ""
        echo(f"{one.verdict:<8} {one.reference}{built}")
        # What decides first: a dataset of many inputs would hide it.
        for line in sorted(one.comparisons, key=lambda line: not line.counts):
            echo(f"  {_SIGNS[line.found]} {line.what:<30} {_values(line)}{_remark(line)}")


def _values(line: Comparison) -> str:
    published, current = (_short(text) for text in (line.published, line.current))
    if line.found == "same":
        return published
    if line.found == "differs":
        return f"{published} → {current}"
    return published if line.current is None else f"{published}; here {current}"


def _short(text: str | None) -> str:
    """Return a value with its digests cut, for a line of a terminal."""
    if text is None:
        return "not known"
    head, colon, digest = text.rpartition("sha256:")
    return f"{head}{colon}{digest[:12]}" if colon else text


def _remark(line: Comparison) -> str:
    source = f" ({line.source})" if line.source else ""
    how = "" if line.found in ("same", "differs") else f" [{line.found}]"
    reason = f": {line.reason}" if line.reason else ""
    return f"{source}{how}{reason}"


def _print_markdown(found: Sequence[Staleness]) -> None:
    for one in found:
        echo(f"### {_cell(one.reference)}: {one.verdict}")
        echo()
        echo(f"Pin `{one.pinned}`, built {one.built_at or 'at an unknown time'}.")
        echo()
        shown = [line for line in one.comparisons if line.found in ("differs", "unknown")]
        if not shown:
            echo("Nothing differs.")
            echo()
            continue
        echo("| | published | now | |")
        echo("|---|---|---|---|")
        for line in shown:
            remark = "; ".join(text for text in (line.source, line.reason) if text)
            cells = (line.what, line.published or "not known", line.current or "not known", remark)
            echo(f"| {' | '.join(map(_cell, cells))} |")
        echo()


def _cell(text: str) -> str:
    from pe_dvc.primitives.markdown import markdown_text

    return markdown_text(text)


def _print_compatible(judged: Sequence[Compatibility]) -> None:
    for one in judged:
        model = f"{one.package} {one.version}" if one.version else "no model that is known"
        echo(f"{one.verdict:<12} {one.reference} with {model}")
        for claim in one.claims:
            holds = "holds" if claim.holds else "does not hold"
            echo(f"  {claim.source}: {claim.package}{claim.specifier} {holds}")
        if one.reason:
            echo(f"  {one.reason}")
