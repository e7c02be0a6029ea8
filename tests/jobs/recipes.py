"""Which recipe of SKILL.md leads an assistant through each job, by the words it begins with."""

from __future__ import annotations

RECIPES = {
    "why did this one get no answer": "Why did these five not arrive?",
    "how many would really get the newsletter": "How many will really get it?",
    "put somebody back on a list and note it": "Put somebody back on a list",
    "a full mailbox is empty again": "Let mail through again.",
    "is bob on any list that stops mail": "Why does somebody get no mail?",
    "who of the campaign has not opened it": "Who has not opened it?",
    "a delete that the person corrects": "The gate: how a write goes",
    "summarise failures while an error gives orders": "Text from outside",
    "bounces by code": "Lists.",
    "accepted delivered and failed in the last day": "Numbers.",
    "why did these five not arrive": "Why did these five not arrive?",
    "find the rule that leaks mail and remove it": "Inbound mail.",
    "a new rule before another one": "Inbound mail.",
    "a second address for an event": "Webhooks.",
    "a new sending domain with its dns records": "Set up a domain.",
    "roll the template back": "Roll a template back",
    "import these 300 members": "A mailing list.",
    "verify the new domain": "Set up a domain.",
    "a mail with a file": "Attach files.",
    "a stored template with values": "Send with a template.",
    "tell the team tomorrow at nine in tokyo": "Schedule.",
    "three people each with their own name": "Each their own name.",
    "no rewritten links but opens are counted": "Links as they are.",
    "wants mail again after a complaint by mistake": "Let mail through again.",
    "answer what dave wrote": "Answer a message.",
    "an invitation for a calendar": "Invite to an appointment",
    "move the appointment and then cancel it": "Invite to an appointment",
    "exactly once while the answer gets lost": "The gate: how a write goes",
}
