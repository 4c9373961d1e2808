"""What Django has to know of the application that gives `manage.py` its command."""

from __future__ import annotations

from django.apps import AppConfig


class _Heliograph(AppConfig):  # type: ignore[misc]  # Django has no types.
    """An application without models, views or settings."""

    name = "heliograph.cli.django"
    # By default it would be "django".
    label = "heliograph"
    verbose_name = "Heliograph"
