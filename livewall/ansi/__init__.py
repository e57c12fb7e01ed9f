"""The output of programs for terminals: escape sequences, styles, and the text that is visible in the end. Pure."""
