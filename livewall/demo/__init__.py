"""The demonstration: a wall, polls, a task, and an audience in a process of its own."""
