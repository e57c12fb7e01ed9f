"""The program that runs one attempt of a step and outlives the server: `python -E -S livewall/tasks/supervisor FOLDER`.

It imports the standard library only, and little of that: one runs beside every step. `run.py` is its loop; `folder.py`
and `hole.py` hold what the server's side (`livewall.tasks.attempt`) must know as well. Linux 5.3 or newer.
"""
