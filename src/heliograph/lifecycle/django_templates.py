"""What templates Django's own language renders, as signals."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.template.base import Template

from heliograph import StateError
from heliograph.lifecycle.installing import Installation
from heliograph.lifecycle.request import current_request
from heliograph.lifecycle.signals import before_render_template, template_rendered
from heliograph.lifecycle.telling import tell

if TYPE_CHECKING:
    from django.template import Context

    from heliograph import Signal


def install(sender: object) -> Installation:
    """Send `before_render_template` and `template_rendered` for all templates in Django's language.

    Once in a process: Django has one set of templates. Those that include or extend others are
    told once. Templates of Jinja have `heliograph.lifecycle.jinja.install`.

    Args:
        sender: The sender of the signals: the application.

    Raises:
        StateError: If they are installed already.
    """
    template_class: Any = Template
    plain = template_class.render
    if hasattr(plain, "__wrapped__"):
        msg = "The signals of Django's templates are installed already. Call install() once."
        raise StateError(msg)

    @wraps(plain)
    def render(template: Template, context: Context) -> Any:
        if context.template is not None:
            return plain(template, context)  # It is included by another one.
        with context.bind_template(template):  # The context processors have their say.
            vars(context)["template_name"] = template.name  # As Django itself does.
            values: dict[str, Any] = context.flatten()
            _tell(before_render_template, template, values)
            with context.push(values):  # A receiver may have changed them, as in Flask.
                text = plain(template, context)
            _tell(template_rendered, template, values)
            return text

    def _tell(signal: Signal[...], template: Template, values: dict[str, Any]) -> None:
        tell(signal, sender, template=template, context=values, request=current_request())

    def undo() -> None:
        template_class.render = plain

    template_class.render = render
    return Installation(sender, undo)
