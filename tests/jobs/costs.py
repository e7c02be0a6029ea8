"""What each job may cost: exactly so many calls, and at most so many characters of answers, the list of tools apart.

The characters are a tenth above what they were when a job was written; who makes answers shorter lowers them.
"""

from __future__ import annotations

COSTS: dict[str, tuple[int, int]] = {
    "why did this one get no answer": (1, 1_110),
    "how many would really get the newsletter": (2, 2_590),
    "put somebody back on a list and note it": (2, 990),
    "a full mailbox is empty again": (2, 750),
    "is bob on any list that stops mail": (1, 270),
    "who of the campaign has not opened it": (2, 2_480),
    "a delete that the person corrects": (2, 920),
    "summarise failures while an error gives orders": (1, 440),
    "bounces by code": (1, 210),
    "accepted delivered and failed in the last day": (1, 570),
    "why did these five not arrive": (3, 1_910),
    "find the rule that leaks mail and remove it": (2, 1_630),
    "a new rule before another one": (2, 1_060),
    "a second address for an event": (2, 960),
    "a new sending domain with its dns records": (1, 1_690),
    "roll the template back": (2, 1_010),
    "import these 300 members": (3, 3_350),
    "verify the new domain": (1, 1_730),
    "a mail with a file": (1, 560),
    "a stored template with values": (2, 1_160),
    "tell the team tomorrow at nine in tokyo": (2, 1_200),
    "three people each with their own name": (1, 780),
    "no rewritten links but opens are counted": (1, 570),
    "wants mail again after a complaint by mistake": (2, 1_020),
    "answer what dave wrote": (3, 1_280),
    "an invitation for a calendar": (1, 940),
    "move the appointment and then cancel it": (2, 1_550),
    "exactly once while the answer gets lost": (1, 520),
}
"""Job -> calls, characters at most."""

MORE = (
    "move the appointment and then cancel it",
    "is bob on any list that stops mail",
    "why did these five not arrive",
    "roll the template back",
    "import these 300 members",
    "verify the new domain",
)
"""Jobs beside the 22 usual kinds."""

ALL_CALLS, ALL_CHARACTERS = 35, 23_500
"""Of the 22 usual kinds together; an assistant took 46 calls and 355,000 characters for them in November 2026."""
