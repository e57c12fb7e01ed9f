"""What a program says about its own step while it works."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from livewall.tasks.programs.reporting import Progress


class Reports(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken: list[tuple[str, str, Any]] = []
        self.last = threading.Event()


class Taking(BaseHTTPRequestHandler):
    server: Reports

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.taken.append((self.path, self.headers["Authorization"], body))
        self.send_response(200)
        self.end_headers()
        if body["progress"] == 1:
            self.server.last.set()

    def log_message(self, *_: Any) -> None:
        pass


def test_the_newest_report_is_sent_and_others_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    token = f"s1.{base64.urlsafe_b64encode(b'9/build/1').decode()}.signature"
    with Reports() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("LIVEWALL_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("LIVEWALL_TOKEN", token)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        progress = Progress()
        for number in range(1001):
            progress.report(number / 1000, "receiving")
        assert server.last.wait(20)
        progress.close()
        server.shutdown()
        thread.join()
    assert len(server.taken) < 10
    assert server.taken[-1] == (
        "/api/tasks/9/steps/build", f"Bearer {token}", {"progress": 1.0, "message": "receiving"}
    )  # fmt: skip


def test_without_a_server_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEWALL_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("LIVEWALL_TOKEN", "s1.OS9idWlsZC8x.x")
    progress = Progress()
    progress.report(0.5, "receiving")
    progress.close()
    monkeypatch.delenv("LIVEWALL_TOKEN")
    Progress().report(0.5, "nobody hears this")
