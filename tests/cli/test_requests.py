"""Requests as they are written on the command line."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from heliograph.cli.client import Answer
from heliograph.cli.commands import heliograph
from heliograph.cli.request import Given, Request, parse_requests
from heliograph.cli.response import response_lines

if TYPE_CHECKING:
    from pathlib import Path

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def sent(*words: str, given: Given | None = None) -> tuple[str, str, dict[str, str], bytes]:
    """Return method, target, headers and body of one request."""
    [it] = parse_requests(words, given)
    return it.method, it.target, dict(it.headers), it.body


@pytest.mark.parametrize(
    ("text", "method", "target"),
    [
        ("GET /", "GET", "/"),
        ("/", "GET", "/"),
        ("/search q=lamp", "GET", "/search?q=lamp"),
        ("delete /orders/1", "DELETE", "/orders/1"),
        ("  GET   /  ", "GET", "/"),
        ("GET /a?b=c&d", "GET", "/a?b=c&d"),
        ("GET '/a b'", "GET", "/a b"),
        ("GET /a b=c b=d", "GET", "/a?b=c&b=d"),
        ("GET /a?b=c 'd=e f'", "GET", "/a?b=c&d=e+f"),
        ("HEAD /a b=c", "HEAD", "/a?b=c"),
        ("POST /a page==2", "POST", "/a?page=2"),
        ("GET /a q==x r=y", "GET", "/a?q=x&r=y"),
    ],
)
def test_a_request_is_a_method_a_path_and_a_query(text: str, method: str, target: str) -> None:
    """Words are divided as a shell divides them; fields of a GET, and "==", make the query."""
    assert sent(text) == (method, target, {}, b"")


def test_a_request_may_be_several_words_of_the_command_line() -> None:
    """As for HTTPie; each path, with the method before it, begins another request."""
    words = ["POST", "/orders", "item=3", "X-Way:a b", "GET /me", "/", "q=1", "PUT", "/x", "a b=c"]

    assert [it.title for it in parse_requests(words)] == [
        "POST /orders item=3 'X-Way:a b'",
        "GET /me",
        "GET / q=1",
        "PUT /x 'a b=c'",
    ]


@pytest.mark.parametrize(
    ("text", "kind", "body"),
    [
        ("POST /a item=3 item=4", FORM, b"item=3&item=4"),
        ("POST /a item=", FORM, b"item="),
        ("POST /a text=a=b:c", FORM, b"text=a%3Db%3Ac"),
        ("POST /a 'name=Ada L'", FORM, b"name=Ada+L"),
        ("POST /a a=1 Content-Type:application/x-www-form-urlencoded", FORM, b"a=1"),
        (r"POST /a 'name=\@ada'", FORM, b"name=%40ada"),
        ("POST /a item:=3", JSON, b'{"item": 3}'),
        ("/a item:=3", JSON, b'{"item": 3}'),
        ("POST /a item:=[1,2] name=Bär", JSON, '{"item": [1, 2], "name": "Bär"}'.encode()),
        ("POST /a Content-Type:application/json a=1", JSON, b'{"a": "1"}'),
        (
            "PATCH /a Content-Type:application/merge-patch+json a=1",
            "application/merge-patch+json",
            b'{"a": "1"}',
        ),
        ("""POST /a '{"a": 1}'""", JSON, b'{"a": 1}'),
        ("/a [1,2]", JSON, b"[1,2]"),
        (
            """POST /a Content-Type:application/vnd.api+json '{"a": 1}'""",
            "application/vnd.api+json",
            b'{"a": 1}',
        ),
        ("GET /a item:=3", JSON, b'{"item": 3}'),
    ],
)
def test_fields_are_a_form_or_json(text: str, kind: str, body: bytes) -> None:
    """The sign ":=", a header, and a word that is JSON make JSON; it is a POST if not said."""
    method, target, headers, content = sent(text)

    assert (method in text or method == "POST", target) == (True, "/a")
    assert (headers, content) == ({"Content-Type": kind}, body)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with files, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("hällo", encoding="utf-8")
    (tmp_path / "list.json").write_text("[1, 2]", encoding="utf-8")
    (tmp_path / "cat").write_bytes(b"\x89PNG\xff")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "kind", "body"),
    [
        ("POST /a @list.json", JSON, b"[1, 2]"),
        ("PUT /a @cat", "application/octet-stream", b"\x89PNG\xff"),
        ("/a @cat Content-Type:image/png", "image/png", b"\x89PNG\xff"),
        ("POST /a text=@note.txt", FORM, b"text=h%C3%A4llo"),
        ("POST /a list:=@list.json", JSON, b'{"list": [1, 2]}'),
    ],
)
@pytest.mark.usefixtures("here")
def test_a_file_is_a_body_or_a_value(text: str, kind: str, body: bytes) -> None:
    """The content type of a body is known by the name of the file, or said by a header."""
    _, _, headers, content = sent(text)

    assert (headers, content) == ({"Content-Type": kind}, body)


PARTS = (
    b'--heliograph-trace-3f1c9a52d7\r\nContent-Disposition: form-data; name="a%22b"\r\n\r\n1\r\n'
    b'--heliograph-trace-3f1c9a52d7\r\nContent-Disposition: form-data; name="note"; '
    b'filename="note.txt"\r\nContent-Type: KIND\r\n\r\nh\xc3\xa4llo\r\n'
    b"--heliograph-trace-3f1c9a52d7--\r\n"
)


@pytest.mark.usefixtures("here")
def test_files_are_sent_in_a_form_in_parts() -> None:
    """Written as for HTTPie or as for curl, which can also say the content type of a file."""
    usual = sent("POST /a 'a\"b=1' note@note.txt")
    curl = sent("/a", given=Given(parts=['a"b=1', "note=@note.txt;type=text/x-note"]))
    asked = sent("POST /a a=1 Content-Type:multipart/form-data")

    kind = {"Content-Type": "multipart/form-data; boundary=heliograph-trace-3f1c9a52d7"}
    assert usual == ("POST", "/a", kind, PARTS.replace(b"KIND", b"text/plain"))
    assert curl == ("POST", "/a", kind, PARTS.replace(b"KIND", b"text/x-note"))
    assert asked[2] == kind


def test_what_is_between_the_parts_is_in_none_of_them() -> None:
    """A file that contains the usual boundary gets another one."""
    _, _, headers, body = sent("/a", given=Given(parts=["a=heliograph-trace-3f1c9a52d7"]))

    boundary = headers["Content-Type"].partition("boundary=")[2]
    assert boundary == "heliograph-trace-3f1c9a52d7x"
    assert body.count(b"--" + boundary.encode()) == 2


@pytest.mark.usefixtures("here")
def test_options_say_what_they_say_for_curl(monkeypatch: pytest.MonkeyPatch) -> None:
    """-X, -H, -d (joined by "&"; "@" is a file, "@-" the standard input), and HTTPie's -j."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"typed")))

    assert sent("/a", given=Given("put", ["X-Way:  b", "A:1"], ["c=d", "@cat", "@-"])) == (
        "PUT",
        "/a",
        {"X-Way": "b", "A": "1", "Content-Type": FORM},
        b"c=d&\x89PNG\xff&typed",
    )
    assert sent("/a", given=Given(headers=["content-type: text/plain"], data=["c"])) == (
        "POST",
        "/a",
        {"content-type": "text/plain"},
        b"c",
    )
    assert sent("/a", "b=c", given=Given(in_json=True)) == (
        "POST",
        "/a",
        {"Content-Type": JSON},
        b'{"b": "c"}',
    )
    assert sent("/a", given=Given(data=['{"b":', "1}"], in_json=True)) == (
        "POST",
        "/a",
        {"Content-Type": JSON},
        b'{"b":1}',
    )
    assert sent("POST /a", given=Given(in_json=True))[3] == b"{}"
    assert sent("GET /a", given=Given(in_json=True))[3] == b""
    several = parse_requests(["GET /a", "/b X:1"], Given(headers=["Authorization: me"]))
    assert [it.headers for it in several] == [
        (("Authorization", "me"),),
        (("X", "1"), ("Authorization", "me")),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("POST / a=1 b=2", "POST / a=1 b=2"),
        ("post / X:y a=1", "POST / X:y a=1"),
        ("POST / 'name=Ada Lovelace'", "POST / 'name=Ada Lovelace'"),
        ("POST / 'name=O\\Hara'", "POST / 'name=O\\Hara'"),
        ("POST / 'a=\"b\"'", "POST / 'a=\"b\"'"),
    ],
)
def test_a_request_can_be_shown_as_it_may_be_written(text: str, title: str) -> None:
    """Only words that would not be one word on a command line are in quotation marks."""
    assert parse_requests([text])[0].title == title


