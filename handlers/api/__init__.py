"""The calls of the HTTP API, one module per subject, and their descriptions for machines."""
