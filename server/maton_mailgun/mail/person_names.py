"""When two names of people could be taken for one."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s"})
"""What one name could be taken for another by; after case and accents are gone."""


def key_of(name: str) -> str:
    """What two names share that a person could take for each other."""
    plain = without_accents(unicodedata.normalize("NFKC", name)).casefold()
    return re.sub(r"[^a-z0-9]", "", plain).replace("rn", "m").replace("vv", "w").translate(_ALIKE)


def without_accents(name: str) -> str:
    """A name without the marks above and below its letters."""
    return "".join(one for one in unicodedata.normalize("NFD", name) if not unicodedata.combining(one))
