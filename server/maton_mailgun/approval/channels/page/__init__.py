"""The approval page: a small web application on this machine, its sign-in, its fence, its browser side.

Imports lifecycle and mail; only the ways to a person, HTTP serving, doctor and its command may import it.
"""

from maton_mailgun.approval.channels.page.baton import Baton, Opened
from maton_mailgun.approval.channels.page.handover import Handover
from maton_mailgun.approval.channels.page.page_gate import Decision, NotDecidable, PageGate
from maton_mailgun.approval.channels.page.page_server import PageServer, start
from maton_mailgun.approval.channels.page.sessions import Sessions

__all__ = ["Baton", "Decision", "Handover", "NotDecidable", "Opened", "PageGate", "PageServer", "Sessions", "start"]
