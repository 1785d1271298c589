"""The server answers this machine's own browser, and nobody else."""

import dataclasses
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from functools import partial

import numpy as np
import pytest
import typer
from jax import monitoring

from slvm_data import RECIPES, generate
from slvm_data.cli import app
from slvm_data.core.errors import DamageError
from slvm_data.recipe.overrides import override
from slvm_data.view.connections import Connections
from slvm_data.view.dataset import of_folder, of_recipe
from slvm_data.view.server import ANSWERS, OPEN, UNKNOWN, Server, serve
from slvm_data.view.sliders import sliders

RECIPE = dataclasses.replace(RECIPES["pendulum3"], train=4, val=2, test=2, steps=4)


@pytest.fixture(scope="module")
def server(serving):
    with serving(of_recipe(RECIPE)) as server:
        yield server


def get(server, path, method="GET", token=True, **headers):
    """Status, headers and body of the answer; with the token unless it is not wanted."""
    if token:
        path += f"{'&' if '?' in path else '?'}token={server.token}"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def ask(server):
    return partial(get, server)


EVERY = ("/", *ANSWERS, "/nothing")


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("token", ["", "?token=", "?token=x", "?token=%C3%A9", "?token={}x", "?tokens={}", "?set={}"])
def test_who_does_not_know_the_token_is_told_nothing(server, path, token):
    """F33: another user of this machine reaches the address too."""
    status, _, body = get(server, path + token.format(server.token), token=False)
    assert (status, body.decode()) == (403, UNKNOWN)


def test_each_server_has_its_own_token(server, serving):
    assert len(server.token) >= 32
    with serving(of_recipe(RECIPE)) as other:
        assert other.token != server.token
        assert get(other, f"/about?token={server.token}", token=False)[0] == 403


def test_a_browser_is_started_with_an_address_that_is_good_for_once(server, monkeypatch):
    """The list of processes shows it to everyone."""
    path = server.url_once.removeprefix(f"http://127.0.0.1:{server.server_port}")
    assert server.token not in path
    assert get(server, path, token=False, Host="evil.example")[0] == 403
    status, headers, _ = get(server, path, token=False)
    assert (status, headers["Location"]) == (303, f"/?token={server.token}")
    assert get(server, path, token=False)[0] == 403
    assert get(server, "/?ticket=", token=False)[0] == 403
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(Server, "serve_forever", lambda self: None)
    serve(of_recipe(RECIPE), 0, opened=True)
    assert "?ticket=" in opened[0]
    assert "token" not in opened[0]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "new"])
def test_pages_of_other_sites_may_not_ask(ask, site):
    """Not even blindly; a link to the page itself may stand anywhere."""
    for path in ANSWERS:
        assert ask(path, Sec_Fetch_Site=site)[0] == 403
    assert ask("/", Sec_Fetch_Site=site)[0] == 200
    for own in ("same-origin", "none"):
        assert ask("/about", Sec_Fetch_Site=own)[0] == 200


def test_only_this_machine_is_served(ask):
    """Another name may lead here too: a page of that name could read what we answer."""
    for host in ("localhost", "127.0.0.1", "127.0.0.1:1", "localhost:9000", "LOCALHOST:80", "[::1]:9000"):
        assert ask("/about", Host=host)[0] == 200, host
    for host in (
        "evil.example",
        "evil.example:80",
        "",
        "127.0.0.1.evil.example",
        "localhost:x",
        "127.0.0.2",
        "x@localhost",
    ):
        assert ask("/about", Host=host)[0] == 403, host


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_only_get(ask, method):
    assert ask("/", method)[0] == 501


@pytest.mark.parametrize("path", ["/x", "/../dataset.json", "/page/app.js", "//x", "//[", "/%2e", "/about/"])
def test_there_is_nothing_else(ask, path):
    assert ask(path)[0] == 404


