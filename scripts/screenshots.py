"""Draw docs/pictures/view_*.png: the page of `slvm-data view` in Chromium, light and dark, wide and narrow."""

import threading
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from slvm_data import RECIPES, Recipe, View
from slvm_data.observe.modifiers import Missing, PixelNoise
from slvm_data.view.dataset import of_recipe
from slvm_data.view.server import Server

PICTURES = Path(__file__).parents[1] / "docs/pictures"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
OBSERVED = replace(
    RECIPES["pendulum"], view=View(color="grey"), observe=(PixelNoise(sigma=0.2), Missing(p=0.5, keep=2))
)
VIEWS = {  # dataset, part of its page, size, colours, frame
    "grid": ("pendulum3", "sequences", WIDE, "light", 8),
    "grid_dark": ("two_body", "sequences", WIDE, "dark", 8),
    "sequence": ("double_pendulum", "sequence/0/train/5", WIDE, "light", 21),
    "sequence_dark": ("gravity3", "sequence/1/train/2", WIDE, "dark", 17),
    "regimes": ("bouncing_ball_1d", "sequence/0/train/3", WIDE, "light", 40),
    "observed": (OBSERVED, "sequence/0/train/3", WIDE, "light", 10),
    "report": ("pendulum3", "report", WIDE, "light", 0),
    "report_dark": ("lorenz", "report", WIDE, "dark", 0),
    "narrow": ("pendulum3", "sequences", NARROW, "light", 8),
    "narrow_sequence": ("double_pendulum", "sequence/0/train/5", NARROW, "dark", 12),
}


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, (shown, part, size, colors, frame) in VIEWS.items():
            page = browser.new_page(viewport=size, color_scheme=colors, reduced_motion="reduce")
            picture(page, shown, part, frame, PICTURES / f"view_{name}.png")
            page.close()
        browser.close()


def picture(page: Page, shown: str | Recipe, part: str, frame: int, target: Path) -> None:
    with Server(of_recipe(RECIPES[shown] if isinstance(shown, str) else shown)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"{server.url}#{part}")
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        if part != "report":
            page.get_by_label("Frame", exact=True).fill(str(frame))
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(300)
        page.screenshot(path=target)
        server.shutdown()
    print(target)


if __name__ == "__main__":
    main()
