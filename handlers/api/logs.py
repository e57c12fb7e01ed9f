"""The logs of steps over HTTP: bytes, lines, search, and what reporters append."""

from __future__ import annotations

import asyncio
import re

from handlers.base import ApiHandler
from handlers.request_bodies import MAX_BODY
from livewall.errors import invalid
from livewall.tasks.logs.lines import Matches
from livewall.tasks.logs.service import Span

LINES = 1000
"""The largest number of lines, or of matching lines, in one answer."""
QUERY = 1000
"""The length in bytes of the longest text that can be searched for."""
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.IGNORECASE)


class LogHandler(ApiHandler):
    """GET and POST /api/tasks/ID/logs/NAME"""

    async def get(self, task_id: str, name: str) -> None:
        """Answer with the bytes up to the next gap, so that offsets stay true. With `download=1`, answer with the whole
        log as a file, in which a line stands for each gap."""
        await self.services.tasks.check_log_access(task_id, name, self.who)
        offset, limit = self.number("offset", None), self.number("limit", None)
        is_whole = offset is None and limit is None
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Accept-Ranges", "bytes")
        download = self.argument("download") == "1"
        if download:
            file_name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{task_id}-{name}")
            self.set_header("Content-Disposition", f'attachment; filename="{file_name}.log"')
        range_header = self.request.headers.get("Range") if is_whole else None
        if range_header is not None and (match := _RANGE.fullmatch(range_header.strip())) and match[0] != "bytes=-":
            await self.answer_range(task_id, name, match[1], match[2])
            return
        span = await self.services.logs.span(task_id, name, offset or 0, limit)
        if download and is_whole and (span.start, span.end) != (0, span.total):
            await self.answer_file(task_id, name, span.total)
        else:
            await self.answer_span(task_id, name, span)

    body_limit = MAX_BODY

    def authorize_change(self) -> None:
        if self.who.step is None:
            self.require("reporter")

    async def post(self, task_id: str, name: str) -> None:
        offset = self.number("offset", None)
        end, lease = await self.services.tasks.append_log(task_id, name, offset, self.raw(), self.who)
        if lease is not None:
            self.set_header("Livewall-Lease", f"{lease:g}")
        self.answer(end)

    async def answer_range(self, task_id: str, name: str, first: str, last: str) -> None:
        """Answer with a range (RFC 9110 §14). If it begins in a gap, the answer begins after the gap."""
        logs = self.services.logs
        if first:
            start = int(first)
            limit = int(last) - start + 1 if last else None
            if limit is not None and limit <= 0:  # not a valid range, so the header is ignored
                await self.answer_span(task_id, name, await logs.span(task_id, name))
                return
        else:
            end = await logs.end(task_id, name)
            start, limit = max(0, (end.bytes if end else 0) - int(last)), None
        span = await logs.span(task_id, name, start, limit)
        if span.start >= span.end:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{span.total}")
            self.clear_header("Content-Disposition")
            self.show_error(invalid("range", f"the range is beyond the end of the log at {span.total}"))
            return
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {span.start}-{span.end - 1}/{span.total}")
        await self.answer_span(task_id, name, span)

    async def answer_span(self, task_id: str, name: str, span: Span) -> None:
        self.set_header("Livewall-Log-Bytes", str(span.total))
        self.set_header("Livewall-Log-Offset", str(span.start))
        self.set_header("Content-Length", str(span.end - span.start))
        if self.request.method != "HEAD":
            await self.stream(task_id, name, span)

    async def answer_file(self, task_id: str, name: str, total: int) -> None:
        """Answer with the whole log up to `total` as a file."""
        self.set_header("Livewall-Log-Bytes", str(total))
        at = 0
        while at < total and self.request.method != "HEAD":
            span = await self.services.logs.span(task_id, name, at, total - at)
            start = min(max(span.start, at), total) if span.start < span.end else total
            if start > at:
                self.write(f"\n[… {start - at} bytes left out …]\n".encode())
            if not await self.stream(task_id, name, Span(start, max(start, span.end), total)):
                return
            at = max(start, span.end)

    async def stream(self, task_id: str, name: str, span: Span) -> bool:
        """Write the bytes of a span as fast as the client reads them. Return False if the client disconnected or the
        bytes are gone."""
        return await self.send_parts(self.services.logs.parts(task_id, name, span.start, span.end))


class LogLinesHandler(ApiHandler):
    """GET /api/tasks/ID/logs/NAME/lines"""

    async def get(self, task_id: str, name: str) -> None:
        await self.services.tasks.check_log_access(task_id, name, self.who)
        first = self.number("from", 1, minimum=-(10**15))
        count = self.number("count", 200, minimum=1, maximum=LINES)
        assert first is not None and count is not None
        self.answer(await self.services.logs.lines(task_id, name, first or 1, count))


class LogSearchHandler(ApiHandler):
    """GET /api/tasks/ID/logs/NAME/search. The search stops when the client disconnects."""

    _search: asyncio.Task[Matches] | None = None

    async def get(self, task_id: str, name: str) -> None:
        await self.services.tasks.check_log_access(task_id, name, self.who)
        text = self.argument("q")
        if not text or "\n" in text or len(text.encode()) > QUERY:
            raise invalid("q", f"1 to {QUERY} bytes of one line")
        first = self.number("from", 1, minimum=1)
        limit = self.number("limit", 100, minimum=1, maximum=LINES)
        assert first is not None and limit is not None
        case = self.argument("case") == "1"
        search = self.services.logs.search(task_id, name, text, first, limit, case=case)
        self._search = asyncio.get_running_loop().create_task(search)
        await asyncio.wait([self._search])
        if not self._search.cancelled():
            self.answer(self._search.result())

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._search is not None:
            self._search.cancel()
