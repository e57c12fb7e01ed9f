"""The peers, each a bare program of its own: what the same work costs without Livewall."""
