"""Tasks of Celery apps as live tasks. An app adds two lines, so that its chains, groups and chords are drawn whole:

    import livewall.celery

    livewall.celery.report(app)

`livewall celery watch` reads what the app and its workers then say. Importing this package imports nothing of Celery.
"""

from __future__ import annotations

from typing import Any

__all__ = ["report"]


def report(app: Any, *, sent: bool = True) -> None:
    """Have a Celery app and its workers say what `livewall celery watch` shows. Call it once, where the app is made.

    Before the first task of a chain, a group or a chord is sent, an event says which tasks belong to it. Arguments are
    in no such event. Workers send events of their tasks, and with `sent` the app sends one for each task as well: a
    task is then shown while it waits in its queue. A broker that cannot be reached delays and fails nothing: the event
    is left out.
    """
    from livewall.celery.emitter import connect

    app.conf.update(worker_send_task_events=True, **({"task_send_sent_event": True} if sent else {}))
    connect(app)
