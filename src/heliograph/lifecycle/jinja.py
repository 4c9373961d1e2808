"""What templates are rendered, as signals, for any environment of Jinja."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment

from heliograph.lifecycle.installing import Installation, check
from heliograph.lifecycle.request import current_request
from heliograph.lifecycle.signals import before_render_template, template_rendered
from heliograph.lifecycle.telling import tell, tell_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from jinja2 import Template

    from heliograph import Signal


def install(environment: Environment, sender: object) -> Installation:
    """Send `before_render_template` and `template_rendered` for all templates of an environment.

    Flask and Quart send their own: installing to the environment of one of their applications
    would tell everything twice.

    Args:
        environment: The environment. Templates that were loaded from it before, and are kept
            somewhere, stay silent.
        sender: The sender of the signals: the application.

    Raises:
        ArgumentError: If it is no environment of Jinja.
        StateError: If they are installed already.
    """
    check(environment, Environment, installed=lambda it: issubclass(it.template_class, _Tells))
    before = environment.template_class

    def undo() -> None:
        environment.template_class = before
        _forget(environment)

    environment.template_class = _watched(before, sender)
    _forget(environment)
    return Installation(environment, undo)


def _forget(environment: Environment) -> None:
    # Those that it has loaded are of another class.
    if environment.cache is not None:
        environment.cache.clear()


def _watched(plain: type[Template], sender: object) -> type[Template]:
    """Return a class of templates that report when they are rendered."""
    return type(plain.__name__, (_Tells, plain), {"_sender": sender})


if TYPE_CHECKING:
    _Base = Template
else:
    _Base = object


class _Tells(_Base):
    """The methods of a template that render, in front of those of its class."""

    # In an async environment, `render` and `generate` call their async namesakes, which report.

    _sender: object

    def render(self, *args: Any, **kwargs: Any) -> Any:
        if self.environment.is_async:
            return super().render(*args, **kwargs)
        context = dict(*args, **kwargs)
        self._tell(before_render_template, context)
        text = super().render(context)
        self._tell(template_rendered, context)
        return text

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        if self.environment.is_async:
            yield from super().generate(*args, **kwargs)
            return
        context = dict(*args, **kwargs)
        self._tell(before_render_template, context)
        yield from super().generate(context)
        self._tell(template_rendered, context)

    async def render_async(self, *args: Any, **kwargs: Any) -> Any:
        context = dict(*args, **kwargs)
        await self._tell_async(before_render_template, context)
        text = await super().render_async(context)
        await self._tell_async(template_rendered, context)
        return text

    async def generate_async(self, *args: Any, **kwargs: Any) -> AsyncGenerator[str, object]:
        context = dict(*args, **kwargs)
        await self._tell_async(before_render_template, context)
        async for part in super().generate_async(context):
            yield part
        await self._tell_async(template_rendered, context)

    def _tell(self, signal: Signal[...], context: dict[str, Any]) -> None:
        tell(signal, self._sender, template=self, context=context, request=current_request())

    async def _tell_async(self, signal: Signal[...], context: dict[str, Any]) -> None:
        request = current_request()
        await tell_async(signal, self._sender, template=self, context=context, request=request)
