"""What lies below the handlers: sockets, HTTP/1.1 and WebSocket frames, with the limits that hold for everybody.

This package is the only place that uses private parts of Tornado. `tests/edge/test_transport_parts.py` fails when
Tornado changes one of them.
"""
