"""What a step leaves as outputs for the steps after it, and what is not taken for one."""

from __future__ import annotations

import os

import pytest
from attempts import Bench

from livewall.errors import BadInput


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.close()


def test_outputs_are_read_as_they_were_written(bench):
    attempt = bench.attempt()
    text = "A=1\n_b2=x=y ü\n\nA=two\r\nKEY=is hunter2\nEMPTY="
    bench.start(
        "sh",
        "-c",
        f"printf '{text}' > $LIVEWALL_OUTPUT",
        attempt=attempt,
        env={"PATH": os.environ["PATH"], "LIVEWALL_OUTPUT": str(attempt.values_file)},
    )
    bench.end(attempt)
    assert attempt.outputs(["hunter2"]) == {"A": "two", "_b2": "x=y ü", "KEY": "is hunter2", "EMPTY": ""}
    assert attempt.values_file.stat().st_mode & 0o777 == 0o600
    assert bench.attempt().outputs() == {}


@pytest.mark.parametrize("after", ["", "B=1\n", "\nB=1\n"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_lines_of_a_secret_are_one_value(bench, end, after):
    attempt = bench.attempt()
    key = "-----BEGIN KEY-----\nQUJD==\nshort\n-----END KEY-----"
    attempt.values_file.write_text(f"A=2\nKEY=x {key}\n{after}")
    expected = {"A": "2", "KEY": f"x {key}"} | ({"B": "1"} if after else {})
    assert attempt.outputs([f"{key}{end}", "other\nsecret"]) == expected
    attempt.values_file.write_text(f"KEY={key}\nwrong\n")
    with pytest.raises(BadInput, match="line 5 is not NAME=value"):
        attempt.outputs([key + end])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"A=1\nsecret words\n", "line 2 is not NAME=value"),
        (b"2A=1\n", "line 1 is"),
        (b"A-B=1\n", "line 1 is"),
        (b"A=\0\n", "line 1 is"),
        (b"A=\xff\n", "not UTF-8"),
        (b"A=" + b"x" * (64 << 10), "longer than 65536 bytes"),
    ],
)
def test_a_bad_output_is_refused_without_being_shown(bench, data, why):
    attempt = bench.attempt()
    attempt.values_file.write_bytes(data)
    with pytest.raises(BadInput, match=why) as refused:
        attempt.outputs()
    assert "secret" not in str(refused.value)


def test_outputs_are_read_from_nothing_but_a_file(bench):
    attempt = bench.attempt()
    attempt.values_file.symlink_to("/etc/passwd")
    with pytest.raises(BadInput, match="link"):
        attempt.outputs()
    attempt.values_file.unlink()
    os.mkfifo(attempt.values_file)
    with pytest.raises(BadInput, match="not a file"):
        attempt.outputs()
