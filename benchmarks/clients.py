"""The load clients (native/load.c) as objects: readers, voters over WebSocket, voters over HTTP."""

from __future__ import annotations

import array
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from .machine import CLIENT_CORE, pinned
from .native import program, scratch
from .progress import PATIENCE_SECONDS, answer_within

RUN_SECONDS = 900.0  # for any number of ballots
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)
# What Chromium sends, so that a reader's memory holds what it will hold in a hall.
BROWSER = (
    "Pragma: no-cache\r\nCache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Mobile Safari/537.36\r\nOrigin: http://127.0.0.1:{port}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCookie: @T@\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
)
BEARER = "Authorization: Bearer @T@\r\n"


class Load:
    """One load process, driven by lines; leave it with `close`."""

    def __init__(self, *arguments: str, core: int | None = CLIENT_CORE) -> None:
        self._child = subprocess.Popen(
            [str(program("load")), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=pinned(core),
        )

    def tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def hear(self, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """Return the next answer. Raises RuntimeError if the client ended, or did not answer in time and was ended."""
        assert self._child.stdout is not None
        with answer_within(patience, self._child):
            line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"the load client ended, or did not answer for {patience:g} s: {self._child.args!r}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, line: str) -> dict[str, Any]:
        self.tell(line)
        return self.hear()

    def open(self, count: int, *, over: float = 0) -> None:
        """Open connections; `over` seconds, so that their pings do not all fall due at one moment."""
        steps = max(1, int(over))
        start = time.monotonic()
        for step in range(steps):
            time.sleep(max(0.0, start + step - time.monotonic()))
            answer = self.ask(f"open {count * (step + 1) // steps - count * step // steps}")
            if answer.get("refused"):
                raise RuntimeError(f"{answer['refused']} of {count} connections were refused: {answer['last_error']}")

    def stat(self) -> dict[str, Any]:
        return self.ask("stat")

    def close(self) -> None:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _file(text: str) -> str:
    with tempfile.NamedTemporaryFile("w", dir=scratch(), delete=False, newline="") as out:
        out.write(text)
    return out.name


def _tokens(tokens: Sequence[str]) -> str:
    return _file("\n".join(tokens) + "\n")


class Readers(Load):
    """WebSocket readers of one address; mute ones never read after the handshake."""

    def __init__(
        self,
        port: int,
        path: str,
        *,
        tokens: Sequence[str] = (),
        headers: str = "",
        mute: bool = False,
        core: int | None = CLIENT_CORE,
    ) -> None:
        head = HANDSHAKE.format(path=path, port=port, more=headers.format(port=port))
        super().__init__("readers", str(port), _file(head), _tokens(tokens), *(["mute"] if mute else []), core=core)

    def frame(self) -> str:
        """The last tally frame received, in hexadecimal."""
        frame: str = self.ask("frame")["frame"]
        return frame

    def held(self, most: int) -> tuple[array.array[int], array.array[int]]:
        """For each number of ballots: when the last reader held it, and how many readers hold it."""
        path = Path(_file(""))
        self.ask(f"dump {path}")
        times, holders = array.array("q"), array.array("i")
        raw = path.read_bytes()
        path.unlink()
        size = (most + 1) * times.itemsize
        times.frombytes(raw[:size])
        holders.frombytes(raw[size:])
        return times, holders


class Voters(Load):
    """Connections that send ballots (or what a peer takes for them) and wait for the answers."""

    def start(self, *, rate: float = 0, seconds: float = 0, flight: int = 1, count: int = 0) -> None:
        self.tell(f"go {rate} {seconds} {flight} {count}")

    def stop(self) -> dict[str, Any]:
        return self.ask("stop")

    def go(self, *, rate: float = 0, seconds: float = 0, flight: int = 1, count: int = 0) -> dict[str, Any]:
        """Run to the end; raises when an answer was an error or never came."""
        self.start(rate=rate, seconds=seconds, flight=flight, count=count)
        return checked(self.hear(seconds + RUN_SECONDS))

    def due_times(self) -> array.array[int]:
        path = Path(_file(""))
        self.ask(f"times {path}")
        times = array.array("q")
        times.frombytes(path.read_bytes())
        path.unlink()
        return times


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    if answer["errors"] or answer["lost"] or answer["acked"] != answer["sent"]:
        raise RuntimeError(f"not every ballot was acknowledged: {answer}")
    return answer


class WebSocketVoters(Voters):
    """One voter a connection, who changes between the choices 1 and 2."""

    def __init__(
        self, port: int, path: str, message: str, *, tokens: Sequence[str] = (), core: int | None = CLIENT_CORE
    ) -> None:
        head = HANDSHAKE.format(path=path, port=port, more=BEARER if tokens else "")
        super().__init__("acts", str(port), _file(head), _tokens(tokens), _file(message), core=core)


class HTTPVoters(Voters):
    """Keep-alive connections, one request under way on each, each request by the next token."""

    def __init__(
        self,
        port: int,
        method: str,
        path: str,
        body: str,
        *,
        tokens: Sequence[str] = (),
        keep: str = "-",
        core: int | None = CLIENT_CORE,
    ) -> None:
        size = len(body.replace("@C@", "1"))
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{BEARER if tokens else ''}"
        head += f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n{body}"
        super().__init__("http", str(port), _file(head), _tokens(tokens), keep, core=core)
