"""`manage.py signals`: the commands on the Django project that runs them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

import click
from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.servers.basehttp import get_internal_wsgi_application
from django.urls import get_resolver
from django.utils.module_loading import import_string

from heliograph.cli.application import Found
from heliograph.cli.commands import of_a_program
from heliograph.cli.frameworks import Kind, kind_of
from heliograph.cli.loading import blame
from heliograph.cli.target import Running, keep_target

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Command(BaseCommand):  # type: ignore[misc]  # Django has no types.
    """Hands everything to Heliograph's own commands, the help too."""

    help = "See which signals the project has and what they do, with Heliograph."
    requires_system_checks: Sequence[str] = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run a command; Django calls this with the whole command line."""
        # Django has read these itself, and left them where they are.
        of_django = ArgumentParser(add_help=False, allow_abbrev=False)
        of_django.add_argument("--settings")
        of_django.add_argument("--pythonpath")
        _, arguments = of_django.parse_known_args(argv[2:])
        _group().main(arguments, prog_name=f"{argv[0]} {argv[1]}")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what `django.core.management.call_command` is given."""
        parser.add_argument("arguments", nargs="*")

    def handle(self, *_: Any, arguments: list[str], **__: Any) -> None:
        """Run a command for `django.core.management.call_command`."""
        _group().main(arguments, prog_name="manage.py signals", standalone_mode=False)


def _group() -> click.Group:
    return click.Group(
        "signals",
        of_a_program(),
        callback=lambda: keep_target(Running("manage.py", _loaded)),
        context_settings={"help_option_names": ["-h", "--help"]},
        help=Command.help,
    )


def _loaded() -> Found:
    project = str(settings.ROOT_URLCONF)
    try:
        app = _application()
        # Views connect receivers, and Django imports them at the first request otherwise.
        _ = get_resolver().url_patterns
    except Exception as error:  # noqa: BLE001 - the project may raise anything.
        blame(project, error, "python manage.py check")
    return Found(app, kind_of(app) or Kind.WSGI, project)


def _application() -> Any:
    """Return what servers serve: of the settings the one for WSGI, or that for ASGI."""
    asgi = getattr(settings, "ASGI_APPLICATION", None)
    if settings.WSGI_APPLICATION is None and asgi is not None:
        return import_string(asgi)
    return get_internal_wsgi_application()


Command: type[Any] = _Command  # The name that Django looks for; its own class has no types.
