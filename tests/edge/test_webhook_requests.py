"""One delivery over the network: which address is connected to, what counts as an answer, and how long it may take."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hook_target import HookTarget, answer
from tornado.ioloop import IOLoop

from livewall.tasks.webhooks import request
from livewall.tasks.webhooks.deliveries import Failure
from livewall.tasks.webhooks.request import post
from livewall.tasks.webhooks.target import Target


@pytest.fixture
def target(io_loop: IOLoop) -> Iterator[HookTarget]:
    made = HookTarget()
    io_loop.run_sync(made.start)
    yield made
    io_loop.run_sync(made.stop)


def names(*answers: list[str]) -> tuple[Callable[[str, int], Any], list[str]]:
    """A resolver that gives these answers in turn, and what it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


async def sent(target: HookTarget, host: str = "chat.example.org", **more: Any) -> Failure | None:
    more.setdefault("allowed", {host})
    more.setdefault("resolve", names(["127.0.0.1"])[0])
    return await post(Target("http", host, target.port, "/a?b=c"), b'{"id":"1"}', {"X-Name": "value"}, **more)


async def test_a_delivery_is_a_post_to_the_path_and_the_host_of_the_url(target: HookTarget) -> None:
    assert await sent(target) is None
    (arrived,) = target.arrived
    assert (arrived.path, arrived.body) == ("/a?b=c", b'{"id":"1"}')
    assert arrived.headers["host"] == f"chat.example.org:{target.port}"
    assert arrived.headers["content-type"] == "application/json" and arrived.headers["x-name"] == "value"


async def test_a_name_with_a_private_address_is_not_connected_to(target: HookTarget) -> None:
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"):
        assert await sent(target, allowed=(), resolve=names([address])[0]) == Failure("address")
    assert await sent(target, "127.0.0.1", allowed={"chat.example.org"}) == Failure("address")
    assert await sent(target, allowed=(), resolve=names([])[0]) == Failure("name")
    assert target.arrived == []


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    target: HookTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    async def connect(address: str, port: int, **more: Any) -> Any:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", connect)
    resolve, asked = names(["1.1.1.1", "127.0.0.1"], ["127.0.0.1"])
    assert await sent(target, allowed=(), resolve=resolve) == Failure("connection")
    assert (asked, connected) == (["chat.example.org"], ["1.1.1.1"]), "asked once, and connected to what was checked"


async def test_the_next_address_is_tried_where_the_first_takes_no_connection(target: HookTarget) -> None:
    assert await sent(target, resolve=names(["127.0.0.2", "127.0.0.1"])[0]) is None


async def test_the_resolver_of_the_system_is_asked(target: HookTarget) -> None:
    assert await sent(target, "localhost", resolve=request.resolve) is None
    assert await sent(target, "127.0.0.1", resolve=request.resolve) is None
    assert await sent(target, "nothing.invalid", resolve=request.resolve) == Failure("name")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (answer(204), None),
        (answer(202), None),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(200), None),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", None),
        (answer(302, "Location: http://127.0.0.1/elsewhere"), Failure("redirect", 302)),
        (answer(404), Failure("answer", 404)),
        (answer(500), Failure("answer", 500)),
        (b"", Failure("protocol")),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Failure("protocol")),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, Failure("protocol")),
    ],
)
async def test_only_the_status_of_the_answer_counts(raw: bytes, found: Failure | None, target: HookTarget) -> None:
    target.usual = raw
    assert await sent(target) == found
    assert len(target.arrived) == 1, "a redirect is not followed"


async def test_a_target_that_does_not_answer_is_left_after_its_time(target: HookTarget) -> None:
    target.usual = None
    assert await sent(target, seconds=0.2) == Failure("timeout")

    async def slow(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()  # the resolver never answers
        return []

    assert await sent(target, seconds=0.2, resolve=slow) == Failure("timeout")


async def test_a_target_that_sends_its_answer_without_an_end_is_left(
    target: HookTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "BODY_SECONDS", 0.1)
    target.usual = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"x" * request.MAX_BODY * 2
    assert await sent(target) is None


async def test_an_address_of_ipv6_is_reached_in_brackets() -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    six = HookTarget()
    await six.start("::1")
    assert await sent(six, "::1", resolve=request.resolve) is None
    assert await sent(six, "::1", resolve=request.resolve, allowed=()) == Failure("address")
    (arrived,) = six.arrived
    assert arrived.headers["host"] == f"[::1]:{six.port}"
    await six.stop()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_nobody_listens(target: HookTarget) -> None:
    await target.stop()
    assert await sent(target) == Failure("connection")


async def test_the_certificate_must_be_that_of_the_host(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=x", "-addext", "subjectAltName=DNS:chat.example.org"],
        check=True, capture_output=True,
    )  # fmt: skip
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    secure = HookTarget()
    await secure.start(ssl=served)

    async def over_tls(host: str, context: Callable[[], ssl.SSLContext]) -> Failure | None:
        return await post(
            Target("https", host, secure.port, "/"), b"{}", {},
            allowed={host}, resolve=names(["127.0.0.1"])[0], context=context,
        )  # fmt: skip

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=certificate)

    assert await over_tls("chat.example.org", trusting) is None
    assert await over_tls("other.example.org", trusting) == Failure("certificate")
    assert await over_tls("chat.example.org", ssl.create_default_context) == Failure("certificate")
    assert len(secure.arrived) == 1
    await secure.stop()
