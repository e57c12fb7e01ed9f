"""The process that holds the SSH connections of one task: `python -I livewall/tasks/connector/__main__.py FOLDER`.

One connection per host is used by all steps of the task. What is done over it is asked for by the programs of the
steps (`livewall/tasks/programs/ssh_command.py`, `ssh_upload.py`), each through a connection of its own to a unix
socket in FOLDER. The connector outlives the server and keeps nothing that matters: after it was killed, another one
continues where the programs stand.

Only the connector imports asyncssh. `process`, `frames`, `known_hosts` and `far_scripts` need the standard library
alone: the server and the programs use them.
"""
