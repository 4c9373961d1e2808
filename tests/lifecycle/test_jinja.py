"""Jinja: each rendering is told once, in every environment and however it is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment

from heliograph import ArgumentError, StateError
from heliograph.lifecycle import before_render_template, template_rendered
from heliograph.lifecycle.jinja import install
from tests.lifecycle.calling import heard

TEMPLATES = {
    "page": "{% extends 'base' %}{% block body %}{% include 'part' %}{{ item }}{% endblock %}",
    "base": "<{% block body %}{% endblock %}>",
    "part": "part ",
    "broken": "{{ 1 / 0 }}",
}
KINDS = [Environment, SandboxedEnvironment, NativeEnvironment]


async def rendered(template: Any) -> str:
    """Render by `render_async`."""
    return str(await template.render_async(item=7))


async def generated(template: Any) -> str:
    """Render by `generate_async`."""
    return "".join([str(it) async for it in template.generate_async(item=7)])


WAYS = {
    "render": lambda it: str(it.render(item=7)),
    "render of a dict": lambda it: str(it.render({"item": 7})),
    "generate": lambda it: "".join(map(str, it.generate(item=7))),
    "stream": lambda it: "".join(map(str, it.stream(item=7))),
    "render_async": lambda it: asyncio.run(rendered(it)),
    "generate_async": lambda it: asyncio.run(generated(it)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_rendering_is_told_once(kind: type[Environment], is_async: bool, way: str) -> None:
    """With its outermost template: what that extends and includes is part of it."""
    # Jinja itself cannot render native types so.
    native = kind is NativeEnvironment and is_async and way in ("render", "render of a dict")
    if native or (way.endswith("async") and not is_async):
        pytest.skip("It cannot be rendered that way.")
    environment = kind(loader=DictLoader(TEMPLATES), enable_async=is_async, autoescape=True)
    environment.get_template("page")  # Kept by the environment, and not told of later.
    install(environment, "app")
    template = environment.get_template("page")
    with heard() as kept:
        text = WAYS[way](template)

    assert text == "<part 7>"
    payload = {"sender": "app", "template": template, "context": {"item": 7}, "request": None}
    assert kept == [("before-render-template", payload), ("template-rendered", payload)]


def test_a_template_that_fails_was_not_rendered() -> None:
    """Its error is raised as ever."""
    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
    install(environment, "app")
    with heard() as kept, pytest.raises(ZeroDivisionError):
        environment.get_template("broken").render()

    assert [name for name, _ in kept] == ["before-render-template"]


def test_a_template_without_a_loader_is_told_too() -> None:
    """Of an environment that keeps nothing."""
    environment = Environment(cache_size=0, autoescape=True)
    install(environment, "app")
    with heard() as kept:
        environment.from_string("{{ 7 }}").render()

    assert [name for name, _ in kept] == ["before-render-template", "template-rendered"]


def test_an_installation_is_undone() -> None:
    """What is loaded afterwards is silent."""
    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
    with (
        install(environment, "app"),
        pytest.raises(StateError, match=r"jinja2.Environment already"),
    ):
        install(environment, "app")
    with heard() as kept:
        environment.get_template("part").render()

    assert kept == []
    with pytest.raises(ArgumentError, match=r"^A NoneType object is not a jinja2.Environment"):
        install(None, "app")  # type: ignore[arg-type]  # As somebody may.


async def test_an_async_receiver_hears_of_a_plain_rendering() -> None:
    """Also where a loop runs already, and without one."""
    told = []

    async def hear(sender: object, template: Any, **extra: Any) -> None:
        await asyncio.sleep(0)
        told.append(template.name)

    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
    install(environment, "app")
    with before_render_template.connected_to(hear), template_rendered.connected_to(hear):
        environment.get_template("part").render()
        await asyncio.to_thread(environment.get_template("base").render)

    assert told == ["part", "part", "base", "base"]
