"""`heliograph audit`: reads, seals, verifies and keeps a trail."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from heliograph import SignalError
from heliograph.cli.output import console, show_all_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from heliograph.audit import Anchor, Found, Key, Search, Trail

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_REASON = click.option("--reason", required=True, help="Why; it is entered into the trail.")


@click.group(short_help="Read, seal, verify and keep a trail.")
@click.option(
    "--url",
    envvar="HELIOGRAPH_TRAIL",
    default="sqlite:///trail.db",
    show_default=True,
    help="Where the trail is kept, as SQLAlchemy takes it; also HELIOGRAPH_TRAIL.",
)
@click.option(
    "--key",
    "key_file",
    metavar="ID:FILE",
    multiple=True,
    help="A key that signs seals: its name, and the file that holds it. The first one signs.",
)
@click.pass_context
def audit(context: click.Context, url: str, key_file: tuple[str, ...]) -> None:
    """Read, seal, verify and keep a trail of `heliograph.audit`."""
    try:
        import heliograph.audit  # noqa: F401 - the commands import what they need of it.
    except ModuleNotFoundError as missing:
        whose = str(missing.name).partition(".")[0]
        msg = f"This needs {whose}, which is not installed: pip install 'heliograph[audit]'."
        raise click.ClickException(msg) from None
    context.obj = (url, key_file)


@contextmanager
def _trail(*, make: bool = False) -> Iterator[Trail]:
    """Open the trail that the options name.

    Raises:
        click.ClickException: If there is none, or if it does not work.
    """
    from heliograph.audit import Trail

    url, files = click.get_current_context().find_object(tuple) or ("", ())
    keys = [_key(it) for it in files]
    try:
        with Trail(url, create=make, key=keys[0] if keys else None) as trail:
            yield trail
    except SignalError as error:
        raise click.ClickException(str(error)) from None


def _key(text: str) -> Key:
    from heliograph.audit import Key

    name, colon, file = text.partition(":")
    if not (name and colon and file):
        msg = f"{text!r} is no key: write ID:FILE, as in 2026:/run/secrets/trail.key."
        raise click.UsageError(msg)
    try:
        secret = Path(file).read_bytes().strip()
    except OSError as error:
        msg = f"{file!r} cannot be read: {error.strerror}."
        raise click.ClickException(msg) from None
    try:
        return Key(name, secret)
    except SignalError as error:
        msg = f"{file!r}: {error}"
        raise click.ClickException(msg) from None


@audit.command(short_help="Make the tables of a trail.")
def init() -> None:
    """Make the tables of a trail, with the triggers that keep them append-only."""
    with _trail(make=True):
        click.echo("The trail is ready.")


@audit.command(short_help="Bring the tables of a trail to this version.")
def upgrade() -> None:
    """Bring the tables of a trail to the version that this Heliograph writes."""
    from heliograph.audit import Trail

    url, _ = click.get_current_context().find_object(tuple) or ("", ())
    try:
        Trail(url).upgrade()
    except SignalError as error:
        raise click.ClickException(str(error)) from None
    click.echo("The trail is of this version.")


def _wanted(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a search."""
    for option in (
        click.option(
            "--since", metavar="WHEN", help="2026-01-31, 2026-01-31T12:00, or 2h, 7d ago."
        ),
        click.option("--until", metavar="WHEN", help="Likewise."),
        click.option("--tenant", help="Whose data."),
        click.option("--outcome", type=click.Choice(["success", "failure", "denied", "unknown"])),
        click.option("--request", help="The id of the request."),
        click.option("--target", help="To what: an id, or KIND:ID."),
        click.option("--actor", help="By whom: an id."),
        click.option("--action", help="What was done."),
        click.option("--signal", help="The name of the signal."),
    ):
        function = option(function)
    return function


@audit.command(short_help="Show the newest entries.")
@click.option(
    "--lines", "-n", type=click.IntRange(1), default=10, show_default=True, help="How many."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with those that come.")
@_JSON
def tail(lines: int, *, follow: bool, as_json: bool) -> None:
    """Show the newest entries, the last one at the end."""
    with _trail() as trail:
        found = trail.find(limit=lines)[::-1]
        _show(found, as_json=as_json)
        last = max((it.seq for it in found), default=0)
        while follow:
            time.sleep(0.5)
            found = trail.find(after=last, newest_first=False, limit=1000)
            if found:
                _show(found, as_json=as_json, header=False)
                last = found[-1].seq


@audit.command(short_help="Show the entries that match.")
@_wanted
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many, at most."
)
@_JSON
def search(limit: int, *, as_json: bool, **wanted: str | None) -> None:
    """Show the entries that match all options, the newest one first."""
    with _trail() as trail:
        _show(trail.find(replace(_search(wanted), limit=limit)), as_json=as_json)


