"""Makes the picture of the graph for the documentation: `make pages`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.inspector.browsing.chromium import browsing

ROOT = Path(__file__).parents[3]
PICTURE = ROOT / "docs" / "pictures" / "graph.png"


def main() -> None:
    """Draw the shop's own signals, and keep what is seen of them."""
    with TemporaryDirectory() as folder, browsing() as browser:
        drawn = Path(folder) / "signals.html"
        command = [sys.executable, "-m", "heliograph", "graph", "shop", "shop.*", "stock.*"]
        command += ["--format", "html", "--output", str(drawn)]
        subprocess.run(command, cwd=ROOT / "examples", check=True)
        page = browser.new_page(viewport={"width": 1000, "height": 560}, device_scale_factor=1.5)
        page.goto(drawn.as_uri())
        page.get_by_label("Signal shop.order_placed", exact=True).focus()
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
