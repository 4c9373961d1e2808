"""What Flask and Quart show to visitors: templates and flashed messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask, flash, render_template_string
from jinja2 import DictLoader

from heliograph.testing import ExpectationError, Flashes, Templates

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PAGES = {"index.html": "{{ items|length }} items", "cart.html": "{{ items|length }} in the cart"}


def shop() -> Flask:
    """Open a shop whose pages render a template and flash a message."""
    from flask import render_template

    app = Flask("shop")
    app.secret_key = "only a test"  # noqa: S105 - it signs nothing of worth.
    app.jinja_loader = DictLoader(PAGES)

    @app.get("/<page>")
    def show(page: str) -> str:
        flash(f"You see {page}.", "notice")
        return render_template(f"{page}.html", items=["mirror"])

    @app.get("/")
    def string() -> str:
        return render_template_string("{{ 1 }}")

    return app


@pytest.fixture
def client() -> FlaskClient:
    """Come to the shop."""
    return shop().test_client()


def test_templates_are_known_by_name_and_context(client: FlaskClient) -> None:
    """Those that were made of strings have no name."""
    with Templates() as templates:
        client.get("/index")
        client.get("/cart")
        client.get("/")

    assert templates.names == ["index.html", "cart.html", None]
    assert templates.context("cart.html")["items"] == ["mirror"]
    assert "items" not in templates.context(None)


def test_a_template_that_was_not_rendered_once_has_no_context(client: FlaskClient) -> None:
    """The message says what was rendered instead."""
    with Templates() as nothing:
        pass
    with Templates() as templates:
        client.get("/index")
        client.get("/index")

    for captured, name, said in [
        (nothing, "index.html", "0 times.\nRendered templates: none."),
        (templates, "cart.html", "0 times.\nRendered templates: 'index.html', 'index.html'."),
        (templates, "index.html", "2 times.\nRendered templates: 'index.html', 'index.html'."),
    ]:
        with pytest.raises(ExpectationError) as told:
            captured.context(name)

        assert str(told.value) == f"Expected {name!r} to be rendered once, but found it {said}"


def test_flashed_messages_are_known_with_their_categories(client: FlaskClient) -> None:
    """As Flask's own function gives them to a page."""
    with Flashes() as flashes:
        client.get("/cart")
        client.get("/index")

    assert flashes.messages == ["You see cart.", "You see index."]
    assert flashes.with_categories == [("notice", "You see cart."), ("notice", "You see index.")]


def test_one_application_may_be_meant(client: FlaskClient) -> None:
    """What others render and flash is left out."""
    with Templates(shop()) as templates, Flashes(client.application) as flashes:
        client.get("/cart")

    assert (templates.names, flashes.messages) == ([], ["You see cart."])
