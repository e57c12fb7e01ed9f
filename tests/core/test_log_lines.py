"""The server's own log: what it quotes can neither forge a line nor steer a terminal."""

import json
import logging

from livewall.log_format import JsonLines, PlainLines


def record(message, *args, **more):
    return logging.LogRecord("livewall", logging.WARNING, __file__, 1, message, args, more.get("exc_info"))


def test_a_quoted_line_end_does_not_make_a_line():
    line = PlainLines("%(levelname)s %(message)s").format(record("no task %r or %s", "a", "b\nINFO well\x1b[2J"))
    assert line == r"WARNING no task 'a' or b\x0aINFO well\x1b[2J"


def test_a_traceback_keeps_its_lines():
    try:
        raise ValueError("broken")
    except ValueError as problem:
        failed = record("failed", exc_info=(ValueError, problem, problem.__traceback__))
    assert PlainLines("%(message)s").format(failed).splitlines()[-1] == "ValueError: broken"


def test_json_lines_are_one_line_without_controls():
    line = JsonLines().format(record("a\nb\x9b\u202e"))
    assert json.loads(line)["message"] == "a\nb\x9b\u202e"
    assert line.isprintable()