def test_lines_have_a_length(ask):
    assert ask("/about?x=" + "x" * 9000)[0] == 404
    assert ask("/about?" + "&" * 60_000)[0] == 404
    assert ask("/" + "x" * 70_000)[0] == 414


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sequences?task=3&split=train&index=0", "task = 3"),
        ("sequences?task=0&split=train&index=4", "index = 4"),
        ("sequences?task=0&split=all&index=0", "split = 'all'"),
        ("sequences?task=0&split=%00&index=0", "split = '\\x00'"),
        ("sequences?split=train&index=", "has to have from 1 to 256"),
        ("sequences?split=train", "has to have from 1 to 256"),
        ("sequences?split=train&index=" + ",".join("0" * 257), "has to have from 1 to 256"),
        ("about?set=m=-1", "has to be above 0"),
        ("about?set=m=0", "has to be above 0"),
        ("about?set=m=nan", "not finite"),
        ("about?set=m=inf", "not finite"),
        ("about?set=m=1e308", "m = 1e+308: its slider goes from"),
        ("about?set=m=1e-300", "m = 1e-300: its slider goes from"),
        ("about?set=m=0.5..1e300", "m = 0.5..1e+300: its slider goes from"),
        ("about?set=g=1e308&set=m=1e308", "its slider goes from"),
        ("about?set=m=[1,2]", "one value expected"),
        ("about?set=nothing", "KEY=VALUE"),
        ("about?set==", "KEY=VALUE"),
        ("about?set=%ff=1", "no parameter"),
        ("about?set=substep=1e-9", "substep has no slider"),
        ("about?set=substep=0.001", "substep has no slider"),
        ("report?set=m=1e308", "its slider goes from"),
        ("parameters?split=train&set=m=1e308", "its slider goes from"),
        ("parameters?split=train&task=3", "task = 3"),
        ("parameters", "split = ''"),
    ],
)
def test_what_is_asked_wrongly_is_said(ask, query, message):
    """F32."""
    status, _, body = ask(f"/{query}")
    assert (status, list(json.loads(body))) == (400, ["error"])
    assert message in json.loads(body)["error"]


@pytest.mark.parametrize(
    "word", ["x", "-1", "1e3", "9" * 11, "9" * 999, "9" * 6000, "nan", "1.0", "%D9%A1", "%C2%B2", "+1", "1_0"]
)
@pytest.mark.parametrize("query", ["sequences?split=train&index=0,{}", "parameters?split=train&task={}"])
def test_numbers_are_numbers(ask, query, word):
    status, _, body = ask("/" + query.format(word))
    assert status == 400
    error = json.loads(body)["error"]
    assert "is not a whole number from 0 on" in error
    assert len(error) < 200


@pytest.mark.parametrize(
    "form", ["about?" + "&".join(f"set={n}={{}}" for n in ("m", "g", "friction", "l")), "about?set=m={}"]
)
def test_combinations_are_counted_before_they_are_made(ask, form):
    """F32: one request with 8^4 tasks used to keep the server from answering others for a minute."""
    values = ",".join(f"0.{i}" for i in range(10, 90))
    began = time.monotonic()
    status, _, body = ask("/" + form.format(*[values] * 4))
    assert status == 400
    assert re.search(r"these values make \d+ tasks, and there may be 64", json.loads(body)["error"])
    assert time.monotonic() - began < 1


def test_a_dataset_of_many_tasks_keeps_its_sliders(serving):
    many = override(RECIPE, ["m=" + ",".join(f"0.{i}" for i in range(30, 60))])
    assert len(many.tasks) > 64
    with serving(of_recipe(many)) as server:
        assert get(server, "/parameters?split=test&set=m=0.4")[0] == 200


def test_what_was_not_foreseen_is_said_too(server, ask, monkeypatch, capfd):
    """A fault of ours leaves no connection without an answer, and nothing in the terminal."""
    for error, status in ((TypeError("odd"), 500), (OverflowError("large"), 400), (RecursionError("deep"), 500)):
        monkeypatch.setitem(ANSWERS, "/about", lambda *_, error=error: (_ for _ in ()).throw(error))
        found, _, body = ask("/about")
        assert found == status
        assert str(error) in json.loads(body)["error"]
    monkeypatch.setitem(ANSWERS, "/about", lambda *_: {"energy": float("inf")})
    assert ask("/about")[0] == 400
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["gravity", "lorenz"])
def test_nothing_is_compiled_anew(serving, name):
    """F32: what is compiled for a hyperparameter is never forgotten, so a request cannot change one."""
    small = {"train": 4, "val": 0, "test": 0}
    compiled, recipe = [], dataclasses.replace(RECIPES[name], **small)
    slider = sliders(recipe)[0]
    low, now, high = ([part[end] for part in slider["components"]] for end in ("low", "now", "high"))
    paths = ("/about?", "/sequences?split=train&index=0&", "/parameters?split=train&", "/report?")
    with serving(of_recipe(recipe)) as server:

        def all_of(values):
            text = f"[{','.join(map(str, values))}]" if len(values) > 1 else values[0]
            return [get(server, f"{path}set={slider['name']}={text}")[0] for path in paths]

        all_of(now)
        monitoring.register_event_duration_secs_listener(lambda what, *_, **__: compiled.append(what))
        answered = [all_of(values) for values in np.linspace(low, high, 12).tolist()]
        assert get(server, "/about?set=substep=0.001")[0] == 400
    monitoring.clear_event_listeners()
    assert answered.count([200] * 4) > 6  # at its ends a slider may lead to what cannot be
    assert len([what for what in compiled if "backend_compile" in what]) <= 3  # sizes of arrays of impacts


