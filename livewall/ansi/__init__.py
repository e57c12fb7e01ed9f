"""What programs write for a terminal: its grammar, its colours, and what is seen of it. Pure."""
