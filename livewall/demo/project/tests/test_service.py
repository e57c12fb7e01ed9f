from __future__ import annotations

import json
import threading
import unittest
from http.client import HTTPConnection

from greeter import __version__
from greeter.service import Page, Service


class ServiceTest(unittest.TestCase):
    def setUp(self) -> None:
        self.service = Service(0)
        self.addCleanup(self.service.server_close)
        log, Page.log_message = Page.log_message, lambda *args: None
        self.addCleanup(setattr, Page, "log_message", log)
        thread = threading.Thread(target=self.service.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.service.shutdown)

    def ask(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.service.port, timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def test_it_greets(self) -> None:
        self.assertEqual(self.ask("/?name=Ada&language=fr"), (200, "Bonjour, Ada!"))

    def test_it_says_how_it_is(self) -> None:
        self.ask("/")
        status, text = self.ask("/health")
        health = json.loads(text)
        self.assertEqual((status, health["status"], health["version"]), (200, "ok", __version__))
        self.assertEqual(health["greeted"], 1)

    def test_there_is_nothing_elsewhere(self) -> None:
        self.assertEqual(self.ask("/nowhere")[0], 404)


if __name__ == "__main__":
    unittest.main()
