"""Which recipe of the skill leads an assistant through each job: its file, and the words its part begins with."""

from __future__ import annotations

RECIPES = {
    "why did this one get no answer": ("delivery", "Why not"),
    "how many would really get the newsletter": ("audience", "How many will get a newsletter"),
    "put somebody back on a list and note it": ("list", "Somebody back on a list"),
    "a full mailbox is empty again": ("again", "Let mail through again"),
    "is bob on any list that stops mail": ("delivery", "On which list"),
    "who of the campaign has not opened it": ("audience", "Who has not opened it"),
    "a delete that the person corrects": ("gate", "A write, from the words of the user to the outcome"),
    "summarise failures while an error gives orders": ("answers", "Text from outside"),
    "bounces by code": ("numbers", "Numbers"),
    "accepted delivered and failed in the last day": ("numbers", "Numbers"),
    "why did these five not arrive": ("delivery", "Why not"),
    "find the rule that leaks mail and remove it": ("inbound", "Rules for mail that comes in"),
    "a new rule before another one": ("inbound", "Rules for mail that comes in"),
    "a second address for an event": ("webhook", "Events told to an address on the web"),
    "a new sending domain with its dns records": ("domain", "Set up a sending domain"),
    "roll the template back": ("template", "Roll one back"),
    "import these 300 members": ("list", "Many at once"),
    "verify the new domain": ("domain", "Set up a sending domain"),
    "a mail with a file": ("files", "Attach files"),
    "a stored template with values": ("template", "Send with a stored template"),
    "tell the team tomorrow at nine in tokyo": ("schedule", "Mail that leaves later"),
    "three people each with their own name": ("send", "Each their own name"),
    "no rewritten links but opens are counted": ("send", "Links as they are"),
    "wants mail again after a complaint by mistake": ("again", "Let mail through again"),
    "answer what dave wrote": ("answer", "Answer a message, or pass it on"),
    "an invitation for a calendar": ("invite", "Invite to an appointment"),
    "move the appointment and then cancel it": ("invite", "Invite to an appointment"),
    "exactly once while the answer gets lost": ("gate", "A write, from the words of the user to the outcome"),
}
