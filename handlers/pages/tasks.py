"""The pages of tasks: the list, one task with its chart and log, and the form that starts a pipeline."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from msgspec import UNSET

from handlers.api.tasks import cancel
from handlers.pages.form import FormHandler, show_error_page
from handlers.pages.page import Page
from handlers.view_models.host_questions import detail_of, node_message, progress_parts, question_of, succeeded
from handlers.view_models.log_lines import log_parts
from handlers.view_models.option_rows import format_count
from handlers.view_models.step_words import approvers_text, list_text, reason_of, said_of, steps_text
from handlers.view_models.task_chart import BOX, edge_state, line_path, name_lines, shape, truncate
from handlers.view_models.task_hosts import chosen_log, gates_of, hosts_shown, hosts_with_keys, others_with_logs
from handlers.view_models.task_times import elapsed_text, forecast, format_timestamp
from livewall import wire
from livewall.charts.host_cells import SIDE, host_cells
from livewall.errors import BadInput, Busy, LivewallError, NotFound, invalid
from livewall.names import is_name
from livewall.tasks.gates import may_decide, tags_of
from livewall.tasks.host_acts import host_acts, step_acts
from livewall.tasks.host_progress import can_retry_by_host, sizes_of_waves, wave_under_way
from livewall.tasks.hosts.units import unit_of
from livewall.tasks.logs.lines import LogLine
from livewall.tasks.machine import Step, TaskState, has_ended, retry_refusal
from livewall.tasks.pipelines.git_refs import GitRef, GitRefs
from livewall.tasks.pipelines.params import Param, check_params
from livewall.tasks.rows import Task
from livewall.tasks.webhooks.deliveries import Undelivered
from livewall.voting.polls import PollShown
from livewall.wall_rows import Wall

SHOWN_LINES = 200
"""The number of lines of a log on a page without scripts."""
SEARCHED_LINES = 2_000
"""The number of lines that are searched for them."""
MAX_LINE_LENGTH = 2_000
"""The number of characters of such a line."""
LISTED = 50
WALL_PARAM = "wall"
"""The name of a parameter for which the form proposes the walls."""
SHOWN_WEBHOOKS = 3
"""The number of webhooks that were not delivered on the page of a task, the newest ones."""
WAITING = frozenset({"pending", "waiting"})
HOST_ACTS = ("pause", "resume", "abort", "host_skip", "host_retry", "host_key")
"""What the forms ask of steps with hosts: of the step, or of the step on one host."""
CHECK_KEY = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
"""The command that prints the fingerprint of a host's own key."""


