"""Secrets are replaced alike, however the output is cut; and what of a long output is left out."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewall.tasks.supervisor.mask import Masker
from livewall.tasks.supervisor.secret import refusal
from livewall.tasks.supervisor.truncation import STEP, truncation


def masked(secrets, *chunks):
    masker = Masker(secrets)
    return b"".join([*map(masker.feed, chunks), masker.end()])


def by_the_book(secrets, text):
    """The definition: leftmost, then longest."""
    longest = sorted(filter(None, secrets), key=len, reverse=True)
    return re.sub(b"|".join(map(re.escape, longest)), b"***", text) if longest else text


few = st.text("ab", max_size=9).map(str.encode)


@given(st.lists(few, max_size=5), st.lists(few, max_size=12))
def test_every_way_to_cut_gives_what_the_whole_gives(secrets, chunks):
    assert masked(secrets, *chunks) == by_the_book(secrets, b"".join(chunks))


@given(st.lists(few, max_size=5), st.lists(few, max_size=12))
def test_what_is_held_back_is_the_beginning_of_a_secret(secrets, chunks):
    masker = Masker(secrets)
    came = b""
    for chunk in chunks:
        masker.feed(chunk)
        came += chunk
        held = masker._held
        assert not held or any(secret.startswith(held) and secret != held for secret in secrets)
        assert came.endswith(held)


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        ([b"hunter2"], b"it is hunter2.", b"it is ***."),
        ([b"ab", b"abc"], b"abcab", b"******"),
        ([b"abab"], b"ababab", b"***ab"),
        ([b"b", b"abc"], b"abx", b"a***x"),
        ([b"abcd", b"bc"], b"abce", b"a***e"),
        ([b"aab"], b"aaab", b"a***"),
        ([b"", b"x"], b"axb", b"a***b"),
        ([b""], b"axb", b"axb"),
        ([b"***"], b"a***b", b"a***b"),
        ([b"one\ntwo\n"], b"one\none\ntwo\nthree", b"one\n***three"),
        (["schlüssel".encode()], "der schlüssel\xff".encode(), "der ***\xff".encode()),
    ],
)
def test_masked(secrets, text, expected):
    assert masked(secrets, text) == expected
    assert masked(secrets, *(text[i : i + 1] for i in range(len(text)))) == expected


KEY = '-----BEGIN KEY-----\r\n  MIIEvQ+/IBADANBg==\r\nshort\r\n\tçé\U0001f511"quoted\\\r\n-----END KEY-----\r\n'
"""A secret of many lines: with CRLF, indented, with what JSON escapes."""


@pytest.mark.parametrize(
    "printed",
    [
        KEY,
        KEY.strip(),
        KEY.replace("\r\n", "\n"),
        KEY.strip().replace("\r\n", "\n"),
        *(line.strip() for line in KEY.splitlines() if len(line) > 5),
        *(json.dumps(KEY, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        *(json.dumps(KEY.strip().replace("\r\n", "\n"), ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        *(json.dumps(KEY.splitlines()[3].strip(), ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)),
        json.dumps(KEY).replace("/", "\\/")[1:-1],
    ],
)
def test_a_secret_of_many_lines_is_masked_in_every_form(printed):
    text = f"<{printed}>".encode()
    assert masked([KEY.encode()], text) == b"<***>"
    assert masked([KEY.encode()], *(text[i : i + 1] for i in range(len(text)))) == b"<***>"


def test_an_indented_secret_of_many_lines_leaves_only_its_short_lines():
    printed = "\n".join(f"    {line}" for line in KEY.splitlines()).encode()
    assert masked([KEY.encode()], printed) == b"    ***\n      ***\n    short\n    \t***\n    ***"


@pytest.mark.parametrize("secret", [" pass word \n", "pass word\r\n", "\npass word"])
def test_the_value_without_the_blanks_around_it_is_masked(secret):
    assert masked([secret.encode()], b"it is pass word.") == b"it is ***."


@pytest.mark.parametrize("secret", ["a<b>&c", "a/b", 'a"b\\c', "żółw", "\x7fab\x01"])
def test_the_secret_is_masked_as_encoders_of_json_write_it(secret):
    go = json.dumps(secret, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    php = json.dumps(secret).replace("/", "\\/")
    for written in (go, php, json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
        assert masked([secret.encode()], written.encode()) == b'"***"'


def test_a_secret_that_is_not_utf_8_is_masked():
    assert masked([b"caf\xe9-key\n"], b'[caf\xe9-key] ["caf\\udce9-key"]') == b'[***] ["***"]'


@pytest.mark.parametrize(
    ("value", "why"),
    [("", "empty"), ("   ", "blanks"), ("\t\n \u3000", "blanks"), ("abc", "fewer than 4"), (" abc\n", "fewer than 4"),
     ("äöü", "fewer than 4"), ("abcd", None), (" abcd ", None), ("äöüß", None)],
)  # fmt: skip
def test_which_values_can_be_secrets(value, why):
    found = refusal(value)
    assert (found is None) if why is None else (why in found and (not value.strip() or value.strip() not in found))


def test_what_cannot_become_a_secret_is_not_held_back():
    masker = Masker([b"hunter2"])
    assert masker.feed(b"password: ") == b"password: "
    assert masker.feed(b"hunt") == b""
    assert masker.feed(b"ing\n") == b"hunting\n"


def test_bytes_without_a_secret_pass_uncopied():
    data = bytes(1 << 16)
    assert Masker([b"hunter2"]).feed(data) is data
    assert Masker([]).feed(data) is data


def test_200_mb_pass_fast():
    line = b"gcc -O2 -Wall -c module.c -o build/module.o  # warning: hunter\n"
    chunk = (line * 2000)[: 1 << 16]
    masker = Masker([b"hunter2", b"-----BEGIN KEY-----\n" + b"QUFB" * 800])
    begin = time.process_time()
    for _ in range(3200):
        masker.feed(chunk)
    assert time.process_time() - begin < 4  # some 0.2 s where nothing else runs


@given(st.integers(0, 40 * STEP), st.integers(0, 20 * STEP))
def test_at_least_half_the_cap_is_kept_at_either_end_and_little_more(size, cap):
    found = truncation(size, cap)
    kept = size
    if found:
        begin, end = found
        assert cap // 2 <= begin < end <= size - cap // 2
        assert begin % STEP == end % STEP == 0
        kept = begin + size - end
    assert kept <= max(min(size, cap), cap + 2 * STEP)


@given(st.integers(0, 40 * STEP), st.integers(0, 5 * STEP), st.integers(0, 20 * STEP))
def test_the_hole_only_grows(size, more, cap):
    before, after = truncation(size, cap), truncation(size + more, cap)
    if before:
        assert after and after[0] == before[0] and after[1] >= before[1]


def test_up_to_the_cap_nothing_is_left_out():
    assert truncation(256 << 20, 256 << 20) is None
    assert truncation((256 << 20) + STEP, 256 << 20) == (128 << 20, 129 << 20)
