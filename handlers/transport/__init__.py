"""The layer below the handlers: sockets, HTTP/1.1 and WebSocket frames, with limits that apply to every client.

This package is the only one that uses private parts of Tornado. `tests/edge/test_transport_parts.py` fails if Tornado
changes one of them.
"""
