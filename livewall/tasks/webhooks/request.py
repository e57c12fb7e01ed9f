"""Sends one delivery: resolves the host, checks its addresses, and connects to one that was checked.

The name is resolved once for each try, and the connection is made to the address itself. A name that has another
address a moment later (DNS rebinding) therefore gains nothing. Redirects are not followed, and no proxy is used.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Container, Mapping
from contextlib import suppress
from typing import TypeVar

import h11

from livewall.tasks.webhooks.deliveries import Failure
from livewall.tasks.webhooks.target import Target, may_connect

T = TypeVar("T")
Resolve = Callable[[str, int], Awaitable[list[str]]]

TRY_SECONDS = 10.0
"""The longest time in seconds that one try may take, however slowly bytes come."""
BODY_SECONDS = 2.0
MAX_BODY = 1 << 16
MAX_ADDRESSES = 4
_CHUNK = 1 << 14


@functools.cache
def system_context() -> ssl.SSLContext:
    """Return a context that trusts the certificates of the system, which are read once. It blocks."""
    return ssl.create_default_context()


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises OSError."""
    found = await in_daemon_thread(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def post(
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Container[str],
    context: Callable[[], ssl.SSLContext] = system_context,
    resolve: Resolve = resolve,
    seconds: float = TRY_SECONDS,
) -> Failure | None:
    """Send a body. Return None if the answer is a status from 200 to 299, and otherwise why it failed.

    Only the status of the answer counts.
    """
    try:
        async with asyncio.timeout(seconds):
            try:
                addresses = await resolve(target.host, target.port)
            except (socket.gaierror, UnicodeError):
                return Failure("name")
            checked = [address for address in addresses if may_connect(target.host, address, allowed)]
            if not checked:
                return Failure("address" if addresses else "name")
            tls = await in_daemon_thread(context) if target.scheme == "https" else None
            reader, writer = await _connect(target, checked[:MAX_ADDRESSES], tls)
            try:
                status = await _exchange(reader, writer, target, body, headers)
            finally:
                writer.transport.abort()
    except TimeoutError:
        return Failure("timeout")
    except ssl.SSLCertVerificationError:
        return Failure("certificate")
    except OSError:
        return Failure("connection")
    except h11.ProtocolError:
        return Failure("protocol")
    if 200 <= status < 300:
        return None
    return Failure("redirect" if 300 <= status < 400 else "answer", status)


async def _connect(
    target: Target, addresses: list[str], tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that takes a connection. A certificate must be that of the host."""
    for number, address in enumerate(addresses, 1):
        try:
            return await asyncio.open_connection(
                address, target.port, ssl=tls, server_hostname=target.host if tls else None
            )
        except OSError as error:
            if number == len(addresses) or isinstance(error, ssl.SSLError):
                raise
    raise AssertionError("there is at least one address")


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
) -> int:
    """Send the request and return the status of the answer. Raises OSError, h11.ProtocolError."""
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(
        method="POST",
        target=target.path,
        headers=[
            ("Host", target.host_header),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *headers.items(),
        ],
    )
    for event in (request, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()
    while True:
        answer = await _next_event(connection, reader)
        if isinstance(answer, h11.Response):
            break
        if not isinstance(answer, h11.InformationalResponse):
            raise ConnectionResetError
    # Read to the end, so that the target does not see a broken connection while it writes; but nothing depends on it.
    with suppress(OSError, h11.ProtocolError):
        async with asyncio.timeout(BODY_SECONDS):
            size = 0
            while size < MAX_BODY and isinstance(part := await _next_event(connection, reader), h11.Data):
                size += len(part.data)
    return answer.status_code


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_CHUNK))
    return event


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own.

    The resolver of the system may take half a minute. Other work must not wait for a thread of a pool meanwhile, and
    neither must the end of the process.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():  # nobody waits any longer
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, problem = None, None
        try:
            result = work()
        except Exception as error:
            problem = error
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=run, name="livewall-webhook", daemon=True).start()
    return await future
