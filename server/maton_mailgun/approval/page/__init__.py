"""The approval page: what a person sees and decides in a browser.

`maton_mailgun.approval.page.app.create_app` is the ASGI application; it is not imported here, so that importing this
package loads no web server.
"""

from .contract import Decision, NotDecidable, PageGate
from .handover import Handover
from .serve import PageServer, start
from .sessions import Sessions

__all__ = ["Decision", "Handover", "NotDecidable", "PageGate", "PageServer", "Sessions", "start"]