@audit.command(short_help="Show all of one entry.")
@click.argument("entry", metavar="NUMBER|ID")
@_JSON
def show(entry: str, *, as_json: bool) -> None:
    """Show all that one entry tells, by its number or its id."""
    from heliograph.audit.formats import as_json as made_json

    with _trail() as trail:
        found = trail.entry(int(entry) if entry.isdecimal() else entry)
        if found is None:
            msg = f"The trail has no entry {entry!r}."
            raise click.ClickException(msg)
        made = made_json(found)
        if as_json:
            _print_json(made)
            return
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for name, value in made.items():
            if value not in (None, ""):
                table.add_row(f"[dim]{name}[/]", _cell(value))
        console().print(table)


@audit.command(short_help="Show what was done within one request.")
@click.argument("request")
@_JSON
def timeline(request: str, *, as_json: bool) -> None:
    """Show everything that was done within one request, in order, by the request's id."""
    with _trail() as trail:
        _show(trail.timeline(request), as_json=as_json)


@audit.command(short_help="Look for what was changed, deleted or cut.")
@click.option("--anchors", metavar="FILE", help="What was published of seals, a line each.")
@_JSON
def verify(anchors: str | None, *, as_json: bool) -> None:
    """Compare a trail with its seals, with keys and with anchors.

    It says against whom the trail proves that it was not changed: "chain" against mistakes and
    those who cannot make the chain again, "keyed" against those without the key, "anchored"
    against everybody since the last anchor. The exit status is 1 if something is wrong.
    """
    from heliograph.audit import read_anchors

    keys = [_key(it) for it in (click.get_current_context().find_object(tuple) or ("", ()))[1]]
    with _trail() as trail, _progress("Verifying") as told:
        published = [] if anchors is None else read_anchors(anchors)
        verdict = trail.verify(keys=keys, anchors=published, progress=told)
    if as_json:
        _print_json({**asdict(verdict), "holds": verdict.holds})
    else:
        click.echo(
            f"{verdict.entries} entries, {verdict.seals} seals, {verdict.unsealed} not sealed yet, "
            f"{verdict.erased} erased, {verdict.pruned} removed by retention."
        )
        for it in verdict.problems:
            place = [f"seal {it.seal}"] if it.seal is not None else []
            place += [f"entry {it.seq}"] if it.seq is not None else []
            click.echo(f"{', '.join(place)}: {it.what}.")
        click.echo(f"{'Holds' if verdict.holds else 'DOES NOT HOLD'}: {verdict.assurance}.")
    sys.exit(0 if verdict.holds else 1)


@audit.command(short_help="Seal what is not sealed yet.")
@click.option(
    "--batch", type=click.IntRange(1), default=1000, show_default=True, help="The most in a seal."
)
@click.option("--anchor", metavar="FILE|URL", multiple=True, help="Publish the seals there.")
def seal(batch: int, anchor: tuple[str, ...]) -> None:
    """Seal all entries that no seal covers yet. One who seals is enough; two do no harm."""
    from heliograph.audit.anchoring import anchor_of, publisher

    with _trail() as trail:
        publish = {it: publisher(it) for it in anchor}
        with _progress("Sealing") as tell:
            made = trail.seal(batch, progress=tell)
        several = _counted(sum(it.count for it in made), "entry", "entries")
        click.echo(f"{several} in {_counted(len(made), 'seal')}.")
        failed = [
            told
            for it in made
            for where, one in publish.items()
            if (told := _unpublished(where, one, anchor_of(it))) is not None
        ]
    if failed:
        raise click.ClickException("\n".join(failed))


def _unpublished(where: str, publish: Callable[[Anchor], None], anchor: Anchor) -> str | None:
    """Publish an anchor, or say what is to be published by hand: it is made only once."""
    try:
        publish(anchor)
    except OSError as error:
        line = json.dumps(asdict(anchor), sort_keys=True)
        return f"{where!r} did not take the anchor of seal {anchor.seal} ({error}): {line}"
    return None


