"""The process that makes supervisors: `python -E -S livewall/tasks/spawner`, started by the server when it is needed.

It has imported what supervisors and the programs of Livewall need, and forks for each attempt. A new interpreter would
take fifty times as long, which counts when a step begins on many hosts. It ends with the server; the supervisors, each
with a session of its own, go on.
"""
