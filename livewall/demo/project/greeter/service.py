"""The service: `/` greets, `/health` says how it is."""

from __future__ import annotations

import argparse
import json
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from greeter import __version__
from greeter.greeting import greeting


class Service(ThreadingHTTPServer):
    """Listens on `port` of this machine; 0 means any that is free."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Page)
        self.started = time.monotonic()
        self.greeted = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def health(self) -> dict[str, object]:
        seconds = round(time.monotonic() - self.started, 3)
        return {"status": "ok", "version": __version__, "greeted": self.greeted, "seconds": seconds}


class Page(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if address.path == "/health":
            self.answer(HTTPStatus.OK, json.dumps(self.server.health()), "application/json")
        elif address.path == "/":
            self.server.greeted += 1
            self.answer(HTTPStatus.OK, greeting(asked.get("name", ""), asked.get("language", "en")))
        else:
            self.answer(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def answer(self, status: HTTPStatus, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser(description="Greet over HTTP.")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free (default: 8000)")
    with Service(parser.parse_args().port) as service:
        print(f"greeter {__version__} listens on http://127.0.0.1:{service.port}/", flush=True)
        try:
            service.serve_forever()
        except KeyboardInterrupt:
            pass
