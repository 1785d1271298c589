"""Serve a page, and the sequences that it asks for, to a browser on this machine. Nothing is written to disk."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from slvm_data.core.errors import DamageError
from slvm_data.view.connections import Connections
from slvm_data.view.dataset import Dataset, of_recipe
from slvm_data.view.facts import facts
from slvm_data.view.page import page
from slvm_data.view.payload import numbers, payload
from slvm_data.view.report import report
from slvm_data.view.sliders import moved
from slvm_data.view.summary import summary

ADDRESS = "127.0.0.1"
HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.I)  # of any port, as through a tunnel
LONGEST = 8192  # characters of a request
MOST = 256  # sequences asked for at a time
TASKS = 64  # of a recipe with changed parameters, at most, if the dataset does not have more
KEPT = 16  # recipes with changed parameters
WAIT = 30.0  # s, until a request has arrived, and until an answer is taken
OPEN = 64  # connections
DIGITS = 10  # of a number
TOKEN = 24  # random bytes
UNKNOWN = "open the address that slvm-data view has printed: without the token in it, nothing is shown"


class Server(ThreadingHTTPServer):
    """Server of the page at `url`, which answers on the loopback address only, and only to those who know the token.

    Other users of this machine reach the address too, but do not know the token.
    """

    daemon_threads = True
    request_queue_size = 2 * OPEN  # connections that are not taken in yet

    def __init__(self, dataset: Dataset, port: int = 0) -> None:
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            raise ValueError(
                f"port = {port} cannot be used: {error.strerror}; leave --port out to take a free one"
            ) from error
        self.making = threading.Lock()  # one request at a time: more at once would only wait for each other
        self.connections = Connections(OPEN, WAIT)
        self.dataset = dataset
        self.changed = lru_cache(KEPT)(self._changed)
        self.token = secrets.token_urlsafe(TOKEN)
        self._ticket, self._redeeming = secrets.token_urlsafe(TOKEN), threading.Lock()

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/?token={self.token}"

    @property
    def url_once(self) -> str:
        """Address that leads to the page once: every user of the machine sees with which one a browser is started."""
        return f"http://{ADDRESS}:{self.server_port}/?ticket={self._ticket}"

    def redeem(self, ticket: str) -> bool:
        """Whether this is the ticket, which is then used up."""
        with self._redeeming:
            if not self._ticket or not _same(ticket, self._ticket):
                return False
            self._ticket = ""
            return True

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own, unless there are too many."""
        if self.connections.open(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.connections.forget(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End slow connections; the server calls this again and again."""
        self.connections.end_slow()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors, except when a browser has closed the connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def _changed(self, changes: tuple[str, ...]) -> Dataset:
        """The dataset with these changes of parameters; raises ValueError if no slider can make them."""
        if not changes:
            return self.dataset
        if self.dataset.content:
            raise ValueError("parameters of files cannot be changed: view the dataset by its name")
        return of_recipe(moved(self.dataset.recipe, changes, TASKS), self.dataset.known)


class Handler(BaseHTTPRequestHandler):
    """Answers GET requests that have the token; the Host must be this machine, whose name no other site has."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = WAIT
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Wait for a request, and answer it."""
        self.server.connections.wait(self.connection)
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer with the page, or with JSON."""
        path, _, words = self.path.partition("?")
        query = parse_qs(words)
        if path == "/" and self._is_local() and self.server.redeem(_first(query, "ticket")):
            self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", Location=f"/?token={self.server.token}")
        elif refused := self._refused(path, query):
            self._send(HTTPStatus.FORBIDDEN, refused.encode(), "text/plain")
        elif path == "/":
            text, policy = page(None)
            self._send(HTTPStatus.OK, text, "text/html; charset=utf-8", policy)
        elif path not in ANSWERS or len(self.path) > LONGEST:
            self._send(HTTPStatus.NOT_FOUND, b"there is nothing here", "text/plain")
        else:
            with self.server.connections.answering(self.connection):
                status, content = self._answer(ANSWERS[path], query)
            self._send(status, content, "application/json")

    def _refused(self, path: str, query: dict[str, list[str]]) -> str:
        """The reason for which a request is refused; empty if it is not."""
        if not self._is_local() or not _same(_first(query, "token"), self.server.token):
            return UNKNOWN
        if path != "/" and self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            return "only the page itself may ask for this, and no page of another site"
        return ""

    def _is_local(self) -> bool:
        """Whether the browser looked for this machine: another name may lead here too, of a site that reads along."""
        return HOST.fullmatch(self.headers.get("Host", "")) is not None

    def _answer(self, answer: Callable[..., Any], query: dict[str, list[str]]) -> tuple[HTTPStatus, bytes]:
        """Status and JSON. Nothing that can be asked ends without an answer, or in the terminal."""
        try:
            with self.server.making:
                self.server.dataset.check_current("start slvm-data view again")
                content = answer(self.server.changed(tuple(query.get("set", ()))), query)
            return HTTPStatus.OK, json.dumps(content, allow_nan=False).encode()
        except (ValueError, ArithmeticError, DamageError, OSError) as error:
            return HTTPStatus.BAD_REQUEST, json.dumps({"error": str(error)}).encode()
        except Exception as error:  # a fault of ours, which the page shows
            what = f"this cannot be shown, because of {type(error).__name__}: {error}"
            return HTTPStatus.INTERNAL_SERVER_ERROR, json.dumps({"error": what}).encode()

    def _send(
        self, status: HTTPStatus, content: bytes, kind: str, policy: str = "default-src 'none'", **more: str
    ) -> None:
        self.send_response(status)
        headers = more | {
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
    words = [word for word in _first(query, "index").split(",") if word]
    if not 0 < len(words) <= MOST:
        raise ValueError(f"index has {len(words)} sequences, and has to have from 1 to {MOST}")
    return payload(dataset, task, split, [_number("index", word) for word in words])


def _parameters(dataset: Dataset, query: dict[str, list[str]]) -> Any:
    task, split = _place(query)
    found = dataset.parameters(task, split)
    if dataset.forecasts:
        found |= dataset.forecasts.scores(task, split, min(dataset.searched, dataset.count(task, split)))
    return {name: numbers(values) for name, values in found.items()}


def _forecast(dataset: Dataset, query: dict[str, list[str]]) -> Any:
    """The forecast of one sequence, or the report of all."""
    if not dataset.forecasts:
        raise ValueError("no forecast is shown: start slvm-data view with --forecast")
    from slvm_data.view.forecasts import forecast_of, overview  # loads SciPy

    if not _first(query, "index"):
        return overview(dataset.forecasts)
    return forecast_of(dataset, dataset.forecasts.of(*_place(query)), _number("index", _first(query, "index")))


def _place(query: dict[str, list[str]]) -> tuple[int, str]:
    return _number("task", _first(query, "task") or "0"), _first(query, "split")


def _first(query: dict[str, list[str]], name: str) -> str:
    """The first value of a name in a query; empty if there is none."""
    return query.get(name, [""])[0]


def _number(name: str, word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= DIGITS):
        raise ValueError(f"{name} = {word[:40]!r} is not a whole number from 0 on, of up to {DIGITS} digits")
    return int(word)


def _same(word: str, secret: str) -> bool:
    """Compare in a time that does not tell how much of it is right."""
    return hmac.compare_digest(word.encode(errors="replace"), secret.encode())


ANSWERS: dict[str, Callable[[Dataset, dict[str, list[str]]], Any]] = {
    "/about": lambda dataset, _: summary(dataset),
    "/sequences": _sequences,
    "/parameters": _parameters,
    "/facts": lambda dataset, _: facts(dataset),
    "/forecast": _forecast,
    "/report": lambda dataset, _: report(dataset),
}


def serve(dataset: Dataset, port: int, opened: bool) -> None:
    """Serve the page until the user presses Ctrl-C, and open it in the browser if asked to."""
    with Server(dataset, port) as server, suppress(KeyboardInterrupt):
        print(f"{dataset.recipe.name}: {server.url} (Ctrl-C ends it)", flush=True)
        if opened:
            webbrowser.open(server.url_once)
        server.serve_forever()
