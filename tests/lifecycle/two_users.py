"""Two requests at once, each of which notes what it renders; prints what each has noted.

A program of its own: once Heliograph is in Blinker's place, it stays there. The arguments are the
framework, and ``blinker`` or ``heliograph``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

USERS = ["ada", "bob"]


def noted(template_rendered: Any, app: Any, options: dict[str, Any]) -> tuple[list[str], Any]:
    """Return a list, and the block in which it gets what is rendered."""
    seen: list[str] = []

    def note(sender: Any, template: Any, **extra: Any) -> None:
        seen.append(template.name)

    return seen, template_rendered.connected_to(note, app, **options)


def with_flask(templates: Any, options: dict[str, Any]) -> list[list[str]]:
    """Ask for two pages at once, in two threads."""
    import flask

    app = flask.Flask("shop")
    app.jinja_loader = templates
    meeting = Barrier(2, timeout=30)

    @app.get("/<user>")
    def page(user: str) -> list[str]:
        seen, block = noted(flask.template_rendered, app, options)
        with block:
            meeting.wait()
            flask.render_template(f"{user}.html")
            meeting.wait()
        return seen

    def ask(user: str) -> Any:
        return app.test_client().get(f"/{user}").json

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, USERS))


async def with_quart(templates: Any, options: dict[str, Any]) -> list[list[str]]:
    """Ask for two pages at once, in two tasks."""
    import quart

    app = quart.Quart("shop")
    app.jinja_loader = templates
    meeting = asyncio.Barrier(2)

    @app.get("/<user>")
    async def page(user: str) -> list[str]:
        seen, block = noted(quart.template_rendered, app, options)
        with block:
            await meeting.wait()
            await quart.render_template(f"{user}.html")
            await meeting.wait()
        return seen

    async def ask(user: str) -> Any:
        return await (await app.test_client().get(f"/{user}")).json

    return list(await asyncio.gather(*map(ask, USERS)))


def main(framework: str, engine: str) -> None:
    """Do so with one framework on one engine."""
    if engine == "heliograph":
        from heliograph.blinker import install

        install()
    from jinja2 import DictLoader

    options = {"local": True} if engine == "heliograph" else {}
    templates = DictLoader({f"{user}.html": user for user in USERS})
    if framework == "flask":
        found = with_flask(templates, options)
    else:
        found = asyncio.run(with_quart(templates, options))
    print(json.dumps([sorted(it) for it in found]))  # noqa: T201 - the test reads it.


if __name__ == "__main__":
    main(*sys.argv[1:])
