"""The demonstration: a wall, polls, a task, and a hall of people that is a process of its own."""
