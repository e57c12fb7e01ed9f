"""A rehearsal: a simulated audience that joins and votes on a real server, and checks what it gets."""
