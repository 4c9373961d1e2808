"""Requests as they are written on the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from heliograph.cli.commands import heliograph
from heliograph.cli.request import Request, parse


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("GET /", Request("GET", "/")),
        ("/", Request("GET", "/")),
        ("/search q=lamp", Request("GET", "/search", (("q", "lamp"),))),
        ("delete /orders/1", Request("DELETE", "/orders/1")),
        ("  GET   /  ", Request("GET", "/")),
        ("GET /a?b=c&d", Request("GET", "/a?b=c&d")),
        ("POST /orders item=3 item=4", Request("POST", "/orders", (("item", "3"), ("item", "4")))),
        ("POST /orders item=", Request("POST", "/orders", (("item", ""),))),
        ("POST /notes text=a=b:c", Request("POST", "/notes", (("text", "a=b:c"),))),
        ("GET /me Accept:text/html", Request("GET", "/me", (), (("Accept", "text/html"),))),
        ("GET /me 'X-Name:Ada L=1'", Request("GET", "/me", (), (("X-Name", "Ada L=1"),))),
        ('POST /me "name=Ada Lovelace"', Request("POST", "/me", (("name", "Ada Lovelace"),))),
        ("POST /me name='Ada Lovelace'", Request("POST", "/me", (("name", "Ada Lovelace"),))),
        ("GET '/a b'", Request("GET", "/a b")),
        (
            "POST /me name=Ada Content-Type:multipart/form-data",
            Request("POST", "/me", (("name", "Ada"),), (("Content-Type", "multipart/form-data"),)),
        ),
        (
            "POST /me Content-Type:application/json",
            Request("POST", "/me", (), (("Content-Type", "application/json"),)),
        ),
    ],
)
def test_a_request_is_a_method_a_path_fields_and_headers(text: str, request_: Request) -> None:
    """Words are divided as a shell divides them: "=" makes a field, ":" a header."""
    assert parse(text) == request_


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("POST / a=1 b=2", ["a=1", "b=2"]),
        ("POST / X:y a=1", ["a=1", "X:y"]),
        ("POST / 'name=Ada Lovelace'", ["'name=Ada Lovelace'"]),
        ("POST / 'name=O\\Hara'", ["'name=O\\Hara'"]),
        ("POST / 'a=\"b\"'", ["'a=\"b\"'"]),
    ],
)
def test_a_request_can_be_shown_as_it_may_be_written(text: str, written: list[str]) -> None:
    """Only words that would not be one word on a command line are in quotation marks."""
    assert parse(text).written() == written


_NO_REQUEST = (
    '{0!r} is not a request. Write a method and a path in one pair of quotation marks: "GET /".'
)
_NO_FIELD = (
    "{0!r} contains {1!r}, which is neither a field (name=value) nor a header (Name:value). "
    "Put quotation marks around a value with blanks."
)
_NO_PATH = '{0!r} asks for {1!r}, but a path begins with one slash and without a host: "{2}".'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", _NO_REQUEST.format("")),
        ("   ", _NO_REQUEST.format("   ")),
        ("GET", _NO_REQUEST.format("GET")),
        ("orders", _NO_REQUEST.format("orders")),
        ("item=3 /", _NO_REQUEST.format("item=3 /")),
        ("GET orders", _NO_PATH.format("GET orders", "orders", "GET /orders")),
        (
            "get http://a.example/b",
            _NO_PATH.format("get http://a.example/b", "http://a.example/b", "GET /b"),
        ),
        ("GET //a.example/b", _NO_PATH.format("GET //a.example/b", "//a.example/b", "GET /b")),
        ("POST /orders 3", _NO_FIELD.format("POST /orders 3", "3")),
        ("POST /orders =3", _NO_FIELD.format("POST /orders =3", "=3")),
        ("POST /orders :3", _NO_FIELD.format("POST /orders :3", ":3")),
        ("GET /me 'X Name:Ada'", _NO_FIELD.format("GET /me 'X Name:Ada'", "X Name:Ada")),
        ("GET /me 'X:a\r\nY:b'", _NO_FIELD.format("GET /me 'X:a\r\nY:b'", "X:a\r\nY:b")),
        (
            "POST /me name=Ada Content-Type:application/json",
            (
                "'POST /me name=Ada Content-Type:application/json' has fields, which are sent as a "
                "form, but its Content-Type is 'application/json'. Leave out the header or the "
                "fields."
            ),
        ),
        (
            "POST /me 'name=Ada",
            (
                '"POST /me \'name=Ada" has a quotation mark that is not closed '
                "(No closing quotation)."
            ),
        ),
    ],
)
def test_a_malformed_request_is_refused_before_the_application_is_loaded(
    text: str, problem: str
) -> None:
    """What is wrong with it, and what to write instead, are said; the status is 2."""
    ended = CliRunner().invoke(heliograph, ["trace", "no_such_module", "GET /", text])

    assert ended.exit_code == 2
    assert ended.output.endswith(f"\nError: Invalid value for 'REQUEST...': {problem}\n")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("GET /", {"path": "/"}),
        ("GET /a b=c b=d", {"path": "/a?b=c&b=d"}),
        ("GET /a?b=c 'd=e f'", {"path": "/a?b=c&d=e+f"}),
        ("HEAD /a b=c", {"method": "HEAD", "path": "/a?b=c"}),
        ("POST /a?b=c d=e d=f", {"method": "POST", "path": "/a?b=c", "data": {"d": ["e", "f"]}}),
        ("GET / A:b", {"path": "/", "headers": [("A", "b")]}),
    ],
)
def test_fields_are_the_query_of_a_get_and_the_form_of_a_post(
    text: str, arguments: dict[str, object]
) -> None:
    """A query that is in the path already stays there."""
    usual: dict[str, object] = {"method": "GET", "headers": [], "data": {}}

    assert parse(text).arguments() == usual | arguments


def test_examples_are_shown_line_by_line() -> None:
    """The help does not fill paragraphs with command lines."""
    shown = CliRunner().invoke(heliograph, ["run", "--help"]).output

    assert [line.strip() for line in shown.splitlines() if "heliograph run " in line][1:] == [
        "heliograph run flask --app shop run",
        "heliograph run gunicorn shop:app",
        "heliograph run python -m shop",
    ]


@pytest.mark.parametrize("arguments", [["trace"], ["trace", "shop"], ["run"], ["trace", "-x"]])
def test_what_is_missing_on_the_command_line_is_said(arguments: list[str]) -> None:
    """Too few arguments and unknown options end with status 2 and the way to the help."""
    ended = CliRunner().invoke(heliograph, arguments)

    assert ended.exit_code == 2
    assert ended.output.startswith(f"Usage: heliograph {arguments[0]} [OPTIONS] ")
    assert f"\nTry 'heliograph {arguments[0]} -" in ended.output


@pytest.mark.parametrize("command", [[], ["trace"], ["run"]])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_explains_itself(command: list[str], option: str) -> None:
    """-h and --help print the usage."""
    ended = CliRunner().invoke(heliograph, [*command, option])

    assert ended.exit_code == 0
    assert ended.output.startswith(" ".join(["Usage: heliograph", *command, "[OPTIONS]"]))
