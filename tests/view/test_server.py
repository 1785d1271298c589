"""The server answers this machine's own browser, and nobody else."""

import dataclasses
import http.client
import json
import re
import signal
import subprocess
import sys
from contextlib import closing

import pytest
import typer

from slvm_data import RECIPES, generate
from slvm_data.cli import app
from slvm_data.core.errors import DamageError
from slvm_data.view.dataset import of_folder, of_recipe
from slvm_data.view.server import Server

RECIPE = dataclasses.replace(RECIPES["pendulum3"], train=4, val=2, test=2, steps=4)


@pytest.fixture(scope="module")
def ask(serving):
    with serving(of_recipe(RECIPE)) as server:

        def send(path, method="GET", **headers):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
            try:
                connection.request(method, path, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()
            finally:
                connection.close()

        yield send


def test_only_our_own_host_is_served(ask):
    """Another name may lead here too: a page of that name could read what we answer."""
    assert ask("/")[0] == 200
    for host in ("evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", ""):
        assert ask("/about", Host=host)[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_only_get(ask, method):
    assert ask("/", method)[0] == 501


@pytest.mark.parametrize("path", ["/x", "/../dataset.json", "/page/app.js", "/about?" + "x" * 9000])
def test_there_is_nothing_else(ask, path):
    assert ask(path)[0] == 404


def test_lines_have_a_length(ask):
    assert ask("/" + "x" * 70_000)[0] == 414


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sequences?task=3&split=train&index=0", "task = 3"),
        ("sequences?task=0&split=train&index=4", "index = 4"),
        ("sequences?task=0&split=all&index=0", "split = 'all'"),
        ("sequences?task=x&split=train&index=0", "invalid literal"),
        ("sequences?task=0&split=train&index=" + ",".join("0" * 257), "has to have from 1 to 256"),
        ("sequences?task=0&split=train&index=", "has to have from 1 to 256"),
        ("about?set=m=-1", "has to be above 0"),
        ("about?set=nothing", "KEY=VALUE"),
    ],
)
def test_what_is_asked_wrongly_is_said(ask, query, message):
    status, _, body = ask(f"/{query}")
    assert status == 400
    assert message in json.loads(body)["error"]


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

    def get(server):
        with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)) as connection:
            connection.request("GET", ask)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    with serving(dataset) as server:
        assert get(server)[0] == 200
        generate(dataclasses.replace(RECIPE, seed=7), folder, format="zarr", overwrite=True)
        status, text = get(server)
        assert status == 400
        assert json.loads(text)["error"] == f"{folder} was written anew: start slvm-data view again"


def test_a_port_that_is_taken_is_said(serving):
    with serving(of_recipe(RECIPE)) as server, pytest.raises(ValueError, match="leave --port out"):
        Server(of_recipe(RECIPE), server.server_port)