def test_a_title_shows_no_secrets() -> None:
    """It is written to files, too; what is sent is what was written."""
    [it] = parse_requests(["POST /login name=Ada password=x Authorization:Bearer token:=1"])

    assert it.title == (
        "POST /login name=Ada password=[redacted] Authorization:[redacted] token:=[redacted]"
    )
    assert ("Authorization", "Bearer") in it.headers
    assert it.body == b'{"name": "Ada", "password": "x", "token": 1}'


def test_a_request_is_a_value() -> None:
    """It has all that is sent, and the words that it was made of."""
    kind = ("Content-Type", FORM)

    assert parse_requests(["POST /a?x=1 b=2 A:c"]) == [
        Request("POST", "/a?x=1", "/a?x=1", (("A", "c"), kind), b"b=2", ("b=2", "A:c"))
    ]


_NO_REQUEST = '{0!r} is not a request. Write a method and a path, as in "GET /".'
_HOW = (
    "Write name=value for a field, name==value for the query, name:=json for JSON, Name:value for "
    "a header, name@file for a file; @file or a JSON object for the whole body. Put quotation "
    "marks around a value with blanks."
)
_NO_ITEM = "{0!r} is neither a field nor a header nor a file. " + _HOW
_NO_PATH = '{0!r} asks for {1!r}, but a path begins with one slash and without a host: "{2}".'
_SEVERAL = (
    "-X, -d and -F are for one request, and these are several. Write the method and the body into "
    'each: "POST /orders item=3".'
)
_NO_JSON = (
    "{0!r} is not JSON: {1}. Text is written name=value, or in JSON with quotation marks of its "
    "own: 'name:=\"value\"'."
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", _NO_REQUEST.format("")),
        ("   ", _NO_REQUEST.format("   ")),
        ("GET", _NO_REQUEST.format("GET")),
        ("orders", _NO_REQUEST.format("orders")),
        ("/ GET", _NO_ITEM.format("GET")),
        ("GET orders", _NO_PATH.format("GET orders", "orders", "GET /orders")),
        (
            "get http://a.example/b",
            _NO_PATH.format("get http://a.example/b", "http://a.example/b", "GET /b"),
        ),
        ("GET //a.example/b", _NO_PATH.format("GET //a.example/b", "//a.example/b", "GET /b")),
        ("//a.example/b", _NO_PATH.format("//a.example/b", "//a.example/b", "GET /b")),
        ("POST /orders 3", _NO_ITEM.format("3")),
        ("POST /orders =3", _NO_ITEM.format("=3")),
        ("POST /orders :3", _NO_ITEM.format(":3")),
        ("GET /me 'X Name:Ada'", _NO_ITEM.format("X Name:Ada")),
        ("GET /me 'X:a\r\nY:b'", _NO_ITEM.format("X:a\r\nY:b")),
        (
            "POST /me text:=hi",
            _NO_JSON.format("text:=hi", "Expecting value: line 1 column 1 (char 0)"),
        ),
        (
            "POST /me {a}",
            _NO_JSON.format(
                "{a}",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
        ),
        (
            "POST /me name=Ada Content-Type:text/csv",
            (
                "'POST /me name=Ada Content-Type:text/csv' has fields, which are sent as a form or "
                "as JSON, but its Content-Type is 'text/csv'. Leave out the header, or send the "
                "body as a file: @file."
            ),
        ),
        (
            "POST /me name=Ada {}",
            "'POST /me name=Ada {}' has several bodies. Send one: fields, a file, or JSON.",
        ),
        (
            "POST /me {} []",
            "'POST /me {} []' has several bodies. Send one: fields, a file, or JSON.",
        ),
        ("POST /me a:=1 a=2", "'a' is there twice. A list is written a:='[1, 2]'."),
        (
            "POST /me a:=1 b@list.json",
            (
                "'POST /me a:=1 b@list.json' has a file, which is sent in a form, and JSON. Send "
                "one of them."
            ),
        ),
        ("POST /me @missing", "'missing' cannot be read: No such file or directory."),
        ("POST /me b@missing", "'missing' cannot be read: No such file or directory."),
        (
            "POST /me b=@cat",
            "'cat' is not text in UTF-8. Send it as a file: name@cat.",
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
@pytest.mark.usefixtures("here")
def test_a_malformed_request_is_refused_before_the_application_is_loaded(
    text: str, problem: str
) -> None:
    """What is wrong with it, and what to write instead, are said; the status is 2."""
    ended = CliRunner().invoke(heliograph, ["trace", "--app", "no_such_module", text])

    assert ended.exit_code == 2
    assert ended.output.endswith(f"\nError: Invalid value for 'REQUEST...': {problem}\n")


def test_words_that_begin_no_request_are_refused() -> None:
    """What begins as a request is one, and says what it lacks; nothing is none."""
    assert parse_requests([]) == []
    with pytest.raises(ValueError, match="'orders' is not a request"):
        parse_requests(["GET /", "orders"])
    with pytest.raises(ValueError, match="but a path begins with one slash"):
        parse_requests(["GET /", "GET orders"])
    with pytest.raises(ValueError, match="'' is neither"):
        parse_requests(["GET /", ""])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["-H", "x"], _NO_ITEM.format("x")),
        (["-H", "x y: 1"], _NO_ITEM.format("x y: 1")),
        (["-F", "x"], "'x' is no part of a form. Write -F name=value or -F name=@file."),
        (["-F", "=x"], "'=x' is no part of a form. Write -F name=value or -F name=@file."),
        (["-d", "@missing"], "'missing' cannot be read: No such file or directory."),
        (["-d", "x", "GET /"], _SEVERAL),
        (["-X", "PUT", "GET /"], _SEVERAL),
    ],
)
@pytest.mark.usefixtures("here")
def test_options_that_make_no_request_are_refused(options: list[str], problem: str) -> None:
    """So are bodies of which nobody knows to which request they belong."""
    ended = CliRunner().invoke(heliograph, ["trace", "--app", "no_such_module", "/a", *options])

    assert ended.exit_code == 2
    assert ended.output.endswith(f"\nError: Invalid value for 'REQUEST...': {problem}\n")


