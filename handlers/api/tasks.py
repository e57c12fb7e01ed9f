"""Tasks over HTTP: pipelines, tasks that run here, and tasks that other programs report."""

from __future__ import annotations

import asyncio

from handlers.base import ApiHandler
from handlers.request_bodies import LARGE_BODY, MAX_BODY
from livewall import wire
from livewall.errors import invalid
from livewall.hub.position import View
from livewall.identity import Who
from livewall.services import Services
from livewall.tasks.machine import TaskState
from livewall.tasks.pipelines.params import check_params


class TasksHandler(ApiHandler):
    """POST and GET /api/tasks"""

    write_right = "reporter"
    body_limit = MAX_BODY

    async def get(self) -> None:
        view = await self.services.hub.view("tasks", self.who)
        assert view is View.FULL
        state = self.argument("state") or None
        if state is not None and state not in set(TaskState):
            raise invalid("state", f"one of {', '.join(TaskState)}")
        self.answer(await self.services.tasks.list(state=state, q=self.argument("q")[:200], **self.page_arguments()))

    async def post(self) -> None:
        task, created = await self.services.tasks.create(self.body(wire.TaskIn), self.who)
        self.set_header("Location", f"/api/tasks/{task.id}")
        self.answer(task, 201 if created else 200)


class TaskHandler(ApiHandler):
    """GET /api/tasks/ID"""

    async def get(self, task_id: str) -> None:
        self.answer(await self.services.tasks.detail(task_id, self.who))


class StepHandler(ApiHandler):
    """PUT /api/tasks/ID/steps/NAME"""

    body_limit = LARGE_BODY

    def authorize_change(self) -> None:
        if self.who.step is None:
            self.require("reporter")

    async def put(self, task_id: str, name: str) -> None:
        self.answer(await self.services.tasks.report(task_id, name, self.body(wire.StepReport), self.who))


class CancelHandler(ApiHandler):
    """POST /api/tasks/ID/cancel"""

    write_right = "operator"

    async def post(self, task_id: str) -> None:
        self.body(wire.Nothing)
        await cancel(self.services, task_id, self.who)
        self.answer(await self.services.tasks.detail(task_id, self.who))


class DecideHandler(ApiHandler):
    """POST /api/tasks/ID/steps/NAME/decide. Which approver may decide is checked with the decision."""

    def authorize_change(self) -> None:
        self.require("reporter", "operator", "host")

    async def post(self, task_id: str, name: str) -> None:
        self.answer(await self.services.runner.decide(task_id, name, self.body(wire.DecideIn), self.who))


class HostsHandler(ApiHandler):
    """POST /api/tasks/ID/steps/NAME/pause, /resume and /abort"""

    write_right = "operator"

    async def post(self, task_id: str, name: str, act: str) -> None:
        self.body(wire.Nothing)
        self.answer(await self.services.runner.control(task_id, name, act, None, self.who))


class HostHandler(ApiHandler):
    """POST /api/tasks/ID/steps/NAME/hosts/HOST/skip and /retry"""

    write_right = "operator"

    async def post(self, task_id: str, name: str, host: str, act: str) -> None:
        self.body(wire.Nothing)
        self.answer(await self.services.runner.control(task_id, name, act, host, self.who))


class HostKeyHandler(ApiHandler):
    """POST /api/tasks/ID/steps/NAME/hosts/HOST/key"""

    write_right = "operator"

    async def post(self, task_id: str, name: str, host: str) -> None:
        given = self.body(wire.HostKeyIn)
        self.answer(await self.services.runner.accept_key(task_id, name, host, given.fingerprint, self.who))


class RetryHandler(ApiHandler):
    """POST /api/tasks/ID/retry. The status is 200 if the same retry was made before."""

    write_right = "operator"

    async def post(self, task_id: str) -> None:
        given = self.body(wire.TaskRetryIn)
        task, created = await self.services.runner.retry(task_id, self.who, by_host=given.hosts == "failed")
        await answer_task(self, task, created)


class PipelinesHandler(ApiHandler):
    """GET /api/pipelines"""

    async def get(self) -> None:
        self.require("operator")
        self.answer({"items": self.services.pipelines.list(), "next": None})


class RefsHandler(ApiHandler):
    """GET /api/pipelines/NAME/refs?q=&param="""

    async def get(self, name: str) -> None:
        self.require("operator")
        pipeline = self.services.pipelines.get(name)
        q, param = self.argument("q")[:200], self.argument("param") or None
        self.answer(await self.services.git_refs.list(pipeline, q, param=param))


class StartHandler(ApiHandler):
    """POST /api/pipelines/NAME/tasks"""

    write_right = "operator"
    body_limit = MAX_BODY

    async def post(self, name: str) -> None:
        start = self.body(wire.StartIn)
        pipeline = self.services.pipelines.get(name)
        params = await asyncio.to_thread(check_params, pipeline, start.params)
        task, created = await self.services.runner.start_task(pipeline, params, start.id, self.who)
        await answer_task(self, task, created)


async def cancel(services: Services, task_id: str, who: Who) -> None:
    """Cancel a task, wherever it runs. Raises NotFound."""
    if await services.tasks.cancel(task_id, who) is None:
        await services.runner.cancel(task_id, who)


async def answer_task(handler: ApiHandler, task: str, created: bool) -> None:
    handler.set_header("Location", f"/api/tasks/{task}")
    handler.answer(await handler.services.tasks.detail(task, handler.who), 201 if created else 200)