def _opened(server, text=b""):
    connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=20)
    connection.sendall(text)
    return connection


def test_slow_clients_do_not_keep_others_from_an_answer(server, ask):
    """F32: those that wait longest give way, and so no more than a few threads ever run."""
    before = threading.active_count()
    with ExitStack() as stack:
        slow = [
            stack.enter_context(_opened(server, text))
            for text in [b"", b"GET /about", b"GET / HTTP/1.1\r\nHost: "] * 100
        ]
        began = time.monotonic()
        assert ask("/about")[0] == 200
        assert time.monotonic() - began < 5
        assert threading.active_count() <= before + OPEN + 1
        assert slow[0].recv(1) == b""
    assert ask("/about")[0] == 200


def test_a_request_has_to_arrive_in_time_as_a_whole(server, monkeypatch):
    """Not each byte: who sends one now and then would stay for ever."""
    monkeypatch.setattr(server.connections, "patience", 0.5)
    began = time.monotonic()
    with _opened(server, b"GET /about HTTP/1.1\r\n") as connection:
        connection.settimeout(0.1)
        ended = False
        while not ended and time.monotonic() - began < 10:
            try:
                connection.sendall(b"X: y\r\n")
                ended = connection.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                ended = True
    assert 0.4 < time.monotonic() - began < 5


def test_an_answer_may_take_longer_than_a_request(server, ask, monkeypatch):
    monkeypatch.setattr(server.connections, "patience", 0.2)
    monkeypatch.setitem(ANSWERS, "/about", lambda *_: time.sleep(1) or "made")
    assert ask("/about")[0] == 200


def test_where_all_are_being_answered_no_more_are_taken_in():
    connections, (a, b, c) = Connections(2, 9.0), (socket.socket() for _ in range(3))
    with a, b, c, connections.answering(a):
        assert connections.open(a)
        assert connections.open(b)
        with connections.answering(a), connections.answering(b):
            assert not connections.open(c)
        assert connections.open(c)  # in the place of a
        connections.forget(b)
        assert connections.open(b)


def test_nothing_remote_and_nothing_inline_may_run(ask):
    headers = ask("/")[1]
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    for name in ("script-src", "style-src"):
        assert all(word.startswith("'sha256-") for word in rules[name].split())
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask("/about")[1]["Content-Security-Policy"] == "default-src 'none'"


def test_the_command_ends_when_it_is_told_to():
    words = [sys.executable, "-m", "slvm_data", "view", "pendulum", "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=20)
    assert line.startswith("pendulum: http://127.0.0.1:")
    assert (process.returncode, complaints, rest.strip()) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pendulm"], "did you mean pendulum?"),
        (["pendulum", "x=1"], "has no parameter 'x'"),
        ([".", "g=2"], "view a dataset by its name"),
        (["."], "holds no dataset"),
    ],
)
def test_errors_in_one_sentence(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, DamageError), match=re.escape(message)):
        typer.main.get_command(app)(["view", *words, "--no-open"], standalone_mode=False)


def test_a_folder_that_was_written_anew_is_not_mixed_with_what_it_was(serving, tmp_path):
    """Otherwise half of a page would be of the old dataset."""
    folder = generate(RECIPE, tmp_path / "x", format="zarr")
    dataset, ask = of_folder(folder), "/sequences?task=0&split=train&index=0"

    with serving(dataset) as server:
        assert get(server, ask)[0] == 200
        generate(dataclasses.replace(RECIPE, seed=7), folder, format="zarr", overwrite=True)
        status, _, text = get(server, ask)
        assert status == 400
        assert json.loads(text)["error"] == f"{folder} was written anew: start slvm-data view again"


def test_a_port_that_is_taken_is_said(serving):
    with serving(of_recipe(RECIPE)) as server, pytest.raises(ValueError, match="leave --port out"):
        Server(of_recipe(RECIPE), server.server_port)
