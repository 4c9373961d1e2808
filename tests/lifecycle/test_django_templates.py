"""Django's template language: each rendering is told once, with what the template gets."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.template import Context, Engine, RequestContext

import tests.lifecycle.django_project  # noqa: F401 - settings, before anything asks for them.
from heliograph import StateError
from heliograph.lifecycle import before_render_template
from heliograph.lifecycle.django_templates import install
from tests.lifecycle.calling import heard

TOLD = ["before-render-template", "template-rendered"]
ENGINE = Engine(
    loaders=[
        (
            "django.template.loaders.locmem.Loader",
            {
                "base": "<{% block body %}{% endblock %}>",
                "part": "{{ name }}",
                "page": "{% extends 'base' %}{% block body %}{% include 'part' %}{% endblock %}",
                "twice": "{{ n }}{% if n == '1' %}{% include 'twice' with n='2' %}{% endif %}",
            },
        )
    ]
)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [("page", {"name": "Ada"}, "<Ada>"), ("twice", {"n": "1"}, "12")],
)
def test_a_rendering_is_told_once(name: str, values: dict[str, Any], expected: str) -> None:
    """Not what it includes or extends, even itself."""
    template = ENGINE.get_template(name)
    with install("shop"), heard() as kept:
        text = template.render(Context(values))

    assert text == expected
    assert [
        (name, it["sender"], it["template"], {**it["context"], **values} == it["context"])
        for name, it in kept
    ] == [(name, "shop", template, True) for name in TOLD]
    assert [it["request"] for _, it in kept] == [None, None]


def test_receivers_see_what_context_processors_add() -> None:
    """And may change what the template gets, as in Flask."""
    template = ENGINE.get_template("part")
    context = RequestContext(HttpRequest(), processors=[lambda _: {"name": "Ada"}])

    def change(sender: object, context: dict[str, Any], **extra: Any) -> None:
        context["name"] += "!"

    with install("shop"), before_render_template.connected_to(change):
        assert template.render(context) == "Ada!"


def test_a_template_that_fails_was_not_rendered() -> None:
    """Its error is that of whoever renders it."""

    def fail() -> str:
        raise LookupError

    with install("shop"), heard() as kept, pytest.raises(LookupError):
        ENGINE.get_template("part").render(Context({"name": fail}))

    assert [name for name, _ in kept] == TOLD[:1]


def test_an_installation_is_undone() -> None:
    """There is one at a time."""
    with install("shop"), pytest.raises(StateError, match="installed already"):
        install("shop")
    with heard() as kept:
        ENGINE.get_template("part").render(Context({"name": "Ada"}))

    assert kept == []
