"""The private parts of Tornado that `handlers/transport` replaces or uses. Where this fails, read what Tornado changed,
change `handlers/transport` if need be, and note the new sum."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httpserver import HTTPServer, _HTTPRequestContext
from tornado.httputil import HTTPHeaders
from tornado.iostream import BaseIOStream
from tornado.web import RequestHandler, _HandlerDelegate
from tornado.websocket import WebSocketProtocol13

ROOT = Path(__file__).parents[2]
PARTS: dict[Callable[..., Any], str] = {
    HTTP1Connection.read_response: "c6594ffe1dd6",
    HTTP1Connection._read_message: "0a95352530c3",
    HTTP1Connection._read_message_inner: "823ab7277a0b",
    HTTP1Connection._read_body: "1528c84d5034",
    HTTP1Connection._deliver_body: "c008c7525566",
    HTTP1Connection._read_fixed_body: "2a06096e26a2",
    HTTP1Connection._read_chunked_body: "bb6888d2ff15",
    HTTP1Connection._parse_headers: "b3c54fda82da",
    HTTP1Connection._can_keep_alive: "f00866cbcac0",
    HTTP1Connection._clear_callbacks: "7ed1248499c4",
    HTTP1Connection._on_connection_close: "be4ccfd83d8d",
    HTTP1Connection._finish_request: "e3d5be7a8e4c",
    HTTP1Connection.write_headers: "0cfc1ef0b679",
    HTTP1Connection._format_chunk: "4fff16922bbf",
    HTTP1Connection._on_write_complete: "323a3bc7bd96",
    HTTP1Connection.finish: "06764160f2a9",
    HTTP1Connection.detach: "bd8f827cec92",
    HTTP1Connection.close: "9ff5d444c51b",
    HTTP1ServerConnection.__init__: "3004fcb62982",
    HTTP1ServerConnection.start_serving: "b993b5aaf92f",
    HTTP1ServerConnection._server_request_loop: "878caf064d85",
    HTTPServer.initialize: "96e880b7deca",
    HTTPServer.handle_stream: "164864e68f57",
    HTTPServer.close_all_connections: "525404ffc06e",
    HTTPServer.on_close: "ef043e5bf589",
    _HTTPRequestContext.__init__: "b734238339c3",
    HTTPHeaders.parse: "25511e71dee9",
    HTTPHeaders.parse_line: "39db9b549692",
    HTTPHeaders.add: "206e1179cac4",
    BaseIOStream.__init__: "bc8e6c8cadb4",
    BaseIOStream.close: "9d541e5f1f6b",
    BaseIOStream._signal_closed: "e914f8500abe",
    BaseIOStream._read_to_buffer: "3db9deb7ce2c",
    BaseIOStream._consume: "a977bde1b093",
    BaseIOStream._check_max_bytes: "63798f69aa6e",
    BaseIOStream._handle_events: "b9464803bd15",
    BaseIOStream._handle_read: "94f161d7616d",
    BaseIOStream._handle_write: "c8c2c5ebdc05",
    RequestHandler.clear: "499127e7b6e0",
    RequestHandler._execute: "9b08100bb022",
    RequestHandler._break_cycles: "d2b48979c2e7",
    RequestHandler.on_connection_close: "487585eea49d",
    _HandlerDelegate: "36b3a91ddc13",
    WebSocketProtocol13.__init__: "dc0bff21bca1",
    WebSocketProtocol13._receive_frame_loop: "f97f48daf515",
    WebSocketProtocol13._receive_frame: "1f0ef857d4df",
    WebSocketProtocol13._handle_message: "61f43d09e004",
    WebSocketProtocol13._read_bytes: "e70fe5d156b7",
    WebSocketProtocol13._write_frame: "5972981bcbf6",
    WebSocketProtocol13._run_callback: "f0c78d173330",
    WebSocketProtocol13.close: "fed589693237",
}


def sum_of(part: Any) -> str:
    return hashlib.sha256(inspect.getsource(part).encode()).hexdigest()[:12]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__qualname__)
def test_a_part_of_tornado_is_as_it_was_when_it_was_read(part: Callable[..., Any]) -> None:
    assert sum_of(part) == PARTS[part]


def test_no_other_module_uses_private_names_of_tornado() -> None:
    for path in [ROOT / "server.py", *(ROOT / "handlers").rglob("*.py"), *(ROOT / "livewall").rglob("*.py")]:
        if path.parent.name == "transport":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tornado"):
                assert not [each.name for each in node.names if each.name.startswith("_")], path