class TaskPages(Page):
    """The base of these pages: functions for templates that describe a task or step."""

    scripts: tuple[str, ...] = ("live", "task", "tasks", "gate", "hosts", "control", "log", "state", "error", "lobby")

    def get_template_namespace(self) -> dict[str, Any]:
        now = self.services.clock()
        return super().get_template_namespace() | {
            "shape": shape,
            "elapsed": lambda timed: elapsed_text(timed, now),
            "forecast_text": lambda timed: self.forecast_text(timed, now),
            "format_count": format_count,
            "truncate": truncate,
            "name_lines": name_lines,
            "line_path": line_path,
            "edge_state": edge_state,
            "box": BOX,
            "cells_of": lambda step: host_cells(sizes_of_waves(step.targets)),
            "cells_side": SIDE,
            "done_text": lambda step: f"{succeeded(step.targets)}/{len(step.targets)}",
            "wave_under_way": wave_under_way,
            "node_message": lambda step: node_message(step, self.say),
            "hosts_text": lambda step, names=3: " · ".join(progress_parts(step, self.say, names)),
            "said_of": lambda step: said_of(step, self.say),
            "detail_of": lambda target: detail_of(target, self.say),
            "log_parts": lambda line: log_parts(line, MAX_LINE_LENGTH),
        }

    def forecast_text(self, timed: Task | Step, now: datetime) -> str:
        """Return when a task or step should end, in words; empty if it has ended."""
        kind, time = forecast(timed, now)
        if kind == "ended":
            return ""
        if kind == "none":
            return self.say("task.no_estimate")
        return self.say("task.left", time=time) if kind == "left" else self.say("task.overdue", time=time)

    async def gate_polls(self, task: Task, gates: Sequence[Step]) -> dict[str, GatePollShown]:
        """Return the polls that decide these gates, or what follows the task, and can be read, by their ids."""
        shown = {}
        waits = [step.waits_for for step in gates]
        for wait in (*waits, task.on_failure):
            if wait is not UNSET and wait.poll is not UNSET:
                with suppress(NotFound):  # it was archived just now; the step follows
                    poll, _ = await self.services.polls.detail(wait.poll, self.who)
                    ballots = poll.tally.ballots if poll.tally else await self.services.results.turnout(poll)
                    shown[poll.id] = GatePollShown(poll.title, poll.wall, self.standing_text(poll, ballots))
        return shown

    def standing_text(self, poll: PollShown, ballots: int) -> str:
        """Return how a poll stands, as far as this reader may see it."""
        text = self.say("gate.ballots", ballots, n=f"{ballots:,}")
        if poll.tally is not None:
            counts = [
                self.say("gate.count", option=option.label, n=f"{poll.tally.counts[option.id]:,}")
                for option in poll.options
            ]
            text = self.say("gate.counts", ballots=text, counts=list_text(counts, self.say))
        return text if poll.quorum is UNSET else f"{text} {self.say('gate.quorum', n=f'{poll.quorum:,}')}"

    def lang(self) -> str:
        return self.locale.code.replace("_", "-")

    def show_error(self, error: LivewallError) -> None:
        if error.code in ("unauthenticated", "forbidden"):
            show_error_page(self, error, key="task_denied")
        else:
            super().show_error(error)


class GatePollShown(NamedTuple):
    """A poll that decides a gate, and how it stands, in words."""

    title: str
    wall: str | None
    text: str


class TasksPage(TaskPages):
    """GET /tasks: the running, waiting and ended tasks, and the pipelines that can be started."""

    async def get(self) -> None:
        await self.services.hub.view("tasks", self.who)
        state, q = self.argument("state"), self.argument("q")[:200]
        if state not in set(TaskState):
            state = ""
        page = await self.services.tasks.list(
            state=state or None, q=q, limit=LISTED, before=self.argument("before") or None
        )
        self.render(
            "tasks.html",
            groups=group_tasks(page.items),
            older=page.next,
            state=state,
            q=q,
            states=list(TaskState),
            pipelines=self.services.pipelines.list() if self.who.operator else [],
            data={
                "stream": "tasks",
                "lang": self.lang(),
                "steps": [],
                "older": page.next is not None,
                "host": self.who.host,
            },
            script="tasks",
        )


def group_tasks(tasks: list[Task]) -> list[tuple[str, list[Task]]]:
    """Return three groups of tasks. Those that have not ended are in the order in which they were created."""
    groups: dict[str, list[Task]] = {"running": [], "waiting": [], "ended": []}
    for task in tasks:
        ended = has_ended(task.state)
        groups["ended" if ended else "waiting" if task.state in WAITING else "running"].append(task)
    groups["running"].reverse()
    groups["waiting"].reverse()
    return list(groups.items())


