"""Which relay a command is about: one of a program, or one of which only the broker is known."""

from __future__ import annotations

import functools
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from heliograph import SignalError
from heliograph.cli.output import write
from heliograph.cli.target import app_option, import_option, target_and_words, usual_app
from heliograph.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from heliograph.cli.program import Program
    from heliograph.cli.target import Option
    from heliograph.relay import Relay
    from heliograph.relay.looking import Look

_PROGRAM = "heliograph.relays.program"

json_option: Option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)
redact_option: Option = click.option(
    "--redact", metavar="NAME", multiple=True, help="Hide values of this name as secrets, too."
)

_named_option = click.option(
    "--relay",
    "named",
    metavar="NAME",
    help="Which one, if the program has several: its variable, or what it is called as app=.",
)
_url_option = click.option(
    "--url",
    metavar="URL",
    help=(
        "The broker, where the program cannot be loaded; then --relay says what the relay is "
        "called. By default HELIOGRAPH_RELAY_URL, if nothing names a program."
    ),
)


def words_argument(metavar: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the arguments of which the first may be the program."""
    return click.argument("words", metavar=metavar, nargs=-1)


def no_words(words: Sequence[str]) -> None:
    """Refuse arguments that a command does not take.

    Raises:
        click.UsageError: If there are some.
    """
    if words:
        msg = f"Got unexpected extra argument ({words[0]})"
        raise click.UsageError(msg)


def print_json(made: object) -> None:
    """Print a value for programs."""
    write(json.dumps(made, ensure_ascii=False, indent=2) + "\n", None)


def relay_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a relay of a program, as `relay`.

    What is left of its `words` once the program is taken from them is `words` still.
    """

    @app_option
    @import_option
    @_named_option
    @functools.wraps(command)
    def with_relay(
        *args: Any,
        words: tuple[str, ...],
        app: str | None,
        further: tuple[str, ...],
        named: str | None,
        **given: Any,
    ) -> Any:
        _check_extra()
        with relay_errors():
            relay, rest = _relay_of(app, further, named, words)
            return command(*args, relay=relay, words=rest, **given)

    return with_relay


def look_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a relay or its broker, as `look` and `relay`.

    The relay is None where only the broker is known; `words` are as with `relay_options`.
    """

    @app_option
    @import_option
    @_named_option
    @_url_option
    @functools.wraps(command)
    def with_look(
        *args: Any,
        words: tuple[str, ...],
        app: str | None,
        further: tuple[str, ...],
        named: str | None,
        url: str | None,
        **given: Any,
    ) -> Any:
        _check_extra()
        with relay_errors():
            broker = url or _usual_broker(app or words, named)
            if broker is not None:
                look = _look_at(broker, app, named)
                return command(*args, look=look, relay=None, words=words, **given)
            relay, rest = _relay_of(app, further, named, words)
            return command(*args, look=relay.look(), relay=relay, words=rest, **given)

    return with_look


def _check_extra() -> None:
    try:
        import heliograph.relay  # noqa: F401 - the commands import what they need of it.
    except ModuleNotFoundError as missing:
        whose = str(missing.name).partition(".")[0]
        msg = f"This needs {whose}, which is not installed: pip install 'heliograph[relay]'."
        raise click.ClickException(msg) from None


@contextmanager
def relay_errors() -> Iterator[None]:
    """Say in one line what a broker or a relay has against it.

    Raises:
        click.ClickException: If there is something.
    """
    try:
        yield
    except SignalError as error:
        raise click.ClickException(explained(error)) from None


def explained(error: SignalError) -> str:
    """Return what is wrong, and what to do, without any secret."""
    from heliograph.relay import UnavailableError

    said = Redaction().without_secrets(str(error))
    if isinstance(error, UnavailableError):
        return f"{said} Is the broker running, and can it be reached from here?"
    return said


def _usual_broker(said: object, named: str | None) -> str | None:
    if not said and named is not None and usual_app() is None:
        return os.environ.get("HELIOGRAPH_RELAY_URL") or None
    return None


def _look_at(url: str, app: str | None, named: str | None) -> Look:
    from heliograph.relay.looking import Look

    if app is not None or named is None:
        msg = (
            "--url looks at a broker without the program: leave --app out, and say by --relay "
            "what the relay is called there, which is its app= in the program."
        )
        raise click.UsageError(msg)
    look = Look(url, named)
    _check_reach(look)
    return look


def _relay_of(
    app: str | None, further: Sequence[str], named: str | None, words: Sequence[str]
) -> tuple[Relay, Sequence[str]]:
    target, rest = target_and_words(app, words)
    program = target.program(further)
    # What it holds has to live as long as the command: connections end with their sender.
    click.get_current_context().meta[_PROGRAM] = program
    relay = _chosen(program, named)
    _check_reach(relay.look())
    relay.stop()  # One that runs since it was imported would receive here.
    return relay, rest


def _chosen(program: Program, named: str | None) -> Relay:
    found = _relays(program)
    if named is not None:
        found = {name: it for name, it in found.items() if named in _names(name, it)}
    several = {id(it): f"{name} (of {it.app!r})" for name, it in found.items()}
    if len(several) == 1:
        return next(iter(found.values()))
    if several:
        names = ", ".join(several.values())
        msg = f"{program.name!r} has several relays: {names}. Choose one by --relay."
        raise click.UsageError(msg)
    which = "" if named is None else f" {named!r}"
    msg = (
        f"{program.name!r} has no relay{which}: none of its modules has a variable with one. "
        "--import MODULE imports a further module."
    )
    raise click.ClickException(msg)


def _relays(program: Program) -> dict[str, Relay]:
    from heliograph.relay import Relay

    extensions = getattr(program.value, "extensions", None)
    places = {it.__name__: {**vars(it)} for it in program.modules()}
    if isinstance(extensions, dict):  # Where Flask's and Quart's extensions are kept.
        places["extensions"] = extensions
    return {
        f"{place}.{name}": value
        for place, values in places.items()
        for name, value in values.items()
        if isinstance(value, Relay)
    }


def _names(name: str, relay: Relay) -> set[str]:
    return {name, name.rpartition(".")[2], ":".join(name.rsplit(".", 1)), relay.app}


def _check_reach(look: Look) -> None:
    if look.broker.startswith("memory://"):
        msg = (
            f"The relay of {look.app!r} uses {look.broker}, which reaches its own process alone: "
            "there is nothing of it here. Set HELIOGRAPH_RELAY_URL to the URL of a broker, or "
            "pass it to Relay(...)."
        )
        raise click.ClickException(msg)
