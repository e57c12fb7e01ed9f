"""Tasks over HTTP (DESIGN §6): those that foreign programs report."""

from __future__ import annotations

from handlers.base import ApiHandler
from livewall import wire
from livewall.errors import invalid
from livewall.hub.position import View
from livewall.tasks.machine import TaskState


class TasksHandler(ApiHandler):
    """POST and GET /api/tasks"""

    async def get(self) -> None:
        view = await self.services.hub.view("tasks", self.who)
        assert view is View.FULL
        state = self.argument("state") or None
        if state is not None and state not in set(TaskState):
            raise invalid("state", f"one of {', '.join(TaskState)}")
        self.answer(await self.services.tasks.list(state=state, q=self.argument("q")[:200], **self.page_arguments()))

    async def post(self) -> None:
        self.need("reporter")
        task, created = await self.services.tasks.create(self.body(wire.TaskIn), self.who)
        self.set_header("Location", f"/api/tasks/{task['id']}")
        self.answer(task, 201 if created else 200)


class TaskHandler(ApiHandler):
    """GET /api/tasks/ID"""

    async def get(self, id: str) -> None:
        self.answer(await self.services.tasks.detail(id, self.who))


class StepHandler(ApiHandler):
    """PUT /api/tasks/ID/steps/NAME"""

    async def put(self, id: str, name: str) -> None:
        if self.who.step is None:
            self.need("reporter")
        self.answer(await self.services.tasks.report(id, name, self.body(wire.StepReport), self.who))
