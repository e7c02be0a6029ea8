"""A faithful Mailgun behind a faithful Maton, in memory: for tests, demonstrations, people without an account.

A second opinion: imports nothing of the engine beside it. The runtime, the command line and the pytest plugin use it.
"""

from maton_mailgun.sandbox.service import Sandbox
from maton_mailgun.sandbox.web.port import RunningSandbox, serve

__all__ = ["RunningSandbox", "Sandbox", "serve"]
