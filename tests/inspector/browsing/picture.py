"""Makes the picture of the page for the documentation: `make pages`."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from threading import Thread

from werkzeug.serving import make_server

from tests.inspector.browsing.chromium import browsing

ROOT = Path(__file__).parents[3]
PICTURE = ROOT / "docs" / "pictures" / "page.png"

sys.path.insert(0, str(ROOT / "examples"))
os.environ["HELIOGRAPH_CHECK"] = "1"
os.chdir(ROOT / "examples")  # Places are told from there.

from heliograph.inspector.inspector import Inspector  # noqa: E402 - where it looks is set above.
from heliograph.lifecycle.flask import install  # noqa: E402 - likewise.


def write_to_the_index(sender: object, **extra: object) -> None:
    """Take as long as a slow neighbour would."""
    time.sleep(0.0012)


def main() -> None:
    """Visit the shop, open an order in the page, and keep what is seen."""
    app = import_module("shop").create_app()
    install(app)
    import_module("shop.signals").order_placed.connect(write_to_the_index)
    inspector = Inspector(values=True)
    app.wsgi_app = inspector.wsgi(app.wsgi_app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    client = app.test_client()
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for path in ("/", "/", "/products/mirror", "/nowhere", "/broken"):
        client.get(path).close()
    client.post("/orders", data={"item": "mirror", "quantity": "2"}).close()
    client.get("/orders/1").close()
    with browsing() as browser:
        page = browser.new_page(viewport={"width": 1180, "height": 720}, device_scale_factor=1.5)
        page.goto(f"http://127.0.0.1:{server.port}/_signals/")
        page.get_by_text("/orders", exact=True).click()
        page.get_by_role("treeitem").filter(has_text="order_placed").first.click()
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
    server.shutdown()
    inspector.stop()


if __name__ == "__main__":
    main()
