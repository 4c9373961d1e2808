"""What `heliograph relay status` tells: each channel, its groups, the outbox, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from heliograph import SignalError
from heliograph.cli.crossing_lines import printable
from heliograph.cli.output import console
from heliograph.cli.relays import explained
from heliograph.describe import describe_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heliograph.relay import Relay
    from heliograph.relay.channels import Channel
    from heliograph.relay.looking import Look


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is no problem.

    Attributes:
        dead: Whether dead letters are.
        waiting: How many envelopes may wait for a group; None for any number.
        unsent: How old in seconds the oldest of an outbox may be; None for any age.
    """

    dead: bool = True
    waiting: int | None = None
    unsent: float | None = None


def status_of(look: Look, relay: Relay | None, tolerance: Tolerance) -> dict[str, Any]:
    """Return how a relay does, as values for programs."""
    problem, channels = None, []
    try:
        with look:
            channels = [_channel(look, it, relay) for it in look.channels]
    except SignalError as error:
        problem = explained(error)
        channels = [_described(it, []) for it in look.channels]
    outbox = None if relay is None else _outbox(relay)
    made = {
        "relay": look.app,
        "broker": look.broker,
        "connected": problem is None,
        "problem": problem,
        "channels": channels,
        "outbox": outbox,
    }
    return {**made, "problems": [*_problems(made, tolerance)]}


def _channel(look: Look, channel: Channel, relay: Relay | None) -> dict[str, Any]:
    if channel.mode != "durable":
        return _described(channel, [])
    found: dict[str, dict[str, int | None]] = {
        it.group: {"waiting": it.waiting, "running": it.running, "dead": it.dead}
        for it in look.backlog(channel)
    }
    never: dict[str, int | None] = {"waiting": None, "running": None, "dead": None}
    groups = {**dict.fromkeys(_receiving(channel, relay), never), **found}
    return _described(channel, [{"group": printable(name), **it} for name, it in groups.items()])


def _described(channel: Channel, groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {"signal": channel.signal, "mode": channel.mode, "groups": groups}


def _receiving(channel: Channel, relay: Relay | None) -> list[str]:
    crossings = [] if relay is None else relay.running.crossings
    return [name for it in crossings if it.channel == channel for name in it.groups]


def _outbox(relay: Relay) -> dict[str, Any] | None:
    health = relay.health()
    if health.unsent is None and health.outbox_trouble is None:
        return None
    return {
        "unsent": health.unsent,
        "oldest": health.oldest_unsent,
        "put_aside": health.put_aside,
        "trouble": health.outbox_trouble,
    }


def _problems(made: dict[str, Any], tolerance: Tolerance) -> Iterator[str]:
    if made["problem"] is not None:
        yield made["problem"]
    for channel in made["channels"]:
        for it in channel["groups"]:
            group = f"The group {it['group']!r} of {channel['signal']}"
            if it["dead"] and not tolerance.dead:
                letters = "dead letter" if it["dead"] == 1 else "dead letters"
                yield f"{group} has {it['dead']} {letters}."
            if tolerance.waiting is not None and (it["waiting"] or 0) > tolerance.waiting:
                yield f"{group} has {it['waiting']} waiting, and {tolerance.waiting} may."
    outbox = made["outbox"] or {}
    if outbox.get("trouble"):
        yield outbox["trouble"]
    if outbox.get("put_aside"):
        yield (
            f"The broker has refused {outbox['put_aside']} of the outbox for good: "
            "Outbox.put_aside() shows them, and Outbox.release() lets them be tried again."
        )
    oldest = outbox.get("oldest") or 0.0
    if tolerance.unsent is not None and oldest > tolerance.unsent:
        yield f"The oldest envelope of the outbox waits for {describe_duration(oldest)} already."


def print_status(made: dict[str, Any]) -> None:
    """Print it for people."""
    state = "connected" if made["connected"] else "NOT CONNECTED"
    click.echo(f"{made['relay']} on {made['broker']}: {state}")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("signal", "mode", "group"):
        table.add_column(name, overflow="fold")
    for name in ("waiting", "running", "dead"):
        table.add_column(name, justify="right")
    for channel in made["channels"]:
        first = escape(channel["signal"]), channel["mode"]
        for cells in [*map(_cells, channel["groups"])] or [("",) * 4]:
            table.add_row(*first, *cells)
            first = "", ""
    if made["channels"]:
        console().print(table)
    elif made["connected"]:
        click.echo("Nothing crosses.")
    outbox = made["outbox"]
    if outbox is not None and outbox["unsent"] is not None:
        oldest = outbox["oldest"]
        age = "" if oldest is None else f", the oldest for {describe_duration(oldest)}"
        click.echo(f"outbox: {outbox['unsent']} unsent{age}")
    for it in made["problems"]:
        click.echo(f"WRONG: {it}")


def _cells(it: dict[str, Any]) -> tuple[str, str, str, str]:
    if it["waiting"] is None:
        return escape(it["group"]), "never ran", "", ""
    dead = f"[red]{it['dead']}[/]" if it["dead"] else "0"
    return escape(it["group"]), str(it["waiting"]), str(it["running"]), dead
