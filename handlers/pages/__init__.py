"""The pages for people. Each is complete without script; scripts keep it up to date."""
