"""The format of log lines on standard error: text, or JSON objects."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from livewall.clock import iso
from livewall.terminal import readable, visible, visible_json


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": readable(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = readable(self.formatException(record.exc_info))
        return visible_json(msgspec.json.encode(line).decode())


class PlainLines(logging.Formatter):
    """One line of text that nothing quoted in it can break or use to control a terminal. A traceback follows it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return visible(super().formatMessage(record))


def set_up_logs(form: str, level: str) -> None:
    """Send all log records from `level` on to standard error."""
    handler = logging.StreamHandler()
    plain = PlainLines("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else plain)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if level != "debug":  # a line for each malformed request would let anybody fill the disk
        logging.getLogger("tornado.general").setLevel(logging.WARNING)
