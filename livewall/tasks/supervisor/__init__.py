"""What runs one attempt of a step and outlives the server: a process that the spawner forks (`livewall/tasks/spawner`).

It imports the standard library only, and little of that, because one supervisor runs for every step that runs. `run.py`
is its loop; `folder.py` and `truncation.py` are shared with the server's side (`livewall.tasks.attempt`). It needs
Linux 5.3 or newer, for pidfds.
"""
