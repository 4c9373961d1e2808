"""`flask signals` and `quart signals`: the commands on the application that these have loaded."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from heliograph.cli.application import Found


class _Commands(click.Group):
    """The commands, loaded when one is asked for.

    `flask` loads this file for each of its own commands, and nobody else shall pay for ours.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it.
        return sorted(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click passes it.
        return _commands().get(cmd_name)


def _commands() -> MutableMapping[str, click.Command]:
    try:
        from heliograph.cli.commands import of_a_program
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "rich":
            raise
        msg = "These commands need rich, which is not installed: pip install 'heliograph[cli]'."
        raise click.ClickException(msg) from None
    return of_a_program()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    short_help="See which signals the application has and what they do.",
)
@click.pass_context
def signals(ctx: click.Context) -> None:
    """See which signals the application has and what they do, with Heliograph."""
    from heliograph.cli.target import Running, keep_target

    runner = ctx.find_root().info_name or "flask"
    keep_target(Running(runner, lambda: _loaded(ctx.obj, runner)))


def _loaded(info: Any, runner: str) -> Found:
    from heliograph.cli.application import Found
    from heliograph.cli.frameworks import Kind, kind_of
    from heliograph.cli.loading import blame

    try:
        app = info.load_app()
    except click.ClickException:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the application may raise anything.
        path = info.app_import_path or "app"
        blame(path, error, f"{runner} --app {shlex.quote(path)} routes")
    return Found(app, kind_of(app) or Kind.WSGI, app.import_name)