@pytest.mark.parametrize(
    ("kind", "body", "size", "lines"),
    [
        ("application/json", b'{"a": [1]}', 10, ["{", '  "a": [', "    1", "  ]", "}"]),
        ("application/json", b"{", 1, ["{"]),
        (
            "text/plain; charset=latin-1",
            "hö\x1b[31m\n\tx".encode("latin-1"),
            10,
            ["hö\\x1b[31m", "\tx"],
        ),
        ("", "hö".encode(), 3, ["hö"]),
        ("text/plain", "hö".encode()[:2], 9, ["h", "(the first 2 of 9 bytes)"]),
        ("image/png", b"\x89P", 2, ["(2 bytes of image/png)"]),
        ("", b"a\0", 1_002, ["(1,002 bytes of an unknown type)"]),
        ("text/plain; charset=klingon", b"a", 1, ["(1 byte of text/plain; charset=klingon)"]),
        ("text/plain", b"", 0, []),
    ],
)
def test_a_response_is_shown_as_far_as_it_is_text(
    kind: str, body: bytes, size: int, lines: list[str]
) -> None:
    """JSON is indented; what a terminal would obey is escaped; the rest is counted."""
    answer = Answer("200 OK", failed=False, headers=(("content-type", kind),), body=body, size=size)

    assert response_lines(answer, headers=False, body=True) == lines


def test_headers_are_shown_as_they_came() -> None:
    """In their order, and before the body, of which a compressed one is no text."""
    given = (("Content-Encoding", "gzip"), ("A", "1"), ("A", "2\x07"))
    answer = Answer("200 OK", failed=False, headers=given, body=b"abc", size=3)
    lines = ["Content-Encoding: gzip", "A: 1", "A: 2\\x07"]

    assert response_lines(answer, headers=True, body=False) == lines
    assert response_lines(answer, headers=True, body=True) == [
        *lines,
        "",
        "(3 bytes of an unknown type)",
    ]


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