class TaskPage(TaskPages):
    """GET /tasks/ID: the chart and the log."""

    async def get(self, task_id: str) -> None:
        stream = f"tasks/{task_id}"
        scene = await self.scene(stream, self.who)
        task = scene.task
        assert task is not None
        reads_logs = task.params is not UNSET
        step, target = chosen_log(task.steps, self.argument("step"))
        chosen = "" if step is None else unit_of(step.name, target.host if target else None)
        cancelling = task.state is TaskState.CANCELLING
        undelivered = await self.services.webhooks.undelivered(task_id) if self.who.operator else []
        gates = gates_of(task.steps)
        await self.render_in_thread(
            "task.html",
            task=task,
            title=task.title,
            layout=task.layout,
            cell_states=sorted({target.state for each in task.steps for target in each.targets}),
            states={step.name: step.state for step in task.steps},
            steps_text=steps_text(task.steps, self.say),
            params=params_as_text(task.params or {}),
            reads_logs=reads_logs,
            may_act=self.who.operator,
            webhooks=[self.webhook_text(each) for each in undelivered[-SHOWN_WEBHOOKS:]],
            gates=gates,
            polls=await self.gate_polls(task, gates),
            follow_up=task.on_failure or None,
            may_decide=lambda step: may_decide(self.who, step.waits_for.approvers),
            approvers_text=lambda approvers: approvers_text(approvers, self.say),
            reason=reason_of(task, self.say),
            can_be_cancelled=can_be_cancelled(task),
            can_be_retried=can_be_retried(task),
            chosen=chosen,
            log_step=step,
            log_target=target,
            others_with_logs=others_with_logs,
            hosts=hosts_shown(task.steps, step, self.argument("state"), in_order=self.argument("order") == "given"),
            keys=[] if cancelling else hosts_with_keys(task.steps),
            step_acts=lambda step: step_acts(step, cancelling=cancelling) if self.who.operator else [],
            host_acts=lambda step, target: host_acts(step, target, cancelling=cancelling) if self.who.operator else [],
            lines=await self.last_lines(task_id, chosen) if chosen and reads_logs else [],
            data=self.data(scene, stream=stream, wall=None)
            | {
                "task": task_id,
                "logs": reads_logs,
                "me": tags_of(self.who),
                "operator": self.who.operator,
                "hosts": any(step.targets for step in task.steps),
                "layout": task.layout,
                "needs": [{"name": step.name, "needs": step.needs} for step in task.steps],
            },
            script="task",
        )

    def webhook_text(self, webhook: Undelivered) -> str:
        """Return what became of a delivery of a webhook that failed."""
        return self.say(
            "webhook.later" if webhook.due_at else "webhook.given_up",
            host=webhook.host,
            state=self.say("state." + webhook.state),
            problem=self.say("webhook.problem." + webhook.problem, status=webhook.status),
            time=format_timestamp(webhook.due_at, exact=True) if webhook.due_at else "",
        )

    async def last_lines(self, task: str, step: str) -> list[LogLine]:
        """Return the last visible lines of a step's log, for readers without scripts. If most lines were drawn over by
        others, more lines are searched."""
        lines: list[LogLine] = []
        try:
            for count in (SHOWN_LINES, SEARCHED_LINES):
                items = (await self.services.logs.lines(task, step, -count, count)).items
                lines = [line for line in items if not line.over][-SHOWN_LINES:]
                if len(lines) >= SHOWN_LINES // 2 or len(items) < count:
                    break
        except NotFound:
            pass
        return lines


