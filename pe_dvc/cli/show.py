"""``pe-dvc show``: schema, entities, weight, rows and inputs, from the manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pe_dvc.cli.group import Command
from pe_dvc.cli.output import (
    echo,
    json_option,
    offline_option,
    print_json,
    print_lines,
    say,
    say_age,
    store_option,
)
from pe_dvc.cli.show_columns import print_column, print_entities, print_table
from pe_dvc.primitives.sizes import bytes_text

if TYPE_CHECKING:
    from pe_dvc.documents.manifest import About, Manifest, Member
    from pe_dvc.documents.provenance import Inputs, Origin, Package
    from pe_dvc.usecases.read.describe import Description
    from pe_dvc.usecases.read.resolve import Resolved

FORMATS = ("bibtex", "croissant", "datacite", "datapackage", "ddi", "jsonschema")


@click.command("show", cls=Command)
@click.argument("reference")
@click.option("--column", help="All that is known of one column.")
@click.option(
    "--format",
    "as_format",
    type=click.Choice(FORMATS),
    help="In a format of others, on stdout.",
)
@store_option
@offline_option
@json_option
def command(
    reference: str,
    column: str | None,
    as_format: str | None,
    store: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Show what a dataset is, without downloading it.

    Prints its inputs, its entities as a tree, and its columns with their labels and units, from the
    signed manifest and its codebook. Formats: DDI-Codebook 2.6, Croissant 1.1, Data Package 2, JSON
    Schema, DataCite 4.5 and BibTeX.
    """
    import pe_dvc

    if sum(map(bool, (column, as_format, as_json))) > 1:
        raise click.UsageError("Choose one of --column, --format and --json.")
    found = pe_dvc.describe(reference, store=store, offline=offline)
    if offline:
        say_age(reference, store)
    if found.codebook_unread:
        say("its codebook was never read here, so columns have no labels: show it once online")
    if as_format:
        if not found.resolved.manifest_verified:
            say("this description is not signed: a pin verifies the bytes alone")
        print_lines(found.to(as_format))
    elif as_json:
        print_json(found)
    elif column:
        print_column(found.shown, column)
    else:
        _print(found)


def _print(found: Description) -> None:
    resolved, manifest = found.resolved, found.shown.manifest
    artifact = manifest.artifact
    rows = [
        ("reference", str(resolved.reference)),
        ("pin", resolved.pin),
        *_about(manifest.about),
        ("file", f"{artifact.path}, {artifact.media_type}, {bytes_text(artifact.size)}"),
        *_directory(resolved, manifest),
        ("signed by", _signed_by(resolved)),
        *(("note", remark) for remark in (resolved.pointer.remarks if resolved.pointer else ())),
        ("built", _built(manifest)),
        *_inputs(manifest.inputs),
        ("weight", manifest.table.weight or "none"),
        *([("period", manifest.table.period)] if manifest.table.period else []),
        *([("types from", manifest.table.types_from)] if manifest.table.types_from else []),
        *(("beside", _member(member)) for member in manifest.table.members),
    ]
    for label, text in rows:
        echo(f"{label:<12} {text}")
    print_entities(found.shown)
    for table in manifest.table.tables:
        print_table(found.shown, table)


def _directory(resolved: Resolved, manifest: Manifest) -> list[tuple[str, str]]:
    members, payload = manifest.artifact.members, resolved.payload
    if members is None:
        return []
    rows = [("directory", f"{members.count} files, {members.digest} {resolved.pinned.sha256}")]
    if resolved.reference.member is not None:
        text = f"{resolved.reference.member}, {bytes_text(payload.size)}, sha256:{payload.sha256}"
        rows.append(("member", text))
    return rows


def _about(about: About | None) -> list[tuple[str, str]]:
    labels = ("description", "licence", "citation")
    texts = [(label, getattr(about, label, None)) for label in labels]
    return [(label, " ".join(text.split())) for label, text in texts if text]


def _signed_by(resolved: Resolved) -> str:
    if resolved.pointer is None:
        return "no one: UNVERIFIED, as the pin verifies the bytes and not this description of them"
    reference = resolved.reference
    if reference.release is not None:
        return f"release {reference.release} of {reference.country}"
    return f"channel {resolved.pointer.channel} of {reference.country}"


def _built(manifest: Manifest) -> str:
    build = manifest.build
    commit = f" from git {build.git_commit[:12]}" if build.git_commit else ""
    dirty = " with uncommitted changes" if build.git_dirty else ""
    stated = f", as {build.statement.name} states" if build.statement else ""
    return f"{build}{commit}{dirty}{stated}"


def _inputs(inputs: Inputs) -> list[tuple[str, str]]:
    rows = [("vintage", inputs.data_vintage or "not said")]
    for label, package in (("model", inputs.model_package), ("core", inputs.core_package)):
        if package is not None:
            rows.append((label, _package(package)))
    rows += [("raw input", f"{raw.name} sha256:{raw.sha256}") for raw in inputs.raw_inputs]
    if inputs.calibration_targets is not None:
        rows.append(("targets", inputs.calibration_targets.snapshot_id))
    if inputs.source is not None:
        rows.append(("imported", _origin(inputs.source)))
    rows += [("unknown", f"{u.what}; {u.reason}") for u in inputs.unknown]
    if inputs.composite_digest is not None:
        rows.append(("inputs", f"composite sha256:{inputs.composite_digest}"))
    return rows


def _origin(source: Origin) -> str:
    revision = f" at {source.revision}" if source.revision else ""
    return f"from {source.url}{f', {source.path}' if source.path else ''}{revision}"


def _package(package: Package) -> str:
    known = {"lockfile": "by the lock file", "statement": "as stated"}
    how = [f"from {package.installed_from}"] if package.installed_from else []
    how += [known[package.known_from]] if package.known_from else []
    if package.unlocked_reason:
        how.append(f"locked is {package.locked_version}: {package.unlocked_reason}")
    return f"{package.name} {package.version}" + (f" ({', '.join(how)})" if how else "")


def _member(member: Member) -> str:
    shape = (
        "" if member.shape is None else f" of {' x '.join(map(str, member.shape)) or 'one value'}"
    )
    value = "" if member.value is None else f" = {member.value}"
    reason = f" ({member.reason})" if member.reason else ""
    return f"{member.name}: {member.type or 'not described'}{shape}{value}{reason}"
