"""The page: one HTML file that contains its style, its scripts and, if saved, its data; nothing else is fetched.

The modules in `page/` are joined into one script, since browsers load no modules from a file on disk.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Any

MODULES = (  # those that others import come first
    *("element", "icon", "colors", "numbers", "source", "player", "selection"),
    *("timeline", "screen", "spark", "thumbnail", "curve", "portrait", "bars", "places", "matrix", "regimes"),
    *("strips", "horizon", "scatter", "command", "transport", "filters", "sliders", "grid", "sequence", "report"),
    *("forecast", "dataset", "tabs", "theme", "browser", "app"),
)
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.M)


def page(data: dict[str, Any] | None) -> tuple[bytes, str]:
    """The page, with these data or (None) asking its server for data; and its Content-Security-Policy."""
    script, style = _script(), _style()
    policy = _policy([_read("uPlot.iife.min.js"), script], [style], "'none'" if data else "'self'")
    parts = {
        "policy": policy,
        "style": style,
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "plots": _read("uPlot.iife.min.js"),
        "script": script,
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("index.html"))
    return text.encode(), policy


def _policy(scripts: list[str], styles: list[str], connect: str) -> str:
    """The policy: the browser loads these scripts and styles, known by their digests, and nothing else."""
    allowed = [f"script-src {' '.join(map(_digest, scripts))}", f"style-src {' '.join(map(_digest, styles))}"]
    rest = ["img-src data:", f"connect-src {connect}", "base-uri 'none'", "form-action 'none'"]
    return "; ".join(["default-src 'none'", *allowed, *rest])


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _script() -> str:
    return "const modules = {};\n" + "".join(map(_module, MODULES))


def _module(name: str) -> str:
    """Turn a module into a function with its own names, which is called once and returns what the module exports."""
    text = _read(f"{name}.js")
    body = _EXPORT.sub("", _IMPORT.sub(r"const {\1} = modules.\2;\n", text))
    return f"modules.{name} = (() => {{\n{body}return {{ {', '.join(_EXPORT.findall(text))} }};\n}})();\n"


@cache
def _style() -> str:
    return _read("uPlot.min.css") + _read("style.css")


@cache
def _read(name: str) -> str:
    return files("slvm_data.view").joinpath("page", name).read_text("utf-8")