@audit.command(short_help="Take out what entries tell of somebody.")
@click.argument("subject")
@_REASON
def erase(subject: str, reason: str) -> None:
    """Take out what entries tell of SUBJECT, as actor or target. The seals still hold."""
    with _trail() as trail:
        click.echo(f"{trail.erase(subject, reason=reason)} entries tell nothing any more.")


@audit.command(short_help="Remove old sealed batches.")
@click.option("--older-than", required=True, metavar="AGE", help="Such as 400d.")
@click.option("--reason", default="retention", show_default=True, help="Why; it is entered.")
def prune(older_than: str, reason: str) -> None:
    """Remove sealed batches whose entries are all older. The seals stay."""
    with _trail() as trail:
        click.echo(f"{trail.prune(_moment(older_than), reason=reason)} entries removed.")


@audit.command(short_help="Count what is in a trail.")
@_JSON
def stats(*, as_json: bool) -> None:
    """Count the entries of a trail, by signal and by outcome."""
    from heliograph.audit.formats import moment

    with _trail() as trail:
        counts = trail.stats()
    if as_json:
        _print_json(counts.as_dict())
        return
    click.echo(f"{counts.entries} entries, {counts.seals} seals, {counts.unsealed} not sealed yet.")
    if counts.first is not None and counts.last is not None:
        click.echo(f"From {moment(counts.first)} to {moment(counts.last)}.")
    for name, several in {**counts.by_signal, **counts.by_outcome}.items():
        click.echo(f"{several:>8}  {name}")


@audit.command(short_help="Write entries in the format of others.")
@_wanted
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "cloudevents"]),
    default="json",
    show_default=True,
    help="A line for each entry.",
)
def export(form: str, **wanted: str | None) -> None:
    """Print all entries that match, the oldest one first, a line for each."""
    from heliograph.audit.formats import lines

    show_all_letters()
    with _trail() as trail, _progress("Exporting") as told:
        for line in lines(_all(trail, _search(wanted), told), form):
            click.echo(line)


def _all(trail: Trail, wanted: Search, told: Callable[[int], object]) -> Iterator[Found]:
    last, several = 0, 0
    while True:
        found = trail.find(replace(wanted, after=last, newest_first=False, limit=1000))
        if not found:
            return
        yield from found
        last, several = found[-1].seq, several + len(found)
        told(several)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], object]]:
    """Tell how far it is, on a terminal alone."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    yield lambda several: click.echo(f"\r{what}: {several} entries", nl=False, err=True)
    click.echo("\r\033[K", nl=False, err=True)


def _search(wanted: dict[str, str | None]) -> Search:
    from heliograph.audit import Search

    since, until = wanted.pop("since", None), wanted.pop("until", None)
    return Search(
        **wanted,  # type: ignore[arg-type]  # The names of the options are those of its fields.
        since=None if since is None else _moment(since),
        until=None if until is None else _moment(until),
    )


def _moment(text: str) -> int:
    from heliograph.audit.moments import moment_of

    try:
        return moment_of(text)
    except SignalError as error:
        raise click.UsageError(str(error)) from None


def _counted(several: int, one: str, more: str = "") -> str:
    return f"{several} {one if several == 1 else more or f'{one}s'}"


def _show(several: Iterable[Found], *, as_json: bool, header: bool = True) -> None:
    from heliograph.audit.formats import lines, moment

    if as_json:
        show_all_letters()
        for line in lines(several, "json"):
            click.echo(line)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=header, header_style="dim")
    for name in ("no.", "when", "action", "outcome", "actor", "target", "tells"):
        table.add_column(name, overflow="fold")
    for it in several:
        at = it.header
        target = ":".join(part for part in (at["target_type"], at["target_id"]) if part)
        colour = "red" if at["outcome"] != "success" else "default"
        told = "erased" if it.data is None else _cell(it.data.get("payload", {}))
        table.add_row(
            str(it.seq), moment(at["occurred_at"])[:19], at["action"],
            f"[{colour}]{at['outcome']}[/]", at["actor_id"] or "", target, told,
        )  # fmt: skip
    console().print(table)


def _cell(value: Any) -> str:
    from rich.markup import escape

    if isinstance(value, dict):
        value = " ".join(f"{name}={it}" for name, it in value.items())
    # What was recorded may hold anything: it must not steer the terminal.
    return escape(
        "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in str(value))
    )


def _print_json(made: dict[str, Any]) -> None:
    show_all_letters()
    click.echo(json.dumps(made, ensure_ascii=False, indent=2, default=str))
