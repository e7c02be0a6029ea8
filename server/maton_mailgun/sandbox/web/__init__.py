"""HTTP in and out: calls, forms, routing, pages, the application, the port.

Imports what it serves; nothing outside the sandbox imports it.
"""
