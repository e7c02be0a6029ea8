"""Rows and schemas to frozen operations; arguments held to them; values to wire text.

Imports mail and errors; whoever handles a call may import it.
"""
