"""The server's icon, an envelope with a tick: 213 bytes of PNG. Tools have none: each list would pay for it."""

from __future__ import annotations

_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAgMAAAAOFJJnAAAADFBMVEUAAAAfToz///8WgkisjWx3AAAAAXRSTlMAQObYZgAAAHdJ"
    "REFUeNqlz7ENgDAMBEAkRM1qNFB4hCzBFBnBRUzBCDACG7ACDR3IfJxEoqLhq5O++a+qf2l6S/cCCcLAEOEBjiAgoGMHCDovEejI"
    "EIidQQYvCUwZwYlcEchUMBcsR4ZuhmXStGfc7ww9O5vb6pp211oeXJ//HofaUKvngGn7AAAAAElFTkSuQmCC"
)
ICON = f"data:image/png;base64,{_PNG}"
