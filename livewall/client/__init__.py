"""The Python client of the contract: calls, votes and subscriptions that survive what networks do."""
