"""A faithful Mailgun behind a faithful Maton, in memory: for tests, for demonstrations, for people without an account.

It judges requests by what Mailgun and Maton are known to answer. It reads nothing of the engine beside it, so that it
can disagree with it.
"""

from maton_mailgun.sandbox.serve import RunningSandbox, serve
from maton_mailgun.sandbox.service import Sandbox

__all__ = ["RunningSandbox", "Sandbox", "serve"]
