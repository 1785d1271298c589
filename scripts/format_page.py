"""Write the table of arrays in docs/format.md from `slvm_data.arrays`."""

import re
from pathlib import Path

from slvm_data.arrays import AXES, TABLE, ArrayInfo, info
from slvm_data.observe.modifiers import Modifier

PAGE = Path(__file__).parents[1] / "docs/format.md"
BEGIN, END = "<!-- arrays -->\n", "<!-- end of arrays -->"
WHERE = {  # when a file has an array, where that is not always
    "state_mask": "`combine --pad`, and loaders where widths differ",
    "path": "windows, and uncut trajectories",
    "image": "frames",
    "state": "not in windows",
    "signal": "switching systems, `--observe emission`",
    "clean": "`--record clean`",
    "clean_signal": "`--record clean`",
    "mask": "`--observe missing` or `missing_block`",
    "latent": "switching systems",
    "drift_mode": "`--drift switch`",
    "mode": "switching systems, `--drift switch`",
    "domain_time": "windows, with `--time`",
    "control": "`--control`",
    "domain_control": "windows, with `--control`",
    "drift_time": "`--drift`",
    "drift_<name>": "`--drift`",
    "drift_to_<name>": "`--drift`",
}
BY_MODIFIERS = {name: f"`--observe {kind.name()}`" for kind in Modifier.members.values() for name in kind.recorded}
IN_WINDOWS = {name for row in TABLE.values() for name in (row.query, row.context) if name != row.name}


def where(row: ArrayInfo) -> str:
    """When a file has an array."""
    if row.name in ("dx_dt", "energy", "angles", "offset", "color_index"):
        return f"`--record {row.name}`"
    if row.role == "event":
        return "`--record events`"
    return (BY_MODIFIERS | WHERE).get(row.name, "windows" if row.name in IN_WINDOWS else "always")


def table() -> str:
    """The table in Markdown."""
    rows = [*TABLE.values(), *map(info, ("param_<name>", "drift_<name>", "drift_to_<name>"))]
    lines = ["| array | axes | type | unit | role | in a file | meaning |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        cells = [f"`{row.name}`", row.axes, row.dtype, row.unit, row.role, where(row), row.meaning.replace("|", "\\|")]
        lines.append("| " + " | ".join(cells) + " |")
    letters = ", ".join(f"{letter} {name}" for letter, name in AXES.items() if letter != "1")
    return "\n".join(lines) + f"\n\nAxes: {letters}. An axis in brackets is left out if it has only one element.\n"


def page() -> str:
    """The page, with the table as it is now."""
    return re.sub(f"(?s){BEGIN}.*?{END}", lambda _: BEGIN + table() + END, PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(page())
