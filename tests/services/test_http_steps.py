"""Steps of kind `http`: a real program asks a real server."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from step_programs import Finished, run_program

Check = Callable[..., Finished]


class Site(ThreadingHTTPServer):
    """Answers each path with what `pages` holds for it: (status, headers, body), the last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.pages: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers.items())))
        pages = self.server.pages.get(self.path.partition("?")[0], [(404, {}, b"nothing")])
        status, headers, body = pages.pop(0) if len(pages) > 1 else pages[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.02,))
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(url: str, **given: Any) -> Finished:
        usual = {"contains": "", "status": [], "every": 0.1, "within": 0, "follow": False}
        usual |= {"cacert": None, "proxy": None}
        return run_program(tmp_path, "http_check", {"url": url, **usual, **given})

    return run


def test_it_asks_until_status_and_text_fit(site: Site, check: Check) -> None:
    site.pages["/health"] = [(503, {}, b"starting"), (200, {}, b"warming up"), (200, {}, b"ok, 4.2")]
    found = check(f"{site.url}/health", status=[200], contains="ok", within=20)
    assert found.status == 0 and found.reason == ""
    lines = found.log.splitlines()
    assert lines[0] == f"GET {site.url}/health"
    lacks = [line.partition(" ms")[2] for line in lines if " ms" in line]
    assert lacks == [": not 200", ": the expected text is missing", ""]
    assert lines[1].startswith("503 Service Unavailable, ") and "starting" in lines and "warming up" in lines


def test_the_reason_says_what_came_last_and_nothing_of_the_address(site: Site, check: Check) -> None:
    site.pages["/secret"] = [(500, {}, b"a trace")]
    found = check(f"{site.url}/secret", within=0.3)
    assert found.status == 1 and len(site.asked) > 1
    last = "500 Internal Server Error, not 200 to 299"
    assert found.reason == f"no answer was as expected within 0.3 s; the last one: {last}"
    assert found.log.count("a trace") == 1, "a body that did not change is shown once"


def test_a_redirect_is_followed_only_where_that_is_asked_for(site: Site, check: Check) -> None:
    site.pages |= {"/a": [(302, {"Location": "/b"}, b"")], "/b": [(200, {}, b"here")]}
    assert "302 Found, not 200 to 299" in check(f"{site.url}/a").reason
    assert check(f"{site.url}/a", status=[302]).status == 0
    assert check(f"{site.url}/a", follow=True, contains="here").status == 0
    site.pages["/c"] = [(302, {"Location": "file:///etc/passwd"}, b"")]
    found = check(f"{site.url}/c", follow=True, within=0)
    assert found.status == 1 and "root:" not in found.log
    site.pages["/d"] = [(302, {"Location": "/d"}, b"")]
    assert check(f"{site.url}/d", follow=True).status == 1
    site.asked.clear()
    user = site.url.replace("//", "//lin:secret@")
    assert check(f"{user}/a", follow=True).status == 0
    assert [("Authorization" in headers) for _, headers in site.asked] == [True, False]


def test_the_body_of_a_redirect_is_not_read(check: Check, site: Site) -> None:
    site.pages["/ok"] = [(200, {}, b"here")]
    with socket.create_server(("127.0.0.1", 0)) as endless:

        def pour() -> None:
            with endless.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: %s/ok\r\n\r\n" % site.url.encode())
                with contextlib.suppress(OSError):
                    while True:
                        connection.sendall(bytes(1 << 16))

        thread = threading.Thread(target=pour)
        thread.start()
        assert check(f"http://127.0.0.1:{endless.getsockname()[1]}/", follow=True, contains="here").status == 0
        thread.join()


def test_a_user_and_a_password_are_sent_and_never_shown(site: Site, check: Check) -> None:
    site.pages["/x"] = [(200, {}, b"")]
    found = check(site.url.replace("//", "//lin:p%40ss@") + "/x")
    assert found.status == 0 and "p%40ss" not in found.log and "lin" not in found.log
    assert site.asked[0][1]["Authorization"] == "Basic bGluOnBAc3M="


@pytest.mark.parametrize(
    "url", ["ftp://x/", "http:///x", "file:///etc/passwd", "http://a b/", "http://x/\r\nHost: y", "http://[::1", "x"]
)
def test_an_address_that_is_none_is_refused(url: str, check: Check) -> None:
    found = check(url, within=20)
    assert found.status == 1 and found.reason.startswith("the address is not valid")


def test_letters_outside_ascii_arrive_encoded(site: Site, check: Check) -> None:
    site.pages["/caf%C3%A9"] = [(200, {}, "schön".encode())]
    assert check(f"{site.url}/café?q=ü x".replace(" ", "%20"), contains="schön").status == 0
    assert site.asked[0][0] == "/caf%C3%A9?q=%C3%BC%20x"


def test_an_answer_that_comes_byte_by_byte_is_given_up(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        ended = threading.Event()

        def drip() -> None:
            with slow.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                for number in itertools.count():
                    if ended.wait(0.2):
                        return
                    try:
                        connection.sendall(b"X-%d: y\r\n" % number)
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        found = check(f"http://127.0.0.1:{slow.getsockname()[1]}/", within=0)
        assert time.monotonic() - began < 8, "each byte came in time, the answer did not"
        ended.set()
        thread.join()
    assert found.reason.endswith("no answer within 1 s, no answer")


def test_a_port_where_nobody_listens_is_said(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    assert "connection refused" in check(f"http://127.0.0.1:{port}/").reason


def test_certificates_are_verified(site: Site, check: Check, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    site.handle_error = lambda *_: None  # type: ignore[method-assign]
    site.pages["/"] = [(200, {}, b"ok")]
    url = site.url.replace("http:", "https:") + "/"
    assert "its certificate is not valid: self-signed certificate" in check(url).reason
    assert check(url, cacert=str(certificate)).status == 0
    assert check(url, cacert=str(tmp_path / "none")).reason == "the file of certificates cannot be read"


def test_a_proxy_is_used_only_where_one_is_named(site: Site, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    site.pages["http://elsewhere.example/"] = [(200, {}, b"by proxy")]
    assert check("http://elsewhere.example/", proxy=site.url, contains="by proxy").status == 0
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    site.pages["/"] = [(200, {}, b"")]
    assert check(f"{site.url}/").status == 0