def params_as_text(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return parameters with their values as text."""
    return [(name, param_text(value)) for name, value in params.items()]


def param_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


class TaskForm(FormHandler, TaskPages):
    """GET and POST /desk/tasks/ID: the actions behind the buttons of a task's page without scripts. The confirmation to
    cancel or retry, and a decision, are pages of their own, because the task's page reloads by itself."""

    def authorize_change(self) -> None:
        self.require("operator", "reporter", "host")  # what exactly is asked for decides whether that is enough

    async def get(self, task_id: str) -> None:
        if self.argument("do") in HOST_ACTS:
            await self.show_question(task_id)
            return
        if self.argument("do") == "wall":
            await self.show_walls(task_id)
            return
        if self.argument("step"):
            await self.show_gate(task_id)
            return
        self.require("operator")
        task = await self.services.tasks.detail(task_id, self.who)
        if self.argument("do") == "retry" and can_be_retried(task):
            self.render("task_again.html", task=task, by_host=can_retry_by_host(task.steps))
        elif can_be_cancelled(task):
            self.render("task_sure.html", task=task)
        else:
            self.redirect(self.reverse_url("task", task_id))

    async def show_question(self, task_id: str) -> None:
        """Ask before an act on a step with hosts, unless it has no sense any more."""
        self.require("operator")
        task = await self.services.tasks.detail(task_id, self.who)
        act, host = self.argument("do"), self.argument("host")
        step = next((step for step in task.steps if step.name == self.argument("step")), None)
        target = next((target for target in step.targets if target.host == host), None) if step and host else None
        cancelling = task.state is TaskState.CANCELLING
        if step is None or (host and target is None):
            raise NotFound("not_found", "there is no such step, or it does not run on this host")
        acts = host_acts(step, target, cancelling=cancelling) if target else step_acts(step, cancelling=cancelling)
        if act.removeprefix("host_") in acts:
            question = question_of(act.removeprefix("host_"), step, target, self.say)
            self.render(
                "task_hosts.html", task=task, step=step, target=target, act=act, question=question, check_key=CHECK_KEY
            )
        else:
            self.redirect(self.reverse_url("task", task_id))

    async def show_walls(self, task_id: str) -> None:
        """Ask which wall shall show the task."""
        self.require("host")
        task = await self.services.tasks.detail(task_id, self.who)
        walls = (await self.services.walls.list(limit=LISTED)).items
        self.render("task_wall.html", task=task, walls=walls, item=f"tasks/{task_id}")

    async def put_on_wall(self, task_id: str, code: str) -> str:
        """Let a wall show a task, after its other items. Return the address of the wall's host page."""
        self.require("host")
        item = f"tasks/{task_id}"
        wall, version = await self.services.walls.get(code, self.who)
        items = wall.items if item in wall.items else [*wall.items, item]
        await self.services.walls.edit(wall.code, wire.WallEdit(items=items, active=item), self.who, version=version)
        return self.reverse_url("wall_host", wall.code)

    async def show_gate(self, task_id: str) -> None:
        """Ask what an approver decides, unless the gate waits no longer."""
        task = await self.services.tasks.detail(task_id, self.who)
        step = next((step for step in task.steps if step.name == self.argument("step")), None)
        if step is None or step.waits_for is UNSET or not may_decide(self.who, step.waits_for.approvers):
            self.redirect(self.reverse_url("task", task_id))
            return
        decision = "reject" if self.argument("do") == "reject" else "approve"
        self.render("task_gate.html", task=task, step=step, decision=decision, ref=secrets.token_hex(8))

    async def post(self, task_id: str) -> None:
        fields = self.fields()
        act, step, host = fields.get("do", ""), fields.get("step", ""), fields.get("host", "")
        if act in ("cancel", "retry", *HOST_ACTS):
            self.require("operator")
        match act:
            case "pause" | "resume" | "abort":
                await self.services.runner.control(task_id, step, act, None, self.who)
            case "host_skip" | "host_retry":
                await self.services.runner.control(task_id, step, act.removeprefix("host_"), host, self.who)
            case "host_key":
                fingerprint = fields.get("fingerprint", "")[:200]
                await self.services.runner.accept_key(task_id, step, host, fingerprint, self.who)
            case "approve" | "reject":
                given = wire.DecideIn(act, fields.get("comment", "")[:1000], fields.get("ref", "")[:64] or None)
                await self.services.runner.decide(task_id, step, given, self.who)
            case "cancel":
                # A double click must not count as a second request, which does not wait for the task's reporter.
                if can_be_cancelled(await self.services.tasks.detail(task_id, self.who)):
                    await cancel(self.services, task_id, self.who)
            case "retry":
                by_host = fields.get("hosts") == "failed"
                task_id, _ = await self.services.runner.retry(task_id, self.who, by_host=by_host)
            case "wall":
                self.redirect(await self.put_on_wall(task_id, fields.get("wall", "")), status=303)
                return
            case _:
                raise BadInput("invalid", "unknown act")
        # Back to where the act was asked for, with the hosts of the step.
        shown = f"?{urlencode({'step': unit_of(step, host or None)})}#hosts" if act in HOST_ACTS else ""
        self.redirect(self.reverse_url("task", task_id) + shown, status=303)

    def back_link(self) -> tuple[str, str]:
        return self.reverse_url("task", self.path_args[0]), self.say("error.back_task")


def can_be_cancelled(task: Task) -> bool:
    return not has_ended(task.state) and task.state is not TaskState.CANCELLING


def can_be_retried(task: Task) -> bool:
    """Return whether a task can be retried here. A task that was reported from elsewhere is started again there."""
    return not retry_refusal(task.state, local=bool(task.pipeline))


@dataclass(frozen=True)
class FormParam:
    """A parameter in the form: its value and its choices as text, and what is wrong with the value."""

    param: Param
    value: str
    error: str
    choices: list[str]

    @classmethod
    def of(cls, param: Param, typed: Mapping[str, str], faults: Mapping[str, str]) -> FormParam:
        default = "" if param.default is None else param_text(param.default)
        choices = [param_text(choice) for choice in param.choices or ()]
        return cls(param, typed.get(param.name, default), faults.get(param.name, ""), choices)


class PipelinePage(FormHandler, TaskPages):
    """GET and POST /pipelines/NAME: the form with its parameters, which starts the pipeline."""

    write_right = "operator"
    scripts = ("refs",)

    body_limit = 512 << 10  # a parameter may have 100 kB, and a form encodes a byte in up to three
    most_fields = 1000

    async def get(self, name: str) -> None:
        self.require("operator")
        await self.show_form(name, {}, {}, "")

    async def post(self, name: str) -> None:
        form = self.fields()
        typed = {key.removeprefix("params."): text for key, text in form.items() if key.startswith("params.")}
        pipeline_id = form.get("id") or None
        try:
            if pipeline_id is not None and not is_name(pipeline_id):  # it becomes the name of a folder, too
                raise invalid("id", "letters, digits, . _ and -, at most 80")
            pipeline = self.services.pipelines.get(name)
            values = await asyncio.to_thread(check_params, pipeline, typed)
            task, _ = await self.services.runner.start_task(pipeline, values, pipeline_id, self.who)
        except LivewallError as error:
            if error.status >= 500 or error.status == 404:
                raise
            self.set_status(error.status)
            faults = {key.removeprefix("params."): why for key, why in error.fields.items()}
            await self.show_form(name, typed, faults, "" if faults else error.message)
            return
        self.redirect(self.reverse_url("task", task), status=303)

    def back_link(self) -> tuple[str, str]:
        name = self.path_args[0]
        return self.reverse_url("pipeline", name), self.say("error.back_to", page=name)

    async def show_form(self, name: str, typed: dict[str, str], faults: dict[str, str], error_text: str) -> None:
        """Show the form with what was typed, and each error beside its field. Raises NotFound."""
        known = next((each for each in self.services.pipelines.list() if each.name == name), None)
        if known is None:
            raise NotFound("not_found", f"there is no pipeline {name[:80]}")
        fields = [FormParam.of(param, typed, faults) for param in known.params]
        names = {param.name for param in known.params}
        others = [f"{name}: {why}" for name, why in faults.items() if name not in names]
        # If a double click sends the form twice, the same id starts the task once.
        task_id = f"{name[:70]}-{secrets.token_hex(3)}"
        self.render(
            "pipeline.html",
            pipeline=known,
            fields=fields,
            id=task_id,
            error_text=" ".join([error_text, *others]).strip(),
            refs=await self.known_refs(name, known.params),
            walls=await self.known_walls(known.params),
            data={"lang": self.lang(), "refs": f"/api/pipelines/{name}/refs"},
            script="pipeline",
        )

    async def known_walls(self, params: Sequence[Param]) -> list[Wall]:
        """Return the walls for a parameter that names one, to those who may list them."""
        if not self.who.host or all(param.name != WALL_PARAM for param in params):
            return []
        return (await self.services.walls.list(limit=LISTED)).items

    async def known_refs(self, name: str, params: Sequence[Param]) -> dict[str, list[GitRef]]:
        """Return what each parameter of type `git_ref` may name, as far as it was fetched before: scripts ask again,
        and readers without scripts do not wait for another machine."""
        refs: dict[str, list[GitRef]] = {}
        for param in params:
            if param.type == "git_ref":
                try:
                    listed = await self.services.git_refs.list(
                        self.services.pipelines.get(name), "", param=param.name, fetch=False
                    )
                except Busy:
                    listed = GitRefs([])
                refs[param.name] = listed.items
        return refs
