"""The server without its own limit of requests a second, which a benchmark of single calls would measure otherwise."""

import sys

from maton_mailgun.__main__ import main
from maton_mailgun.wire import gateway

if __name__ == "__main__":
    gateway.REQUESTS_PER_SECOND = 1_000_000
    sys.argv = ["maton-mailgun", "serve"]
    sys.exit(main())
