"""A rehearsal: a hall of people that do not exist, against a server that does."""
