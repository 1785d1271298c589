"""Serve a page, and the sequences that it asks for, to a browser on this machine. Nothing is written to disk."""

from __future__ import annotations

import json
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slvm_data.core.errors import DamageError
from slvm_data.recipe.overrides import override
from slvm_data.view.dataset import Dataset, of_recipe
from slvm_data.view.page import page
from slvm_data.view.payload import numbers, payload
from slvm_data.view.report import report
from slvm_data.view.summary import summary

ADDRESS = "127.0.0.1"
LONGEST = 8192  # characters of a request
MOST = 256  # sequences asked for at a time
KEPT = 16  # recipes with changed parameters
WAIT = 30.0  # s, until a request has arrived


class Server(ThreadingHTTPServer):
    """Server of the page at `url`, which answers on the loopback address only."""

    daemon_threads = True

    def __init__(self, dataset: Dataset, port: int = 0) -> None:
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            raise ValueError(
                f"port = {port} cannot be used: {error.strerror}; leave --port out to take a free one"
            ) from error
        self.making = threading.Lock()  # one request at a time: more at once would only wait for each other
        self.dataset = dataset
        self.changed = lru_cache(KEPT)(self._changed)

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors, except when a browser has closed the connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def _changed(self, changes: tuple[str, ...]) -> Dataset:
        """The dataset with these changes of parameters; raises ValueError if they are not possible."""
        if not changes:
            return self.dataset
        if self.dataset.content:
            raise ValueError("parameters of files cannot be changed: view the dataset by its name")
        return of_recipe(override(self.dataset.recipe, changes), self.dataset.known)


class Handler(BaseHTTPRequestHandler):
    """Answers GET requests; the Host must be this server, so that pages of other sites cannot read the data."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = WAIT
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page, or with JSON."""
        port = self.server.server_port
        if self.headers.get("Host") not in (f"{ADDRESS}:{port}", f"localhost:{port}"):
            self._send(HTTPStatus.FORBIDDEN, b"this host is not served", "text/plain")
            return
        where = urlsplit(self.path)
        if where.path == "/":
            text, policy = page(None)
            self._send(HTTPStatus.OK, text, "text/html; charset=utf-8", policy)
            return
        if where.path not in ANSWERS or len(self.path) > LONGEST:
            self._send(HTTPStatus.NOT_FOUND, b"there is nothing here", "text/plain")
            return
        status, content = self._answer(ANSWERS[where.path], parse_qs(where.query))
        self._send(status, json.dumps(content, allow_nan=False).encode(), "application/json")

    def _answer(self, answer: Callable[..., Any], query: dict[str, list[str]]) -> tuple[HTTPStatus, Any]:
        try:
            with self.server.making:
                self.server.dataset.check_current()
                return HTTPStatus.OK, answer(self.server.changed(tuple(query.get("set", ()))), query)
        except (ValueError, DamageError, OSError) as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}

    def _send(self, status: HTTPStatus, content: bytes, kind: str, policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in http.server
        """Print nothing, to keep the terminal free for the user."""


def _sequences(dataset: Dataset, query: dict[str, list[str]]) -> Any:
    task, split = _place(query)
    index = [int(i) for i in query.get("index", [""])[0].split(",") if i]
    if not 0 < len(index) <= MOST:
        raise ValueError(f"index has {len(index)} sequences, and has to have from 1 to {MOST}")
    return payload(dataset, task, split, index)


def _parameters(dataset: Dataset, query: dict[str, list[str]]) -> Any:
    found = dataset.parameters(*_place(query))
    return {name: numbers(values) for name, values in found.items()}


def _place(query: dict[str, list[str]]) -> tuple[int, str]:
    return int(query.get("task", ["0"])[0]), query.get("split", [""])[0]


ANSWERS: dict[str, Callable[[Dataset, dict[str, list[str]]], Any]] = {
    "/about": lambda dataset, _: summary(dataset),
    "/sequences": _sequences,
    "/parameters": _parameters,
    "/report": lambda dataset, _: report(dataset),
}


def serve(dataset: Dataset, port: int, opened: bool) -> None:
    """Serve the page until the user presses Ctrl-C, and open it in the browser if asked to."""
    with Server(dataset, port) as server, suppress(KeyboardInterrupt):
        print(f"{dataset.recipe.name}: {server.url} (Ctrl-C ends it)", flush=True)
        if opened:
            webbrowser.open(server.url)
        server.serve_forever()
